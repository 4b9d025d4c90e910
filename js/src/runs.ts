/** Two runs beside each other: which of them is shown. */

import { branchOf } from "./branches.ts";
import type { Watch } from "./protocol.gen.ts";
import type { Store } from "./store.ts";

export const RUNS: readonly Watch["run"][] = ["first", "second", "difference"];

/** What the two are called; empty where there is one. Reads a signal. */
export function namesOf({ source, branch, beside }: Store): readonly string[] {
  const { runs = [], debugging } = source.status.value ?? {};
  const shown = branchOf(debugging, branch.value);
  return beside.value === null || shown === null ? runs : [shown.name, beside.value];
}

/** What each of `RUNS` is called. */
export function runNames([first = "", second = ""]: readonly string[]): readonly string[] {
  return [first, second, `${second} minus ${first}`];
}

/** Shows the next of the two and their difference. */
export function nextRun(store: Store): void {
  const { run } = store;
  if (namesOf(store).length > 0) run.value = RUNS[(RUNS.indexOf(run.peek()) + 1) % RUNS.length] ?? "first";
}
