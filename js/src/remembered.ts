/** How a person looks at it, kept in the browser's tab: a page that is reloaded shows it as it was. */

import { batch, effect } from "@preact/signals";
import type { Kind, Order, Watch } from "./protocol.gen.ts";
import type { Store } from "./store.ts";

interface Kept {
  readonly order: Order | null;
  readonly compare: number | null;
  readonly run: Watch["run"];
  readonly folded: readonly string[];
  readonly tables: readonly Kind[];
  readonly outputGradients: boolean;
  readonly debugging?: boolean;
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(Reflect.get(value, "folded")) && Array.isArray(Reflect.get(value, "tables"));
}

/** What was kept; nothing on a page that may not store, such as one in a sandbox, or that stored something else. */
function load(name: string): Kept | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(name) ?? "null");
    return isKept(kept) ? kept : null;
  } catch {
    return null;
  }
}

function save(name: string, kept: Kept): void {
  try {
    sessionStorage.setItem(name, JSON.stringify(kept));
  } catch {
    // A full or a forbidden store: the next page begins anew.
  }
}

/** Takes up what was kept under this name, and keeps what is chosen from now on, until `abort`. */
export function keepChoices(store: Store, name: string, abort: AbortSignal): void {
  const { order, compare, run, folded, tables, outputGradients, debugging } = store;
  const kept = load(name);
  if (kept !== null)
    batch(() => {
      order.value = kept.order;
      compare.value = kept.compare;
      run.value = kept.run;
      folded.value = new Set(kept.folded);
      tables.value = new Set(kept.tables);
      outputGradients.value = kept.outputGradients;
      debugging.value = kept.debugging ?? false;
    });
  const stop = effect(() =>
    save(name, {
      order: order.value,
      compare: compare.value,
      run: run.value,
      folded: [...folded.value],
      tables: [...tables.value],
      outputGradients: outputGradients.value,
      debugging: debugging.value,
    }),
  );
  abort.addEventListener("abort", stop);
}
