/** The timeline: metrics over the whole length of the run. Pure drawing; what to draw is decided in `plotOf`. */

import { formatValue } from "../format.ts";
import type { Status } from "../protocol.gen.ts";
import type { SeriesData } from "../source/source.ts";
import type { Theme } from "../theme.ts";
import { drawLine, type Frame2d, lastOf, rangeOf, smooth, spread, xOf, yOf } from "./lines.ts";

/** Metrics that say how the run is made, not how it goes. */
const NOT_DRAWN: readonly string[] = ["gradient_l2", "learning_rate", "lr"];

type Tone = "accent" | "second" | "muted" | "raw";

export interface Curve {
  readonly name: string;
  readonly tone: Tone;
  readonly dashed: boolean;
  readonly steps: Float64Array;
  readonly values: Float32Array;
  readonly y: readonly [number, number];
  readonly labelled: boolean;
}

export interface Plot {
  readonly x: readonly [number, number];
  /** Of the losses; the axis at the left. */
  readonly y: readonly [number, number];
  readonly curves: readonly Curve[];
  /** First step of each epoch, and how they are called. */
  readonly epochs: readonly { readonly from: number; readonly to: number; readonly number: number }[];
}

/** The next of 1, 2, 5, 10 … times a power of ten that is not smaller. */
export function niceCeiling(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value * 0.999_999) ?? 10;
  return factor * power;
}

const isLoss = (name: string): boolean => name.endsWith("loss");

/** A metric that is a share keeps the scale from 0 to 1; any other one its own. */
function scaleOf(values: Float32Array): [number, number] {
  const [low, high] = rangeOf(values) ?? [0, 1];
  if (low >= 0 && high <= 1) return [0, 1];
  return low === high ? [low - 1, high + 1] : [Math.min(low, 0), high];
}

function lossScale(series: SeriesData): [number, number] {
  const tops = series.lines
    .filter(({ name, layer }) => layer === null && isLoss(name))
    .map(({ values }) => rangeOf(values))
    .filter((range) => range !== null);
  const low = Math.min(0, ...tops.map(([bottom]) => bottom));
  return [low < 0 ? -niceCeiling(-low) : 0, niceCeiling(Math.max(...tops.map(([, top]) => top), 1e-9))];
}

/** How long the run will be; `null` where that is not known. */
export type Length = Pick<Status, "total_steps" | "steps_per_epoch" | "epochs">;

