/** A neuron's lines over the steps, each on its own scale: norms by their logarithm, a mean as it is. */

import type { Line } from "../source/source.ts";
import type { Theme } from "../theme.ts";
import { drawLine, rangeOf, type Scale, smooth, xOf } from "./lines.ts";

export interface NormLine {
  readonly line: Line;
  readonly name: string;
  readonly color: "accent" | "second" | "text";
  readonly dash: readonly number[];
  readonly logarithmic: boolean;
}

const LOOKS: Record<string, Omit<NormLine, "line">> = {
  weights_l2: { name: "|w|", color: "accent", dash: [], logarithmic: true },
  gradients_l2: { name: "|g|", color: "text", dash: [4, 2], logarithmic: true },
  activations_mean: { name: "mean activation", color: "second", dash: [1, 3], logarithmic: false },
};

export function normLines(lines: readonly Line[]): NormLine[] {
  return lines.flatMap((line) => {
    const look = LOOKS[line.name];
    return look === undefined ? [] : [{ line, ...look }];
  });
}

/** CSS pixels. */
const PAD = 4;
const WIDTH = 1.5;

/** Each value is the mean of a window of so many parts of the line: single batches are noise. */
const SMOOTH = 24;

/** A scale with room around one value; norms that hardly change are not drawn as if they leapt. */
function rangeFor(values: Float32Array, logarithmic: boolean): [number, number] | null {
  const range = rangeOf(values);
  if (range === null) return null;
  const [low, high] = range;
  const least = logarithmic ? 0.05 : 1e-3 * (Math.max(Math.abs(low), Math.abs(high)) || 1);
  const missing = Math.max(0, least - (high - low)) / 2;
  return [low - missing, high + missing];
}

const toScale = (values: Float32Array, logarithmic: boolean): Float32Array =>
  logarithmic ? values.map((value) => (value > 0 ? Math.log10(value) : Number.NaN)) : values;

/** The value of a line at the newest of its steps that is not after `step`. */
export function valueAtStep({ steps, values }: Line, step: number): number | null {
  let found: number | null = null;
  for (const [i, each] of steps.entries()) {
    if (each > step) break;
    found = values[i] ?? null;
  }
  return found;
}

export function drawNormLines(
  canvas: HTMLCanvasElement,
  lines: readonly NormLine[],
  steps: readonly [number, number],
  shown: number,
  theme: Theme,
  pixelRatio: number,
): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  const pad = PAD * pixelRatio;
  const frame = { left: pad, right: canvas.width - pad, top: pad, bottom: canvas.height - pad };
  for (const { line, color, dash, logarithmic } of lines) {
    const values = smooth(toScale(line.values, logarithmic), line.values.length / SMOOTH);
    const y = rangeFor(values, logarithmic);
    if (y === null) continue;
    const scale: Scale = { x: steps, y };
    drawLine(
      context,
      line.steps,
      values,
      frame,
      scale,
      { color: theme[color], width: WIDTH, dash },
      pixelRatio,
    );
  }
  const x = Math.round(xOf(shown, frame, { x: steps })) + 0.5;
  context.strokeStyle = theme.select;
  context.lineWidth = Math.max(1, Math.round(pixelRatio));
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, canvas.height);
  context.stroke();
}
