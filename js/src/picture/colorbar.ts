/** The colour bar: its ramp, the ends beyond it, and beside it how often each value is. */

import type { Theme } from "../theme.ts";
import type { Beyond } from "./beyond.ts";
import { type ColorMap, rampOf } from "./colors.ts";
import { placing, type Scale } from "./scale.ts";

/** CSS pixels. */
export const BAR_WIDTH = 11;
export const HISTOGRAM_WIDTH = 12;
const GAP = 2;
const TIP = 6;

export interface Bar {
  readonly map: ColorMap;
  /** The colours. */
  readonly scale: Scale;
  /** What the height stands for: the scale, but for the one under the pointer while an end is dragged. */
  readonly axis: Scale;
  readonly histogram: readonly number[];
  /** What the histogram's two ends are. */
  readonly low: number;
  readonly high: number;
  readonly beyond: Beyond;
}

/** Counts on a grid of `n` places of the axis; what is beyond it is left out. */
export function binsAlong({ histogram, low, high, axis }: Omit<Bar, "map" | "scale" | "beyond">, n: number) {
  const bins = new Float64Array(n);
  const place = placing(axis);
  const width = (high - low) / histogram.length;
  for (const [i, count] of histogram.entries()) {
    if (count === 0) continue;
    const from = place(low + i * width) * n;
    const to = Math.max(place(low + (i + 1) * width) * n, from + 1e-9);
    for (let bin = Math.max(0, Math.floor(from)); bin < Math.min(n, Math.ceil(to)); bin++) {
      const share = (Math.min(bin + 1, to) - Math.max(bin, from)) / (to - from);
      bins[bin] = (bins[bin] ?? 0) + count * share;
    }
  }
  return bins;
}

function drawRamp(context: CanvasRenderingContext2D, bar: Bar, width: number, height: number): void {
  const ramp = rampOf(bar.map);
  const place = placing(bar.axis);
  const [bottom, top] = [place(bar.scale.low), place(bar.scale.high)];
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let y = 0; y < height; y++) {
    const share = (1 - (y + 0.5) / height - bottom) / (top - bottom || 1);
    const color = ramp[Math.round(Math.min(Math.max(share, 0), 1) * 255)] ?? 0;
    pixels.fill(color, y * width, (y + 1) * width);
  }
  context.putImageData(image, 0, 0);
}

/** An end with values beyond it is pointed. */
function drawTip(context: CanvasRenderingContext2D, width: number, from: number, to: number): void {
  context.beginPath();
  context.moveTo(0, from);
  context.lineTo(width / 2, to);
  context.lineTo(width, from);
  context.lineTo(width, to);
  context.lineTo(0, to);
  context.closePath();
  context.globalCompositeOperation = "destination-out";
  context.fill();
  context.globalCompositeOperation = "source-over";
}

export function drawBar(canvas: HTMLCanvasElement, bar: Bar, theme: Theme, pixelRatio: number): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const { height } = canvas;
  context.clearRect(0, 0, canvas.width, height);
  const width = Math.round(BAR_WIDTH * pixelRatio);
  drawRamp(context, bar, width, height);
  if (bar.beyond.above > 0) drawTip(context, width, TIP * pixelRatio, 0);
  if (bar.beyond.below > 0) drawTip(context, width, height - TIP * pixelRatio, height);
  if (bar.histogram.length === 0 || bar.high <= bar.low) return;
  const bins = binsAlong(bar, Math.max(8, Math.round(height / (3 * pixelRatio))));
  const most = bins.reduce((a, b) => Math.max(a, b), 0);
  const left = width + GAP * pixelRatio;
  context.fillStyle = theme.raw;
  for (const [i, count] of bins.entries()) {
    if (count === 0) continue;
    const length = Math.max(1, (count / most) * HISTOGRAM_WIDTH) * pixelRatio;
    const from = Math.round(height - ((i + 1) / bins.length) * height);
    const to = Math.round(height - (i / bins.length) * height);
    context.fillRect(left, from, length, to - from);
  }
}
