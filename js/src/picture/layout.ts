/** Where a plane's cells lie on the screen, in device pixels. */

import type { PlaneData } from "../source/source.ts";
import { bitsOf } from "./bits.ts";
import { poolPlane } from "./pool.ts";
import { alignedEdges, cellAt, evenEdges, firstOf, type Side, sidesOf, unitOf } from "./side.ts";

/** A cell is no taller than it is wide, within these bounds: beyond them it looks like a bar. CSS pixels. */
const TALLEST_CELL = [18, 50] as const;

/** From this share on a picture fills its place; what is left is no gap to look at. */
const FULL = 0.9;

export interface Picture {
  readonly data: PlaneData;
  readonly bits: Uint16Array;
  readonly rows: Side;
  readonly cols: Side;
  readonly rowEdges: Int32Array;
  readonly colEdges: Int32Array;
  readonly width: number;
  readonly height: number;
  readonly pixelRatio: number;
}

/**
 * The height of a picture within `room`. Every row has the same whole number of pixels where that fills the place;
 * otherwise some have one more, as columns do.
 */
export function heightFor(rows: number, room: number, tallest: number): number {
  const each = Math.min(room / rows, tallest);
  const whole = rows * Math.max(1, Math.floor(each));
  return whole >= room * FULL || each >= tallest ? whole : room;
}

/** Whether the picture takes the whole height of its place. */
export function fills(picture: Picture, room: number): boolean {
  return picture.height >= room * FULL;
}

function tallestCell({ cells }: Side, width: number, pixelRatio: number): number {
  const [low, high] = TALLEST_CELL;
  return Math.max(low * pixelRatio, Math.min(width / cells, high * pixelRatio));
}

/** Lays a plane out in `width` device pixels and at most `room` of height; `null` if there is nothing to draw. */
export function layOut(data: PlaneData, width: number, room: number, pixelRatio: number): Picture | null {
  const fitting = poolPlane(data, room, width);
  if (fitting.cells === null || fitting.cells.length === 0 || width === 0) return null;
  const { rows, cols } = sidesOf(fitting.plane);
  // The gap after the last tile separates it from nothing.
  const shownRows = rows.tile > 0 ? rows.cells - 1 : rows.cells;
  const height = heightFor(shownRows, room, tallestCell(cols, width, pixelRatio));
  const bits = bitsOf(fitting.cells);
  return {
    data: fitting,
    bits,
    rows,
    cols,
    rowEdges: evenEdges(rows.cells, shownRows, height),
    colEdges: alignedEdges(cols, width),
    width,
    height,
    pixelRatio,
  };
}

/** The cell whose edges hold the pixel. */
function cellUnder(edges: Int32Array, pixel: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] ?? 0) <= pixel) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The full row and column under a device pixel. */
export function placeUnder(picture: Picture, x: number, y: number): { row: number; column: number } {
  const row = firstOf(picture.rows, cellUnder(picture.rowEdges, y));
  const column = firstOf(picture.cols, cellUnder(picture.colEdges, x));
  return { row, column };
}

/** From pixel to pixel: the cells of the full indices from `first` up to, not including, `end`; `null` if none is drawn. */
export function span(side: Side, edges: Int32Array, first: number, end: number): [number, number] | null {
  const from = Math.max(first, side.start);
  const to = Math.min(end, side.start + side.shown);
  if (to <= from) return null;
  return [edges[cellAt(side, from)] ?? 0, edges[cellAt(side, to - 1) + 1] ?? 0];
}

/** The units that lie between two pixels, in either order: from the first up to, not including, the last one. */
export function unitsBetween(
  side: Side,
  edges: Int32Array,
  a: number,
  b: number,
): { from: number; to: number } {
  const first = firstOf(side, cellUnder(edges, Math.min(a, b)));
  const end = firstOf(side, cellUnder(edges, Math.max(a, b)) + 1);
  return { from: Math.floor(first / unitOf(side)), to: Math.ceil(end / unitOf(side)) };
}
