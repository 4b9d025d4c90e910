/** How the run of a file stood at the step that is shown, and how it ended. */

import type { Status } from "../protocol.gen.ts";
import type { Line, SeriesData } from "../source/source.ts";

/** The value of a line at the last of its steps that is not after `step`; `undefined` before its first one. */
function valueAt({ steps, values }: Line, step: number): number | undefined {
  const after = steps.findIndex((each) => each > step);
  return values[(after < 0 ? steps.length : after) - 1];
}

/** The metrics as they were; one that was not known yet is left out. */
function logsAt(status: Status, { lines }: SeriesData, step: number): Status["logs"] {
  const found = Object.entries(status.logs).flatMap(([name, last]) => {
    const line = lines.find((each) => each.layer === null && each.name === name);
    // A line has no points that are not finite: where such a one ended it, it does not go on as it was.
    if (last === null && line !== undefined && step > (line.steps.at(-1) ?? 0))
      return [[name, null] as const];
    const value = line === undefined ? undefined : valueAt(line, step);
    return value === undefined ? [] : [[name, Number.isFinite(value) ? value : null] as const];
  });
  return Object.fromEntries(found);
}

/** The epoch that a step belongs to, from 0: the events say at which steps epochs ended. */
function epochAt({ epoch, steps_per_epoch: each }: Status, { events }: SeriesData, step: number): number {
  const ended = events.filter((event) => event.name === "epoch" && event.step < step).length;
  return Math.min(epoch, each === null ? ended : Math.max(0, Math.ceil(step / each) - 1));
}

/** `recording` would read as if it were going on. */
function endWords({ source, state, step, activity }: Status): string | null {
  if (activity !== null || source === "inspection") return activity;
  return state === "failed" ? `failed at step ${step}` : `recorded up to step ${step}`;
}

/**
 * What the header says while a step is shown.
 *
 * Args:
 *   status: How the run stands at its end.
 *   series: Its metrics; `null` while they are unpacked.
 *   step: The step that is shown.
 */
export function standingAt(status: Status, series: SeriesData | null, step: number): Status {
  const activity = endWords(status);
  if (step >= status.step || series === null) return { ...status, activity };
  const [epoch, logs] = [epochAt(status, series, step), logsAt(status, series, step)];
  return { ...status, activity, step, epoch, logs };
}
