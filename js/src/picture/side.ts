/** One side of a picture: how its cells lie along the tensor's own indices, tiles and gutters included. */

import type { Dimension, Plane } from "../protocol.gen.ts";

export interface Side {
  readonly axes: readonly Dimension[];
  /** Length of the full side, one gutter after each tile included. */
  readonly full: number;
  /** The first full index that is drawn, and how many of them: all, or a window. */
  readonly start: number;
  readonly shown: number;
  readonly cells: number;
  /** Full indices per cell; where whole tiles were pooled, a multiple of `fullTile`. */
  readonly factor: number;
  /** Cells per tile with its gutter cell; 0 if there are no gutters. */
  readonly tile: number;
  /** Full indices per tile with its gutter; 0 if there are no gutters. */
  readonly fullTile: number;
}

/** Along one side: its axes, the full length, what of it is drawn, and in how many cells of how many indices. */
interface Extent {
  readonly axes: readonly Dimension[];
  readonly full: number;
  readonly start: number;
  readonly shown: number;
  readonly cells: number;
  readonly factor: number;
}

function sideOf(extent: Extent, gutter: boolean): Side {
  const { axes, full, shown, cells, factor } = extent;
  const size = axes.at(-1)?.size ?? 1;
  const tiles = axes.slice(0, -1).reduce((product, axis) => product * axis.size, 1);
  const fullTile = gutter && axes.length > 1 && full === tiles * (size + 1) ? size + 1 : 0;
  const tile = fullTile === 0 ? 0 : Math.ceil(size / factor) + 1;
  // Where even tiles of one cell did not fit, tiles were pooled and the gutters are gone.
  const tiled = tile > 0 && cells === (shown / fullTile) * tile;
  return { ...extent, tile: tiled ? tile : 0, fullTile };
}

export function sidesOf(plane: Plane): { rows: Side; cols: Side } {
  const { gutter } = plane;
  const rows = {
    axes: plane.row_axes,
    full: plane.full_rows,
    start: plane.row_start,
    shown: plane.shown_rows,
    cells: plane.rows,
    factor: plane.row_factor,
  };
  const cols = {
    axes: plane.col_axes,
    full: plane.full_cols,
    start: plane.col_start,
    shown: plane.shown_cols,
    cells: plane.cols,
    factor: plane.col_factor,
  };
  return { rows: sideOf(rows, gutter), cols: sideOf(cols, gutter) };
}

/** Full indices per unit of a window: a tile with its gutter, or one. */
export const unitOf = (side: Side): number => side.fullTile || 1;

export const unitsOf = (side: Side): number => side.full / unitOf(side);

/** Whether a full index is drawn. */
export function holds(side: Side, index: number): boolean {
  return index >= side.start && index < side.start + side.shown;
}

/** The first full index of a cell. */
export function firstOf(side: Side, cell: number): number {
  if (side.tile === 0) return side.start + Math.min(cell * side.factor, side.shown);
  const within = cell % side.tile;
  const size = side.fullTile - 1;
  return side.start + Math.floor(cell / side.tile) * side.fullTile + Math.min(within * side.factor, size);
}

/** The cell that shows a full index, or the nearest one if it is not drawn. */
export function cellAt(side: Side, index: number): number {
  const at = index - side.start;
  let cell = Math.floor(at / Math.max(side.factor, 1));
  if (side.tile > 0) {
    const within = at % side.fullTile;
    const last = within === side.fullTile - 1;
    cell = Math.floor(at / side.fullTile) * side.tile;
    cell += last ? side.tile - 1 : Math.floor(within / side.factor);
  }
  return Math.max(0, Math.min(cell, side.cells - 1));
}

/** The tensor's index along each axis, or `null` in a gutter. */
export function indicesOf(side: Side, index: number): number[] | null {
  const indices: number[] = [];
  let rest = index;
  for (const [i, axis] of [...side.axes].reverse().entries()) {
    const extent = i === 0 && side.fullTile > 0 ? side.fullTile : axis.size;
    const at = rest % extent;
    if (at >= axis.size) return null;
    indices.unshift(at);
    rest = Math.floor(rest / extent);
  }
  return indices;
}

/** The cells that are no gap. */
export function cellsOf(side: Side): number[] {
  return Array.from({ length: side.cells }, (_, cell) => cell).filter(
    (cell) => indicesOf(side, firstOf(side, cell)) !== null,
  );
}

/** The device pixel at which each cell begins, and the end: `cells + 1` numbers. Cells after `shown` have no pixels. */
export function evenEdges(cells: number, shown: number, pixels: number): Int32Array {
  const at = (i: number) => Math.round((Math.min(i, shown) / Math.max(shown, 1)) * pixels);
  return Int32Array.from({ length: cells + 1 }, (_, i) => at(i));
}

/**
 * Edges in proportion to the full indices: the last cell may stand for fewer of them and is narrower, so that a
 * neuron is at the same place in pictures that were pooled by different factors.
 */
export function alignedEdges(side: Side, pixels: number): Int32Array {
  if (side.tile > 0) return evenEdges(side.cells, side.cells, pixels);
  const at = (i: number) => Math.min((i * side.factor) / Math.max(side.shown, 1), 1);
  return Int32Array.from({ length: side.cells + 1 }, (_, i) => Math.round(at(i) * pixels));
}
