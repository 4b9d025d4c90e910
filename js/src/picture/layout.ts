/** Where a plane's cells lie on the screen, in device pixels. */

import type { Plane } from "../protocol.gen.ts";
import type { PlaneData } from "../source/source.ts";
import { bitsOf } from "./bits.ts";
import { poolPlane } from "./pool.ts";
import { alignedEdges, cellAt, evenEdges, firstOf, type Side, sidesOf, unitOf } from "./side.ts";

/** A cell is no taller than it is wide, within these bounds: beyond them it looks like a bar. CSS pixels. */
const TALLEST_CELL = [18, 50] as const;

/** A picture of tiles is at least so high, square cells or not: one can still point at it. CSS pixels. */
const LOWEST_TILES = 24;

/** From this share on a picture fills its place; what is left is no gap to look at. */
const FULL = 0.9;

/** Where the cells lie, whatever they hold. */
export interface Layout {
  readonly rows: Side;
  readonly cols: Side;
  readonly rowEdges: Int32Array;
  readonly colEdges: Int32Array;
  readonly width: number;
  readonly height: number;
  readonly pixelRatio: number;
}

export interface Picture extends Layout {
  readonly data: PlaneData;
  readonly bits: Uint16Array;
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
export function fills({ height }: Layout, room: number): boolean {
  return height >= room * FULL;
}

function tallestCell({ cells }: Side, width: number, pixelRatio: number): number {
  const [low, high] = TALLEST_CELL;
  return Math.max(low * pixelRatio, Math.min(width / cells, high * pixelRatio));
}

/**
 * The height of a picture of tiles, which are images: as high as they are wide where that fits into `room`. Counted in
 * the tensor's own indices, so that pooling one side more than the other changes no shape.
 */
function tiledHeight(rows: Side, cols: Side, width: number, room: number, lowest: number): number {
  const gap = rows.tile > 0 ? 1 : 0;
  const square = ((rows.shown - gap) / cols.shown) * width;
  const least = Math.max(lowest, rows.cells - gap);
  return Math.round(Math.min(Math.max(square, least), room));
}

const isTiled = (side: Side): boolean => side.fullTile > 0;

function layoutOf(plane: Plane, width: number, room: number, pixelRatio: number): Layout {
  const { rows, cols } = sidesOf(plane);
  // The gap after the last tile separates it from nothing.
  const shownRows = rows.tile > 0 ? rows.cells - 1 : rows.cells;
  const height = isTiled(cols)
    ? tiledHeight(rows, cols, width, room, LOWEST_TILES * pixelRatio)
    : heightFor(shownRows, room, tallestCell(cols, width, pixelRatio));
  return {
    rows,
    cols,
    rowEdges: evenEdges(rows.cells, shownRows, height),
    colEdges: alignedEdges(cols, width),
    width,
    height,
    pixelRatio,
  };
}

/** What of a plane says where its cells lie. */
function shapeKey(plane: Plane): string {
  const { row_axes, col_axes, gutter, full_rows, full_cols, rows, cols, row_factor, col_factor } = plane;
  const { row_start, col_start, shown_rows, shown_cols } = plane;
  const sizes = [full_rows, full_cols, rows, cols, row_factor, col_factor];
  return JSON.stringify([row_axes, col_axes, gutter, sizes, row_start, col_start, shown_rows, shown_cols]);
}

/** Lays planes out in `width` device pixels and at most `room` of height. Those of one shape share one layout. */
export function createLayOut(width: number, room: number, pixelRatio: number) {
  let known: Layout | null = null;
  let key = "";
  return (data: PlaneData): (Picture & { readonly layout: Layout }) | null => {
    const fitting = poolPlane(data, room, width);
    if (fitting.cells === null || fitting.cells.length === 0 || width === 0) return null;
    const now = shapeKey(fitting.plane);
    const layout = known !== null && now === key ? known : layoutOf(fitting.plane, width, room, pixelRatio);
    [known, key] = [layout, now];
    return { ...layout, data: fitting, bits: bitsOf(fitting.cells), layout };
  };
}

/** One plane alone; `null` if there is nothing to draw. */
export function layOut(data: PlaneData, width: number, room: number, pixelRatio: number): Picture | null {
  return createLayOut(width, room, pixelRatio)(data);
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