export function plotOf(series: SeriesData, length: Length): Plot {
  const y = lossScale(series);
  const metrics = series.lines.filter(({ layer, name }) => layer === null && !NOT_DRAWN.includes(name));
  const names = metrics.map(({ name }) => name);
  const curves = metrics.flatMap((line): Curve[] => {
    const { name, steps, values } = line;
    const validated = name.startsWith("val_");
    const base = { name, steps, dashed: validated, y: isLoss(name) ? y : scaleOf(values) };
    if (name === "batch_loss") {
      const smoothed = smooth(values, values.length / 24);
      return [
        { ...base, values, tone: "raw", labelled: false },
        { ...base, name: "loss", values: smoothed, tone: "accent", labelled: true },
      ];
    }
    // Keras' own loss is a mean that starts anew in each epoch; the smoothed batch loss says the same without jumps.
    if (name === "loss" && names.includes("batch_loss")) return [];
    const tone: Tone = isLoss(name) ? "accent" : name.endsWith("accuracy") ? "second" : "muted";
    return [{ ...base, values, tone, labelled: true }];
  });
  const last = Math.max(length.total_steps ?? 0, series.lastStep, 1);
  return { x: [0, last], y, curves, epochs: epochsOf(last, length) };
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

export function frameOf(width: number, height: number, pixelRatio: number): Frame2d {
  return {
    left: 44 * pixelRatio,
    right: width - 16 * pixelRatio,
    top: 10 * pixelRatio,
    bottom: height - 24 * pixelRatio,
  };
}

const font = (pixelRatio: number, family: string): string => `${11 * pixelRatio}px ${family}`;

function drawGrid(
  context: CanvasRenderingContext2D,
  plot: Plot,
  frame: Frame2d,
  theme: Theme,
  pixelRatio: number,
) {
  const scale = { x: plot.x, y: plot.y };
  context.strokeStyle = theme.line;
  context.fillStyle = theme.muted;
  context.lineWidth = pixelRatio;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const [low, high] = plot.y;
  const empty = plot.curves.length === 0;
  for (const value of [low, (low + high) / 2, high]) {
    const y = Math.round(yOf(value, frame, scale)) + 0.5;
    context.strokeRect(frame.left, y, frame.right - frame.left, 0);
    if (!empty) context.fillText(formatValue(value, 2), frame.left - 7 * pixelRatio, y);
  }
  if (empty) {
    const words = "loss and metrics appear with the first step";
    context.textAlign = "left";
    context.fillText(words, frame.left + 8 * pixelRatio, (frame.top + frame.bottom) / 2 - 10 * pixelRatio);
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const { from, to, number } of plot.epochs) {
    const left = Math.round(xOf(from, frame, scale)) + 0.5;
    const right = xOf(to, frame, scale);
    context.strokeRect(left, frame.top, 0, frame.bottom - frame.top);
    const room = right - left;
    const text = room > 60 * pixelRatio ? `epoch ${number}` : room > 18 * pixelRatio ? `${number}` : "";
    context.fillText(text, (left + right) / 2, frame.bottom + 16 * pixelRatio);
  }
  context.strokeRect(Math.round(frame.right) + 0.5, frame.top, 0, frame.bottom - frame.top);
  if (plot.epochs.length > 0) return;
  context.textAlign = "right";
  context.fillText(`step ${plot.x[1]}`, frame.right, frame.bottom + 16 * pixelRatio);
}

/** Each name stands at the end of its line; above it where the run is over and there is no room behind. */
function drawNames(
  context: CanvasRenderingContext2D,
  plot: Plot,
  frame: Frame2d,
  theme: Theme,
  pixelRatio: number,
) {
  const gap = 14 * pixelRatio;
  const names = plot.curves.flatMap((curve) => {
    const last = curve.labelled ? lastOf(curve.steps, curve.values) : null;
    if (last === null) return [];
    const scale = { x: plot.x, y: curve.y };
    const x = xOf(last[0], frame, scale);
    const y = yOf(last[1], frame, scale);
    const behind = x + gap + context.measureText(curve.name).width < frame.right;
    return [{ curve, behind, x: behind ? x + gap : frame.right - gap / 2, y: behind ? y : y - gap * 0.8 }];
  });
  const wished = names.map(({ y }) => y);
  const places = spread(wished, gap, frame.top + gap / 2, frame.bottom - gap / 2);
  context.textBaseline = "middle";
  context.lineWidth = 3 * pixelRatio;
  context.strokeStyle = theme.surface;
  for (const [i, { curve, behind, x }] of names.entries()) {
    context.textAlign = behind ? "left" : "right";
    context.fillStyle = theme[curve.tone];
    context.strokeText(curve.name, x, places[i] ?? 0);
    context.fillText(curve.name, x, places[i] ?? 0);
  }
}

export function drawPlot(
  canvas: HTMLCanvasElement,
  plot: Plot,
  theme: Theme,
  family: string,
  pixelRatio: number,
): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = font(pixelRatio, family);
  const frame = frameOf(canvas.width, canvas.height, pixelRatio);
  drawGrid(context, plot, frame, theme, pixelRatio);
  context.save();
  context.beginPath();
  context.rect(
    frame.left,
    frame.top - pixelRatio,
    frame.right - frame.left,
    frame.bottom - frame.top + 2 * pixelRatio,
  );
  context.clip();
  for (const { steps, values, y, tone, dashed } of plot.curves) {
    const dash = dashed ? [4 * pixelRatio, 3 * pixelRatio] : [];
    const width = tone === "raw" ? pixelRatio : 1.5 * pixelRatio;
    drawLine(context, steps, values, frame, { x: plot.x, y }, { color: theme[tone], width, dash });
  }
  context.restore();
  drawNames(context, plot, frame, theme, pixelRatio);
}
