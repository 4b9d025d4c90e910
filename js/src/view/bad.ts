/** Leading to the cells that are not finite. */

import { untracked } from "@preact/signals";
import type { FullCell } from "../cell.ts";
import { nextBad } from "../picture/bad.ts";
import { cellAt, firstOf, holds, indicesOf, type Side, sidesOf, unitOf } from "../picture/side.ts";
import type { Kind, Plane } from "../protocol.gen.ts";
import { placeToRead } from "../readout.ts";
import { planeOf, type Store } from "../store.ts";
import { select, selected } from "./select.ts";

/** Units around a bad cell that are shown of a picture that is too large for its place. */
const AROUND = 12;

/** Values that are asked for at most to find a bad one; a cell of more of them is zoomed into. */
const MOST_READ = 256;

/** Shows a place of a pooled picture with so few cells around it that each is one value. */
function zoomTo(store: Store, plane: Plane, row: number, column: number): void {
  const { rows, cols } = sidesOf(plane);
  const shown = holds(rows, row) && holds(cols, column);
  if (shown && plane.row_factor === 1 && plane.col_factor === 1) return;
  const around = (side: Side, index: number) => {
    const unit = Math.floor(index / unitOf(side));
    return { from: unit - AROUND, to: unit + AROUND + 1 };
  };
  const pooled = { rows: plane.row_factor > 1, cols: plane.col_factor > 1 };
  store.zoom.into(plane, {
    rows: pooled.rows || !holds(rows, row) ? around(rows, row) : undefined,
    columns: pooled.cols || !holds(cols, column) ? around(cols, column) : undefined,
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
  const { row, column } = data.plane.first_bad ?? {};
  if (next.row !== row || next.column !== column) void selectWithin(store, data.plane, next);
  return true;
}

/** The full indices that the cell stands for which shows one of them. */
function indicesOfCell(side: Side, index: number): number[] {
  const cell = cellAt(side, index);
  const [first, next] = [firstOf(side, cell), firstOf(side, cell + 1)];
  const all = Array.from({ length: Math.max(1, next - first) }, (_, i) => first + i);
  return all.filter((each) => indicesOf(side, each) !== null);
}

/** Selects the value of a pooled cell that is not finite, one after the other is asked for until it is found. */
async function selectWithin(store: Store, plane: Plane, cell: FullCell): Promise<void> {
  const frame = store.frame.peek();
  const { rows, cols } = sidesOf(plane);
  const columns = indicesOfCell(cols, cell.column);
  const places = indicesOfCell(rows, cell.row).flatMap((row) => columns.map((column) => ({ row, column })));
  if (frame === null || places.length < 2) return;
  if (places.length > MOST_READ) return zoomTo(store, plane, cell.row, cell.column);
  for (const place of places) {
    const asked = untracked(() => placeToRead(store, frame, plane, place));
    const value = await store.source.read(asked).catch(() => "");
    const { row, column } = selected(store, plane);
    // Somebody moved on meanwhile.
    if (row !== cell.row || column !== cell.column || store.frame.peek()?.layer !== frame.layer) return;
    if (/nan|inf/i.test(value)) return select(store, plane, place);
  }
}
