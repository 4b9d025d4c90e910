/**
 * What the timeline draws: metrics over the whole length of the run, losses at the left axis, all others at the right.
 * Without a loss to draw the others have the left axis: no axis is empty.
 */

import type { Status } from "../protocol.gen.ts";
import type { Line, SeriesData } from "../source/source.ts";
import { type Axis, axisOf, logAxisOf } from "./axis.ts";
import { rangeOf, rangeOfAll, smooth } from "./lines.ts";

/** Metrics that say how the run is made, not how it goes. */
const NOT_DRAWN: readonly string[] = ["gradient_l2", "learning_rate", "lr"];

/** A loss that went so many times as far as it mostly is leaves nothing to see of the rest on an even scale. */
const FAR = 100;

/** A longer name does not fit over its axis. */
const LONGEST_NAME = 10;

export type Tone = "accent" | "second" | "muted" | "raw";

export interface Curve {
  readonly name: string;
  readonly side: "left" | "right";
  readonly tone: Tone;
  /** CSS pixels; empty of a line that is drawn through. */
  readonly dash: readonly number[];
  readonly steps: Float64Array;
  readonly values: Float32Array;
  readonly labelled: boolean;
  /** Of a branch that is not shown. */
  readonly faint?: boolean;
}

export interface Plot {
  readonly x: readonly [number, number];
  /** Of the losses, or without any of the other metrics; `null` if there is nothing to draw. */
  readonly left: Axis | null;
  /** Of all other metrics beside losses; `null` if there are none. */
  readonly right: Axis | null;
  readonly curves: readonly Curve[];
  /** What a reader looks for and does not find, in words; `null` if nothing is missing. */
  readonly missing: string | null;
  /** First step of each epoch, and how they are called. */
  readonly epochs: readonly { readonly from: number; readonly to: number; readonly number: number }[];
}

/** Lines of validation are dashed, those of the second of two runs dotted. CSS pixels. */
const VALIDATION_DASH = [4, 3];
export const SECOND_DASH = [0.5, 3];

const isLoss = (name: string): boolean => name === "loss" || name.endsWith("_loss");

/** How long the run will be; `null` where that is not known. */
export type Length = Pick<Status, "total_steps" | "steps_per_epoch" | "epochs">;

export function plotOf(series: SeriesData, length: Length): Plot {
  const given = series.lines.filter(({ layer, name }) => layer === null && !NOT_DRAWN.includes(name));
  const log = wentFar(given.filter(({ name, branch }) => isLoss(name) && branch === undefined));
  const metrics = log ? given.map(inPowers) : given;
  const logged = metrics.filter(({ branch }) => branch === undefined);
  const drawn = logged.filter(({ values }) => rangeOf(values) !== null);
  const losses = drawn.filter(({ name }) => isLoss(name));
  const others = drawn.filter(({ name }) => !isLoss(name));
  const left = losses.length > 0 ? lossAxis(losses, log) : others.length > 0 ? metricAxis(others) : null;
  const last = Math.max(length.total_steps ?? 0, series.lastStep, 1);
  return {
    x: [0, last],
    left,
    right: losses.length > 0 && others.length > 0 ? metricAxis(others) : null,
    curves: [...othersOf(metrics), ...drawn.flatMap((line) => curvesOf(line, drawn))],
    missing: losses.length > 0 ? null : missingOf(logged, others.length > 0, series.lastStep),
    epochs: epochsOf(last, length),
  };
}

/** The loss of each batch is a line of its own, of NaN where a step computes none: that is no loss that went wrong. */
function missingOf(logged: readonly Line[], hasOthers: boolean, lastStep: number): string {
  const lost = logged.some(({ name }) => isLoss(name) && name !== "batch_loss");
  if (lost) return "no loss was finite";
  if (hasOthers) return "no loss was logged";
  return lastStep > 0 ? "no loss or metric was logged" : "loss and metrics appear with the first step";
}

