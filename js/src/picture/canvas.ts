/** Drawing on the two canvases of a heatmap and on its colour bar. */

import type { Theme } from "../theme.ts";
import type { ColorMap } from "./colors.ts";
import type { Picture } from "./layout.ts";
import type { Limits } from "./limits.ts";
import { lutOf } from "./lut.ts";
import { paintCells } from "./paint.ts";
import type { Scale } from "./scale.ts";
import { printValues } from "./values.ts";

/** A rectangle in device pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Marks {
  /** The selected neuron. */
  readonly column: readonly [number, number] | null;
  /** The selected row, a sample or an input. */
  readonly row: readonly [number, number] | null;
  /** What the pointer is over: a column in all maps, a row in those that share it. */
  readonly hoverColumn: readonly [number, number] | null;
  readonly hoverRow: readonly [number, number] | null;
}

export function mapFor(limits: Limits, theme: Theme): ColorMap {
  return `${limits.diverging ? "diverging" : "sequential"}-${theme.dark ? "dark" : "light"}`;
}

/** The styles that were written, as a browser reads them back in other words. */
const sizes = new WeakMap<HTMLCanvasElement, string>();

/** Gives the canvas so many device pixels, and exactly as many of the screen's. Writes only what changes. */
export function resize(canvas: HTMLCanvasElement, width: number, height: number, pixelRatio: number): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const known = sizes.get(canvas);
  const size = `width: ${width / pixelRatio}px; height: ${height / pixelRatio}px`;
  if (known === size) return;
  sizes.set(canvas, size);
  canvas.style.cssText = size;
}

const images = new WeakMap<HTMLCanvasElement, ImageData>();

function imageOf(canvas: HTMLCanvasElement): ImageData {
  const known = images.get(canvas);
  if (known?.width === canvas.width && known.height === canvas.height) return known;
  const image = new ImageData(canvas.width, canvas.height);
  images.set(canvas, image);
  return image;
}

export function drawPicture(canvas: HTMLCanvasElement, picture: Picture, scale: Scale, theme: Theme): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const image = imageOf(canvas);
  const lut = lutOf(mapFor(scale, theme), scale);
  const pixels = new Uint32Array(image.data.buffer);
  paintCells(pixels, image.width, picture.bits, picture.rowEdges, picture.colEdges, lut);
  context.putImageData(image, 0, 0);
  printValues(context, picture, lut);
}

/** An outline around the box, just outside of it where there is room, so that it hides no cell. */
function outline(context: CanvasRenderingContext2D, box: Box, color: string, line: number): void {
  const { width, height } = context.canvas;
  const left = Math.max(box.left - line, 0);
  const right = Math.min(box.right + line, width);
  context.strokeStyle = color;
  context.lineWidth = line;
  context.setLineDash([]);
  context.strokeRect(left + line / 2, line / 2, right - left - line, height - line);
}

/** Rows of this height may hold a number: a line through the middle would strike it out. CSS pixels. */
const TALL_ROW = 14;

/** Marks a row: through its middle, or along both edges of a tall one. */
function markRow(
  context: CanvasRenderingContext2D,
  [top, bottom]: readonly [number, number],
  pixelRatio: number,
): void {
  const dash = [4 * pixelRatio, 3 * pixelRatio];
  const tall = bottom - top >= TALL_ROW * pixelRatio;
  across(context, tall ? [top, top + 1] : [top, bottom], dash);
  if (tall) across(context, [bottom - 2, bottom - 1], dash);
}

function across(
  context: CanvasRenderingContext2D,
  range: readonly [number, number],
  dash: readonly number[],
): void {
  const y = Math.floor((range[0] + range[1]) / 2) + 0.5;
  context.setLineDash([...dash]);
  context.beginPath();
  context.moveTo(0, y);
  context.lineTo(context.canvas.width, y);
  context.stroke();
}

function down(context: CanvasRenderingContext2D, range: readonly [number, number]): void {
  const x = Math.floor((range[0] + range[1]) / 2) + 0.5;
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, context.canvas.height);
  context.stroke();
}

export function drawMarks(canvas: HTMLCanvasElement, marks: Marks, theme: Theme, pixelRatio: number): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.lineWidth = Math.max(1, Math.round(pixelRatio));
  context.strokeStyle = theme.select;
  if (marks.row !== null) markRow(context, marks.row, pixelRatio);
  context.strokeStyle = theme.text;
  context.globalAlpha = 0.55;
  if (marks.hoverRow !== null) across(context, marks.hoverRow, []);
  if (marks.hoverColumn !== null) down(context, marks.hoverColumn);
  context.globalAlpha = 1;
  if (marks.column === null) return;
  const [left, right] = marks.column;
  const box = { left, right, top: 0, bottom: canvas.height };
  outline(context, box, theme.select, Math.max(2, Math.round(1.5 * pixelRatio)));
}
