/** One bar a sample, from zero; the selected one in the colour of what is selected. */

import type { Theme } from "../theme.ts";
import { SPECIAL } from "./colors.ts";
import { rangeOf } from "./lines.ts";

export interface Bars {
  readonly values: readonly number[];
  readonly selected: number;
  /** Beneath each bar, where there is room for all of them. */
  readonly labels: readonly string[];
  readonly font: string;
}

/** CSS pixels. */
const GAP = 2;
const LABEL_HEIGHT = 14;
const LEAST_BAR = 1.5;

/** Whether every label fits beneath its bar. */
export function labelsFit(
  { labels, values }: Bars,
  width: number,
  measure: (label: string) => number,
): boolean {
  const each = width / Math.max(values.length, 1);
  return (
    labels.length >= values.length && labels.length > 0 && labels.every((label) => measure(label) <= each)
  );
}

export function barAt(x: number, width: number, n: number): number {
  return Math.max(0, Math.min(Math.floor((x / width) * n), n - 1));
}

export function drawBars(canvas: HTMLCanvasElement, bars: Bars, theme: Theme, pixelRatio: number): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  const { values, selected, labels } = bars;
  context.font = bars.font;
  const labelled = labelsFit(bars, width, (label) => context.measureText(label).width + 2 * pixelRatio);
  const bottom = height - (labelled ? LABEL_HEIGHT * pixelRatio : 0);
  const range = rangeOf(values) ?? [0, 0];
  const [low, high] = [Math.min(range[0], 0), Math.max(range[1], 0)];
  const yOf = (value: number) => bottom - ((value - low) / (high - low || 1)) * bottom;
  const each = width / Math.max(values.length, 1);
  const gap = each > 4 * GAP * pixelRatio ? GAP * pixelRatio : each > 3 ? 1 : 0;
  for (const [i, value] of values.entries()) {
    const left = Math.round(i * each);
    const right = Math.max(left + 1, Math.round((i + 1) * each - gap));
    const least = LEAST_BAR * pixelRatio;
    if (!Number.isFinite(value)) {
      context.fillStyle = Number.isNaN(value) ? SPECIAL.nan : value > 0 ? SPECIAL.posinf : SPECIAL.neginf;
      context.fillRect(left, 0, right - left, bottom);
      continue;
    }
    const zero = yOf(0);
    const top = Math.min(yOf(value), zero - (value >= 0 ? least : 0));
    const end = Math.max(yOf(value), zero + (value < 0 ? least : 0));
    context.globalAlpha = i === selected ? 1 : 0.55;
    context.fillStyle = i === selected ? theme.select : theme.accent;
    context.fillRect(left, Math.max(0, Math.round(top)), right - left, Math.max(1, Math.round(end - top)));
    context.globalAlpha = 1;
  }
  if (!labelled) return;
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const [i, label] of labels.slice(0, values.length).entries()) {
    context.fillStyle = i === selected ? theme.text : theme.muted;
    context.fillText(label, (i + 0.5) * each - gap / 2, height - 3 * pixelRatio);
  }
}
