/** The health strip of a layer. */

import type { Line } from "../source/source.ts";
import type { Theme } from "../theme.ts";
import { drawLine, type Frame2d, rangeOf, type Scale, smooth } from "./lines.ts";

/** From this ratio of extremes on, a norm is drawn by its logarithm. */
const WIDE = 30;

/** CSS pixels, as many as a dot needs. */
const PAD = 3;

/** Norms of a run that decays by orders of magnitude stay readable as logarithms; others are drawn as they are. */
function toScale(values: Float32Array): Float32Array {
  const range = rangeOf(values.filter((value) => value > 0));
  if (range === null || range[1] < range[0] * WIDE) return values;
  return values.map((value) => (value > 0 ? Math.log10(value) : Number.NaN));
}

/** A range with one value in its middle; 1 is nothing beside 1e30. */
function around(value: number): [number, number] {
  const reach = Math.max(1, Math.abs(value));
  return [value - reach, value + reach];
}

export function drawStrip(
  canvas: HTMLCanvasElement,
  line: Line | null,
  theme: Theme,
  pixelRatio: number,
): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (line === null) return;
  const values = toScale(line.values);
  const y = rangeOf(values);
  if (y === null) return;
  const pad = PAD * pixelRatio;
  const frame: Frame2d = { left: pad, right: canvas.width - pad, top: pad, bottom: canvas.height - pad };
  const x: [number, number] = [line.steps[0] ?? 0, line.steps.at(-1) ?? 1];
  const scale: Scale = { x, y: y[0] === y[1] ? around(y[0]) : y };
  drawLine(context, line.steps, values, frame, scale, { color: theme.raw, width: pixelRatio });
  const smoothed = smooth(values, values.length / 16);
  drawLine(context, line.steps, smoothed, frame, scale, { color: theme.accent, width: 1.5 * pixelRatio });
}
