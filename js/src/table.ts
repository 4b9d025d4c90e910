/** A map as a table of numbers: the drawn cells around the selected one. */

import type { FullCell } from "./cell.ts";
import { formatValue, trueMinus } from "./format.ts";
import { cellValue } from "./picture/bits.ts";
import { cellAt, cellsOf, firstOf, indicesOf, type Side, sidesOf } from "./picture/side.ts";
import type { Places } from "./places.ts";
import type { Plane } from "./protocol.gen.ts";
import type { PlaneData } from "./source/source.ts";
import { pooledWords } from "./words.ts";

/** A row or a column. */
export interface Line {
  /** Its first full index. */
  readonly index: number;
  /** What it is called: `4`, `4–7` where a cell stands for several, `forget 3`. */
  readonly name: string;
  readonly selected: boolean;
}

export interface Table {
  /** Axes of the rows and of the columns. */
  readonly rowsName: string;
  readonly columnsName: string;
  readonly rows: readonly Line[];
  readonly columns: readonly Line[];
  /** Row by row. */
  readonly cells: readonly (readonly string[])[];
  /** What a cell stands for; empty if it is one value. */
  readonly pooled: string;
  /** Whether there are cells beyond the table. */
  readonly partial: boolean;
}

/** At most `most` of them, the chosen one in the middle as far as there are cells around it. */
function around(cells: readonly number[], chosen: number, most: number): readonly number[] {
  const at = Math.max(0, cells.indexOf(chosen));
  const from = Math.max(0, Math.min(at - Math.floor(most / 2), cells.length - most));
  return cells.slice(from, from + most);
}

/** The name of a side without axes: a vector has one row, a number one column, too. */
const ALONE = "value";

/** An index of each axis in words; of the last one all that the cell stands for. */
function nameOf(side: Side, cell: number, rename: (first: number) => number): string {
  if (side.axes.length === 0) return ALONE;
  const first = indicesOf(side, firstOf(side, cell)) ?? [];
  const next = indicesOf(side, firstOf(side, cell + 1) - 1) ?? [];
  return side.axes
    .map(({ labels }, i) => {
      const index = first[i] ?? 0;
      const end = next[i] ?? index;
      const last = i === side.axes.length - 1 && end > index ? `\u2013${labels[end] ?? end}` : "";
      const shown = i === 0 ? rename(index) : index;
      return `${labels[index] ?? shown}${last}`;
    })
    .join(" ");
}

const axisNames = ({ axes }: Side): string => axes.map(({ name }) => name).join(", ");

/** The table of a plane around a place of its full picture; `null` if nothing is drawn. */
export function tableOf(
  { plane, cells }: PlaneData,
  at: FullCell,
  places: Places,
  most: { readonly rows: number; readonly columns: number },
): Table | null {
  if (cells === null || cells.length === 0) return null;
  const { rows, cols } = sidesOf(plane);
  const [row, column] = [cellAt(rows, at.row), cellAt(cols, at.column)];
  const [allRows, allColumns] = [cellsOf(rows), cellsOf(cols)];
  const down = around(allRows, row, most.rows);
  const right = around(allColumns, column, most.columns);
  const neuron = plane.neuron_cols > 0 && plane.col_factor === 1 ? places.neuronAt : (place: number) => place;
  const line = (side: Side, chosen: number, rename: (index: number) => number) => (cell: number) => ({
    index: firstOf(side, cell),
    name: nameOf(side, cell, rename),
    selected: cell === chosen,
  });
  return {
    rowsName: axisNames(rows),
    columnsName: axisNames(cols),
    rows: down.map(line(rows, row, (index) => index)),
    columns: right.map(line(cols, column, neuron)),
    cells: down.map((r) => right.map((c) => textAt(plane, cells, r, c))),
    pooled: pooledWords(plane).join(" "),
    partial: down.length < allRows.length || right.length < allColumns.length,
  };
}

function textAt(plane: Plane, cells: NonNullable<PlaneData["cells"]>, row: number, column: number): string {
  return trueMinus(formatValue(cellValue(cells, row * plane.cols + column)));
}
