/** The part of a plane that a window shows, cut out in the page. */

import { cellAt, firstOf, type Side, sidesOf, unitOf, unitsOf } from "../picture/side.ts";
import type { Window } from "../protocol.gen.ts";
import type { PlaneData } from "./source.ts";

interface Cut {
  /** In cells. */
  readonly from: number;
  readonly to: number;
  /** In full indices. */
  readonly start: number;
  readonly shown: number;
}

/** Whole cells, at least one, within the side. */
function cutOf(side: Side, unitFrom: number, unitTo: number): Cut {
  const count = unitsOf(side);
  const first = Math.min(unitFrom, count - 1);
  const end = Math.max(first + 1, Math.min(unitTo, count));
  const from = cellAt(side, first * unitOf(side));
  const to = cellAt(side, end * unitOf(side) - 1) + 1;
  const start = firstOf(side, from);
  return { from, to, start, shown: firstOf(side, to) - start };
}

export function crop(data: PlaneData, window: Window | null): PlaneData {
  const { plane, cells } = data;
  if (cells === null || window === null || cells.length === 0) return data;
  const sides = sidesOf(plane);
  const down = cutOf(sides.rows, window.row_from, window.row_to);
  const right = cutOf(sides.cols, window.column_from, window.column_to);
  const [rows, cols] = [down.to - down.from, right.to - right.from];
  const part = cells.slice(0, rows * cols);
  for (let row = 0; row < rows; row++) {
    const from = (down.from + row) * plane.cols + right.from;
    part.set(cells.subarray(from, from + cols), row * cols);
  }
  const cut = {
    rows,
    cols,
    row_start: down.start,
    col_start: right.start,
    shown_rows: down.shown,
    shown_cols: right.shown,
  };
  return { ...data, plane: { ...plane, ...cut }, cells: part };
}