function lossAxis(lines: readonly Line[], log: boolean): Axis {
  const [low, high] = extremesOf(lines) ?? [0, 1];
  return log ? logAxisOf("loss", 10 ** low, 10 ** high) : axisOf("loss", low, high);
}

/** Whether losses are all above zero, and the largest is far above what they mostly are. */
function wentFar(losses: readonly Line[]): boolean {
  const range = extremesOf(losses);
  if (range === null || range[0] <= 0) return false;
  // Where it began is not far: a loss that has fallen a long way keeps its even scale.
  const usual = losses.map(({ values }) => {
    const finite = values.filter(Number.isFinite);
    const [first = Number.POSITIVE_INFINITY] = finite;
    return Math.max(first, finite.sort()[finite.length >> 1] ?? 0);
  });
  return range[1] > FAR * Math.min(...usual);
}

/** The same line of powers of ten: what is smoothed is smoothed as it is drawn. */
const inPowers = (line: Line): Line =>
  isLoss(line.name) ? { ...line, values: line.values.map(Math.log10) } : line;

/** Shares keep the scale from 0 to 1, however far they are; other metrics get what holds all of them. */
function metricAxis(lines: readonly Line[]): Axis {
  const [low, high] = extremesOf(lines) ?? [0, 1];
  const share = low >= 0 && high <= 1;
  const names = new Set(lines.map(({ name }) => name.replace(/^val_/, "")));
  const [only = ""] = names;
  const name = names.size === 1 && only.length <= LONGEST_NAME ? only : "metrics";
  return axisOf(name, low, share ? 1 : high);
}

const extremesOf = (lines: readonly Line[]): [number, number] | null =>
  rangeOfAll(lines.map(({ values }) => values));

function curvesOf(line: Line, drawn: readonly Line[]): Curve[] {
  const { name, steps, values, run = 0 } = line;
  const loss = isLoss(name);
  const side = loss || !drawn.some((other) => isLoss(other.name)) ? "left" : "right";
  const dash = [...(name.startsWith("val_") ? VALIDATION_DASH : []), ...(run > 0 ? SECOND_DASH : [])];
  // A line and its dotted twin have one name.
  const labelled = run === 0 || !drawn.some((other) => other.name === name && other !== line);
  const base = { name, side, steps, values, dash, labelled } as const;
  if (name === "batch_loss") {
    const smoothed: Curve = {
      ...base,
      name: "loss",
      values: smooth(values, values.length / 24),
      tone: "accent",
    };
    return run > 0 ? [smoothed] : [{ ...base, tone: "raw", labelled: false }, smoothed];
  }
  // Keras' own loss is a mean that starts anew in each epoch; the smoothed batch loss says the same without jumps.
  if (name === "loss" && drawn.some((other) => other.name === "batch_loss")) return [];
  return [{ ...base, tone: loss ? "accent" : name.endsWith("accuracy") ? "second" : "muted" }];
}

/** The loss of each branch that is not shown, from where it leaves. The axis is not theirs: one may have gone astray. */
function othersOf(metrics: readonly Line[]): Curve[] {
  return metrics.flatMap(({ name, branch, steps, values }): Curve[] => {
    const own = metrics.filter((other) => other.branch === branch).map((other) => other.name);
    if (branch === undefined || name !== (own.includes("batch_loss") ? "batch_loss" : "loss")) return [];
    const smoothed = smooth(values, values.length / 24);
    return [
      {
        name: branch,
        side: "left",
        tone: "muted",
        dash: [],
        steps,
        values: smoothed,
        labelled: false,
        faint: true,
      },
    ];
  });
}

function epochsOf(last: number, { steps_per_epoch: each, total_steps, epochs }: Length): Plot["epochs"] {
  if (each === null || each < 1 || last / each > 500) return [];
  const count = Math.ceil(last / each);
  // A run that goes on where another ended has fewer epochs than the number of its last one.
  const before = total_steps === null ? 0 : Math.max(0, epochs - count);
  return Array.from({ length: count }, (_, i) => ({
    from: i * each,
    to: Math.min((i + 1) * each, last),
    number: before + i + 1,
  }));
}
