/** The branches of a session: which of them is shown, and how the lines of the others stand to it. */

import { effect, type ReadonlySignal, type Signal } from "@preact/signals";
import type { BranchEntry, Debugging, Status, Watch } from "./protocol.gen.ts";
import type { Line, SeriesData } from "./source/source.ts";

/** The branch of this name, or the one in which the session stands. */
export function branchOf(debugging: Debugging | null | undefined, name: string | null): BranchEntry | null {
  const find = (wanted: string | null | undefined) =>
    debugging?.branches.find((branch) => branch.name === wanted);
  return find(name) ?? find(debugging?.branch) ?? null;
}

/** Let go of branches that are there no more, or by another name: the current one is shown then. Returns the end of it. */
export function forgetBranches(
  status: ReadonlySignal<Status | null>,
  branch: Signal<string | null>,
  beside: Signal<string | null>,
  run: Signal<Watch["run"]>,
): () => void {
  return effect(() => {
    const branches = status.value?.debugging?.branches;
    if (!branches) return;
    const isThere = (name: string | null) => name === null || branches.some((each) => each.name === name);
    if (!isThere(branch.value)) branch.value = null;
    if (isThere(beside.value)) return;
    beside.value = null;
    run.value = "first";
  });
}

/** Whether the session stands in it. */
export const isCurrent = (status: Status | null, branch: BranchEntry | null): boolean =>
  branch === null || branch.name === status?.debugging?.branch;

/** Of the two that are compared the one in which the session stands, else the shown one: where it stands is followed. */
export function followedOf(
  debugging: Debugging | null | undefined,
  shown: string | null,
  beside: string | null,
): BranchEntry | null {
  const current = debugging?.branch ?? null;
  return branchOf(debugging, beside !== null && beside === current ? beside : shown);
}

/** Which of the two that are compared does not have a step, in words; empty if both have it. */
export function endWords(pair: readonly (BranchEntry | null | undefined)[], step: number): string {
  return pair
    .filter((branch): branch is BranchEntry => !!branch && branch.last_step < step)
    .map(({ name, last_step }) => `${name} has no step ${step}: it ends at step ${last_step}.`)
    .join(" ");
}

/** A branch and those that it comes from, each with the last of its steps that belongs to it. */
function lineageOf(branches: readonly BranchEntry[], branch: BranchEntry): Map<string, number> {
  const lineage = new Map([[branch.name, branch.last_step]]);
  let [now, upTo]: [BranchEntry | undefined, number] = [branch, branch.last_step];
  while (now !== undefined && now.parent !== null) {
    upTo = Math.min(upTo, now.step);
    lineage.set(now.parent, upTo);
    const { parent }: BranchEntry = now;
    now = branches.find(({ name }) => name === parent);
  }
  return lineage;
}

/** The last step that two branches share. */
export function forkOf(branches: readonly BranchEntry[], one: BranchEntry, other: BranchEntry): number {
  const mine = lineageOf(branches, one);
  const shared = [...lineageOf(branches, other)].map(([name, upTo]) => Math.min(upTo, mine.get(name) ?? -1));
  return Math.max(0, ...shared);
}

function after(line: Line, step: number): Line {
  const from = line.steps.findIndex((each) => each >= step);
  if (from < 0) return { ...line, steps: line.steps.subarray(0, 0), values: line.values.subarray(0, 0) };
  return { ...line, steps: line.steps.subarray(from), values: line.values.subarray(from) };
}

/** The lines of a session as those of the shown branch, of the one beside it as of a second run, and of all others. */
export function treeOf(
  series: SeriesData,
  debugging: Debugging | null | undefined,
  shown: string | null,
  beside: string | null,
): SeriesData {
  const branches = debugging?.branches ?? [];
  const first = branchOf(debugging, shown);
  if (branches.length < 2 || first === null) return series;
  const lines = series.lines.map((line): Line => {
    const branch = branches[line.run ?? 0];
    if (line.layer !== null || branch === undefined) return line;
    if (branch === first) return { ...line, run: 0 };
    if (branch.name === beside) return { ...line, run: 1 };
    return { ...after(line, forkOf(branches, first, branch)), run: 0, branch: branch.name };
  });
  return { ...series, lines };
}
