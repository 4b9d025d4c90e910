/** What every component of one view is given. */

import type { ReadonlySignal } from "@preact/signals";
import { type ComponentType, createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Kind, Status } from "../protocol.gen.ts";
import type { Reading } from "../readout.ts";
import type { PlaneData } from "../source/source.ts";
import type { Store } from "../store.ts";
import type { Theme } from "../theme.ts";

/** What a page puts in that no kernel stands behind. */
export interface PageParts {
  /** In place of the buttons that run a session. */
  readonly Controls: ComponentType;
  /** What the header tells: how the run stood at the step that is shown. */
  readonly status: ReadonlySignal<Status | null>;
  /** In place of a picture that there is not. */
  readonly Missing: ComponentType<{ words: string; data: ReadonlySignal<PlaneData | null> }>;
}

export interface View {
  readonly store: Store;
  readonly theme: ReadonlySignal<Theme>;
  readonly readings: ReadonlySignal<readonly Reading[]>;
  /** Tells a screen reader what is under the cursor now. */
  announce(tensor: Kind): void;
  readonly parts: PageParts | null;
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (view === null) throw new Error("a component must be inside a ViewContext");
  return view;
}
