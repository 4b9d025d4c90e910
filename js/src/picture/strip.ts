/** The health strip of a layer. */

import type { Line } from "../source/source.ts";
import type { Theme } from "../theme.ts";
import { drawLine, type Frame2d, rangeOfAll, type Scale, smooth } from "./lines.ts";
import { SECOND_DASH } from "./plot.ts";

/** From this ratio of extremes on, a norm is drawn by its logarithm. */
const WIDE = 30;

/** CSS pixels, as many as a dot needs. */
const PAD = 3;

/** Norms of a run that decays by orders of magnitude stay readable as logarithms; others are drawn as they are. */
function toScale(lines: readonly Float32Array[]): readonly Float32Array[] {
  const range = rangeOfAll(lines.map((values) => values.filter((value) => value > 0)));
  if (range === null || range[1] < range[0] * WIDE) return lines;
  return lines.map((values) => values.map((value) => (value > 0 ? Math.log10(value) : Number.NaN)));
}

/** A range with one value in its middle; 1 is nothing beside 1e30. */
function around(value: number): [number, number] {
  const reach = Math.max(1, Math.abs(value));
  return [value - reach, value + reach];
}

/** Of two runs the lines of the second are dotted. */
export function drawStrip(
  canvas: HTMLCanvasElement,
  lines: readonly Line[],
  theme: Theme,
  pixelRatio: number,
): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  const scaled = toScale(lines.map(({ values }) => values));
  const y = rangeOfAll(scaled);
  if (y === null) return;
  const pad = PAD * pixelRatio;
  const frame: Frame2d = { left: pad, right: canvas.width - pad, top: pad, bottom: canvas.height - pad };
  const x = rangeOfAll(lines.map(({ steps }) => steps)) ?? [0, 1];
  const scale: Scale = { x, y: y[0] === y[1] ? around(y[0]) : y };
  for (const [i, { steps, run = 0, values: own }] of lines.entries()) {
    const values = scaled[i] ?? own;
    if (run === 0) drawLine(context, steps, values, frame, scale, { color: theme.raw, width: 1 }, pixelRatio);
    const smoothed = smooth(values, values.length / 16);
    const stroke = { color: theme.accent, width: 1.5, dash: run > 0 ? SECOND_DASH : [] };
    drawLine(context, steps, smoothed, frame, scale, stroke, pixelRatio);
  }
}
