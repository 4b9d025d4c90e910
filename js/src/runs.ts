/** Two runs beside each other: which of them is shown. */

import type { Watch } from "./protocol.gen.ts";
import type { Store } from "./store.ts";

export const RUNS: readonly Watch["run"][] = ["first", "second", "difference"];

/** What the two are called; empty where there is one. Reads a signal. */
export const namesOf = ({ source }: Store): readonly string[] => source.status.value?.runs ?? [];

/** What each of `RUNS` is called. */
export function runNames([first = "", second = ""]: readonly string[]): readonly string[] {
  return [first, second, `${second} minus ${first}`];
}

/** Shows the next of the two and their difference. */
export function nextRun(store: Store): void {
  const { run } = store;
  if (namesOf(store).length > 0) run.value = RUNS[(RUNS.indexOf(run.peek()) + 1) % RUNS.length] ?? "first";
}
