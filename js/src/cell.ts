/** Cells of the full picture: which one is selected, where the keys lead, what it is called. */

import { groupOf } from "./group.ts";
import { cellAt, firstOf, holds, indicesOf, type Side, sidesOf } from "./picture/side.ts";
import type { Plane } from "./protocol.gen.ts";
import type { Cell } from "./store.ts";

/** Whether a row of the picture is a sample of the batch. */
export function rowsAreSamples(plane: Plane): boolean {
  const [axis, ...others] = plane.row_axes;
  return groupOf(plane.tensor) === "outputs" && others.length === 0 && axis?.name === "sample";
}

const clamp = (value: number, size: number): number => Math.max(0, Math.min(value, size - 1));

/** The full column of a cell of the neuron at a place; where columns are not neurons the offset alone counts. */
export function columnOf(plane: Plane, place: number, offset: number): number {
  const each = plane.neuron_cols;
  if (each === 0) return clamp(offset, plane.full_cols);
  const last = plane.gutter && each > 1 ? each - 2 : each - 1;
  return clamp(place * each + Math.min(offset, Math.max(last, 0)), plane.full_cols);
}

/** The place of the neuron that a full column belongs to. */
export function placeAt(plane: Plane, column: number, otherwise: number): number {
  return plane.neuron_cols === 0 ? otherwise : Math.floor(column / plane.neuron_cols);
}

export function offsetOf(plane: Plane, column: number): number {
  return plane.neuron_cols === 0 ? column : column % plane.neuron_cols;
}

/** The names of the rows where each has one, such as the variables of a normalization. */
function rowNames({ row_axes, full_rows }: Plane): readonly string[] {
  const [axis, ...others] = row_axes;
  return others.length === 0 && axis?.labels.length === full_rows ? axis.labels : [];
}

export const rowName = (plane: Plane, row: number): string | undefined => rowNames(plane)[row];

/** Whether the plane lacks the row that was chosen by its name in another one. */
export function lacksRow(plane: Plane, { name }: Pick<Cell, "name">): boolean {
  const names = rowNames(plane);
  return name !== undefined && names.length > 0 && !names.includes(name);
}

/** The selected row of the full picture; its nearest one where the plane lacks it. */
export function rowOf(plane: Plane, cell: Cell, sample: number): number {
  if (rowsAreSamples(plane)) return clamp(sample, plane.full_rows);
  const names = rowNames(plane);
  const named = cell.name === undefined ? -1 : names.indexOf(cell.name);
  if (named >= 0) return named;
  // Maps of other rows have the first one in common, and not the one in the middle.
  const nobodyChose = names.length > 0 ? 0 : Math.floor(plane.full_rows / 2);
  const row = clamp(cell.row < 0 ? nobodyChose : cell.row, plane.full_rows);
  return indicesOf(sidesOf(plane).rows, row) === null ? row - 1 : row;
}

/** The row under the pointer, which may be in another map of the group. */
export function hoveredRow(plane: Plane, hover: Cell): number {
  return hover.name === undefined ? clamp(hover.row, plane.full_rows) : rowOf(plane, hover, hover.row);
}

/** Steps along a side in cells as they are on screen, over any gutter and beyond a window, as far as there are any. */
function walk(plane: Plane, along: "rows" | "cols", from: number, by: number): number {
  const side = sidesOf(plane)[along];
  const towards = Math.sign(by);
  let place = from;
  let at = from;
  for (let left = Math.abs(by); left > 0; ) {
    at = beside(side, at, towards);
    if (at < 0 || at >= side.full) break;
    if (indicesOf(side, at) === null) continue;
    place = at;
    left -= 1;
  }
  return place;
}

/** The first index of the next cell; outside of what is drawn every index is a cell. */
function beside(side: Side, index: number, towards: number): number {
  if (!holds(side, index)) return index + towards;
  const cell = cellAt(side, index) + towards;
  if (cell < 0) return side.start - 1;
  return cell < side.cells ? firstOf(side, cell) : side.start + side.shown;
}

/** The last index that is no gap. */
function lastOf(side: Side): number {
  let index = side.full - 1;
  while (index > 0 && indicesOf(side, index) === null) index -= 1;
  return index;
}

export interface FullCell {
  readonly row: number;
  readonly column: number;
}

/** Where a key leads, or `null` if it means nothing here. */
export function afterKey(plane: Plane, { row, column }: FullCell, key: string): FullCell | null {
  switch (key) {
    case "ArrowLeft":
      return { row, column: walk(plane, "cols", column, -1) };
    case "ArrowRight":
      return { row, column: walk(plane, "cols", column, 1) };
    case "ArrowUp":
      return { row: walk(plane, "rows", row, -1), column };
    case "ArrowDown":
      return { row: walk(plane, "rows", row, 1), column };
    case "PageUp":
      return { row: walk(plane, "rows", row, -10), column };
    case "PageDown":
      return { row: walk(plane, "rows", row, 10), column };
    case "Home":
      return { row, column: 0 };
    case "End":
      return { row, column: lastOf(sidesOf(plane).cols) };
    default:
      return null;
  }
}

function axisWords({ axes }: Side, indices: readonly number[] | null): string[] {
  return axes.map(({ name, labels }, i) => {
    const index = indices?.[i];
    return `${name} ${index === undefined ? "?" : (labels[index] ?? index)}`;
  });
}

/** The place along the rows in the tensor's own words: `in 300`, or `gate forget` and `in 3`. */
export function describeRow(plane: Plane, row: number): string[] {
  const { rows } = sidesOf(plane);
  return axisWords(rows, indicesOf(rows, row));
}

/** What the column says beyond its neuron: `x 2` in a convolution. */
export function describeColumn(plane: Plane, column: number): string[] {
  const { cols } = sidesOf(plane);
  const words = axisWords(cols, indicesOf(cols, column));
  return words.slice(plane.neuron_cols > 0 ? 1 : 0);
}
