/** The cells that are drawn as a table: one header row, one row name a line. */

import { cellValue } from "../picture/bits.ts";
import { cellsOf, firstOf, indicesOf, type Side, sidesOf } from "../picture/side.ts";
import { GUTTER_BITS, type Plane } from "../protocol.gen.ts";
import { minusWords, pooledWords } from "../words.ts";
import type { Content } from "./content.ts";

/** As few digits as tell a float32 from its neighbours. */
function shortest(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

const quoted = (words: string): string => (/[",\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words);

/** The place of a cell along its side's axes; of a pooled one the first and the last: `4-7`, `in 0 y 2`. */
function nameOf(side: Side, cell: number, name: (index: number) => number): string {
  const first = firstOf(side, cell);
  const last = Math.min(firstOf(side, cell + 1), side.start + side.shown) - 1;
  if (side.axes.length === 1) {
    const [from, to] = [name(first), name(last)];
    return last > first ? `${from}-${to}` : String(from);
  }
  const indices = indicesOf(side, first) ?? [];
  return side.axes.map((axis, i) => `${axis.name} ${i === 0 ? name(indices[i] ?? 0) : indices[i]}`).join(" ");
}

/** What the rows and the columns are, and what a cell is if it is not one value as it was. */
function cornerOf(plane: Plane, run: string, rounded: boolean): string {
  const { rows, cols } = sidesOf(plane);
  const named = (side: Side) => side.axes.map(({ name }) => name).join(" ");
  const pooled = pooledWords(plane).join(" ");
  const notes = [
    pooled === "" ? "" : `each cell: ${pooled}`,
    plane.other === null ? minusWords(plane) : run,
    rounded ? "rounded to bfloat16" : "",
  ].filter((note) => note !== "");
  const axes = `${named(rows)} \\ ${named(cols)}`;
  return notes.length === 0 ? axes : `${axes} (${notes.join("; ")})`;
}

/** Writes the drawn cells; columns of sorted neurons bear the neurons' own numbers. */
export function toCsv({ picture, places, run }: Content): string {
  const { plane, cells } = picture.data;
  if (cells === null) return "";
  const { rows, cols } = sidesOf(plane);
  const columns = cellsOf(cols);
  const itself = (index: number) => index;
  const neuron = plane.neuron_cols > 0 ? places.neuronAt : itself;
  const header = [
    cornerOf(plane, run, cells instanceof Uint16Array && plane.dtype !== "bfloat16"),
    ...columns.map((cell) => nameOf(cols, cell, neuron)),
  ];
  const lines = cellsOf(rows).map((row) => {
    const values = columns.map((col) => {
      const index = row * plane.cols + col;
      return picture.bits[index] === GUTTER_BITS ? "" : shortest(cellValue(cells, index));
    });
    return [nameOf(rows, row, itself), ...values];
  });
  return `${[header, ...lines].map((line) => line.map(quoted).join(",")).join("\n")}\n`;
}
