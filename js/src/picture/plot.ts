/** What the timeline draws: metrics over the whole length of the run, losses at the left axis, all others at the right. */

import type { Status } from "../protocol.gen.ts";
import type { Line, SeriesData } from "../source/source.ts";
import { type Axis, axisOf } from "./axis.ts";
import { rangeOf, smooth } from "./lines.ts";

/** Metrics that say how the run is made, not how it goes. */
const NOT_DRAWN: readonly string[] = ["gradient_l2", "learning_rate", "lr"];

/** A longer name does not fit over its axis. */
const LONGEST_NAME = 10;

export type Tone = "accent" | "second" | "muted" | "raw";

export interface Curve {
  readonly name: string;
  readonly side: "left" | "right";
  readonly tone: Tone;
  readonly dashed: boolean;
  readonly steps: Float64Array;
  readonly values: Float32Array;
  readonly labelled: boolean;
}

export interface Plot {
  readonly x: readonly [number, number];
  /** Of the losses; `null` if nothing belongs to it. */
  readonly left: Axis | null;
  /** Of all other metrics; `null` if there are none. */
  readonly right: Axis | null;
  readonly curves: readonly Curve[];
  /** First step of each epoch, and how they are called. */
  readonly epochs: readonly { readonly from: number; readonly to: number; readonly number: number }[];
}

const isLoss = (name: string): boolean => name === "loss" || name.endsWith("_loss");

/** How long the run will be; `null` where that is not known. */
export type Length = Pick<Status, "total_steps" | "steps_per_epoch" | "epochs">;

export function plotOf(series: SeriesData, length: Length): Plot {
  const metrics = series.lines.filter(({ layer, name }) => layer === null && !NOT_DRAWN.includes(name));
  const losses = metrics.filter(({ name }) => isLoss(name));
  const others = metrics.filter(({ name }) => !isLoss(name));
  const last = Math.max(length.total_steps ?? 0, series.lastStep, 1);
  return {
    x: [0, last],
    left: losses.length > 0 ? lossAxis(losses) : null,
    right: others.length > 0 ? metricAxis(others) : null,
    curves: metrics.flatMap((line) => curvesOf(line, metrics)),
    epochs: epochsOf(last, length),
  };
}

function lossAxis(lines: readonly Line[]): Axis {
  const [low, high] = extremesOf(lines) ?? [0, 1];
  return axisOf("loss", low, high);
}

/** Shares keep the scale from 0 to 1, however far they are; other metrics get what holds all of them. */
function metricAxis(lines: readonly Line[]): Axis {
  const [low, high] = extremesOf(lines) ?? [0, 1];
  const share = low >= 0 && high <= 1;
  const names = new Set(lines.map(({ name }) => name.replace(/^val_/, "")));
  const [only = ""] = names;
  const name = names.size === 1 && only.length <= LONGEST_NAME ? only : "metrics";
  return axisOf(name, low, share ? 1 : high);
}

function extremesOf(lines: readonly Line[]): [number, number] | null {
  return rangeOf(lines.flatMap(({ values }) => rangeOf(values) ?? []));
}

function curvesOf(line: Line, metrics: readonly Line[]): Curve[] {
  const { name, steps, values } = line;
  const loss = isLoss(name);
  const side = loss ? "left" : "right";
  const base = { name, side, steps, values, dashed: name.startsWith("val_"), labelled: true } as const;
  if (name === "batch_loss") {
    const smoothed = smooth(values, values.length / 24);
    return [
      { ...base, tone: "raw", labelled: false },
      { ...base, name: "loss", values: smoothed, tone: "accent" },
    ];
  }
  // Keras' own loss is a mean that starts anew in each epoch; the smoothed batch loss says the same without jumps.
  if (name === "loss" && metrics.some((other) => other.name === "batch_loss")) return [];
  return [{ ...base, tone: loss ? "accent" : name.endsWith("accuracy") ? "second" : "muted" }];
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
