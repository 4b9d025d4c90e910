/** What every component of one view is given. */

import type { ReadonlySignal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Kind } from "../protocol.gen.ts";
import type { Reading } from "../readout.ts";
import type { Store } from "../store.ts";
import type { Theme } from "../theme.ts";

export interface View {
  readonly store: Store;
  readonly theme: ReadonlySignal<Theme>;
  readonly readings: ReadonlySignal<readonly Reading[]>;
  /** Tells a screen reader what is under the cursor now. */
  announce(tensor: Kind): void;
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (view === null) throw new Error("a component must be inside a ViewContext");
  return view;
}
