/** One side of a picture: how its cells lie along the tensor's own indices, tiles and gutters included. */

import type { Dimension, Plane } from "../protocol.gen.ts";

export interface Side {
  readonly axes: readonly Dimension[];
  /** Length of the full side, one gutter after each tile included. */
  readonly full: number;
  readonly cells: number;
  /** Full indices per cell; where whole tiles were pooled, a multiple of `fullTile`. */
  readonly factor: number;
  /** Cells per tile with its gutter cell; 0 if there are no gutters. */
  readonly tile: number;
  /** Full indices per tile with its gutter; 0 if there are no gutters. */
  readonly fullTile: number;
}

function sideOf(
  axes: readonly Dimension[],
  gutter: boolean,
  full: number,
  cells: number,
  factor: number,
): Side {
  const size = axes.at(-1)?.size ?? 1;
  const tiles = axes.slice(0, -1).reduce((product, axis) => product * axis.size, 1);
  const fullTile = gutter && axes.length > 1 && full === tiles * (size + 1) ? size + 1 : 0;
  const tile = fullTile === 0 ? 0 : Math.ceil(size / factor) + 1;
  // Where even tiles of one cell did not fit, tiles were pooled and the gutters are gone.
  const tiled = tile > 0 && cells === (full / fullTile) * tile;
  return { axes, full, cells, factor, tile: tiled ? tile : 0, fullTile };
}

export function sidesOf(plane: Plane): { rows: Side; cols: Side } {
  const { row_axes, col_axes, gutter } = plane;
  return {
    rows: sideOf(row_axes, gutter, plane.full_rows, plane.rows, plane.row_factor),
    cols: sideOf(col_axes, gutter, plane.full_cols, plane.cols, plane.col_factor),
  };
}

/** The first full index of a cell. */
export function firstOf(side: Side, cell: number): number {
  if (side.tile === 0) return Math.min(cell * side.factor, side.full);
  const within = cell % side.tile;
  const size = side.fullTile - 1;
  return Math.floor(cell / side.tile) * side.fullTile + Math.min(within * side.factor, size);
}

/** The cell that shows a full index. */
export function cellAt(side: Side, index: number): number {
  let cell = Math.floor(index / Math.max(side.factor, 1));
  if (side.tile > 0) {
    const within = index % side.fullTile;
    const last = within === side.fullTile - 1;
    cell = Math.floor(index / side.fullTile) * side.tile;
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
  const at = (i: number) => Math.min((i * side.factor) / Math.max(side.full, 1), 1);
  return Int32Array.from({ length: side.cells + 1 }, (_, i) => Math.round(at(i) * pixels));
}
