/** Whether the annex is there, and asking for it once. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type * as Debugging from "./annex/debugging.ts";
import type * as Reading from "./annex/reading.ts";
import { reasonOf } from "./format.ts";

/** Without a session there is nothing to debug. */
export type AnnexParts = typeof Reading & Partial<typeof Debugging> & { readonly style?: string };

export interface Annex {
  /** `null` before it was loaded. */
  readonly parts: ReadonlySignal<AnnexParts | null>;
  /** Why it could not be loaded; `null` while nobody tried, or it is tried again. */
  readonly fault: ReadonlySignal<string | null>;
  /** Loads it if it is not there; after a fault it is tried again. */
  load(): Promise<void>;
  /** Does something that needs it: at once if it is there. Without it `fault` is told. */
  use(act: (parts: AnnexParts) => void): void;
}

export function createAnnex(fetch: () => Promise<AnnexParts>, tell: (fault: string) => void): Annex {
  const parts = signal<AnnexParts | null>(null);
  const fault = signal<string | null>(null);
  let loading: Promise<void> | null = null;

  async function tryIt(): Promise<void> {
    fault.value = null;
    try {
      parts.value = await fetch();
    } catch (error) {
      fault.value = `This part of the view could not be loaded: ${reasonOf(error)}`;
    }
    loading = null;
  }
  const load = (): Promise<void> => {
    if (parts.peek() !== null) return Promise.resolve();
    loading ??= tryIt();
    return loading;
  };

  return {
    parts,
    fault,
    load,
    use(act) {
      const now = parts.peek();
      if (now !== null) return act(now);
      void load().then(() => {
        const then = parts.peek();
        if (then !== null) act(then);
        else tell(`${fault.peek()}. Try it again.`);
      });
    },
  };
}
