/** Leading to the cells that are not finite. */

import { nextBad } from "../picture/bad.ts";
import { holds, sidesOf, unitOf } from "../picture/side.ts";
import type { Kind, Plane } from "../protocol.gen.ts";
import { planeOf, type Store } from "../store.ts";
import { select, selected } from "./select.ts";

/** Units around a bad cell that are shown of a picture that is too large for its place. */
const AROUND = 12;

/** Shows a place of a pooled picture with so few cells around it that each is one value. */
function zoomTo(store: Store, plane: Plane, row: number, column: number): void {
  const { rows, cols } = sidesOf(plane);
  const shown = holds(rows, row) && holds(cols, column);
  if (shown && plane.row_factor === 1 && plane.col_factor === 1) return;
  const around = (side: typeof rows, index: number) => {
    const unit = Math.floor(index / unitOf(side));
    return { from: unit - AROUND, to: unit + AROUND + 1 };
  };
  const pooled = { rows: plane.row_factor > 1, cols: plane.col_factor > 1 };
  store.zoom.into(plane, {
    rows: pooled.rows || !holds(rows, row) ? around(rows, row) : null,
    columns: pooled.cols || !holds(cols, column) ? around(cols, column) : null,
  });
}

/** Selects the first value of the whole tensor that is not finite, and zooms so that it is a cell of its own. */
export function showFirstBad(store: Store, tensor: Kind): void {
  const data = planeOf(store.frame.peek(), tensor);
  if (data === null) return;
  const cell = data.plane.first_bad ?? nextBad(data, null, 1);
  if (cell === null) return;
  zoomTo(store, data.plane, cell.row, cell.column);
  select(store, data.plane, cell);
}

/** Selects the next bad cell of those drawn. Answers whether there is one. */
export function showNextBad(store: Store, tensor: Kind, towards: 1 | -1): boolean {
  const data = planeOf(store.frame.peek(), tensor);
  const next = data === null ? null : nextBad(data, selected(store, data.plane), towards);
  if (data === null || next === null) return false;
  select(store, data.plane, next);
  return true;
}
