/** What a map shows, in words: for labels, and for pictures and tables that leave the page. */

import { rowsAreSamples } from "./cell.ts";
import { type Side, sidesOf, unitOf } from "./picture/side.ts";
import type { Kind, Order, Plane } from "./protocol.gen.ts";

const SYMBOLS: Record<Kind, string> = {
  weights: "|w|",
  gradients: "|g|",
  activations: "a",
  activation_gradients: "|g|",
};

export const kindWords = (tensor: Kind): string => tensor.replace("_", " ");

/** A header whose cells may have been pooled before another step's were taken off. */
type PooledFirst = Plane & { readonly pooled_first?: boolean };

/** What one cell stands for: `max |w|`, `of 4 rows`. Nothing where it is one value. */
export function pooledWords(plane: PooledFirst): string[] {
  const { row_factor: rows, col_factor: cols, tensor, reduce, compared, pooled_first } = plane;
  if (rows <= 1 && cols <= 1) return [];
  const magnitude = compared === null || pooled_first ? SYMBOLS[tensor] : "|\u0394|";
  const symbol = reduce === "max" ? magnitude.replaceAll("|", "") : magnitude;
  const cells = cols <= 1 ? `${rows} rows` : rows <= 1 ? `${cols} columns` : `${rows} \u00d7 ${cols}`;
  return [`${pooled_first ? "\u0394 of max" : "max"} ${symbol}`, `of ${cells}`];
}

/** What is taken off: another step, or of two runs the first; empty where nothing is. The same while steps go on. */
export const minusWords = ({ compared, other }: Plane, names: readonly string[] = []): string =>
  other === null ? (compared === null ? "" : `minus step ${compared}`) : apartWords(names).join(" ");

/** Characters of a name that fits on a line beside a map. */
const SHORT = 14;

/** The difference of two runs by their names where these are short, in the two parts that may stand on two lines. */
function apartWords([first = "", second = ""]: readonly string[]): readonly string[] {
  const fit = [first, second].every((name) => name !== "" && name.length <= SHORT);
  return fit ? [`${second} \u2212`, first] : ["second minus first"];
}

/** The same, each part unbroken. */
export const minusParts = (plane: Plane, names: readonly string[]): readonly string[] =>
  plane.other === null ? [minusWords(plane)] : apartWords(names);

/** Of which steps, and of which of two runs, the picture is. */
export function stepWords(plane: Plane, step: number, run: string): string[] {
  return [`step ${step}`, plane.other === null ? minusWords(plane) : "", run].filter((words) => words !== "");
}

export function orderWords(order: Order | null): string[] {
  return order === null ? [] : ["neurons", `by ${order.by}`, `at step ${order.step}`];
}

const isWhole = (side: Side): boolean => side.shown === side.full;

function rangeWords(name: string, side: Side): string {
  const unit = unitOf(side);
  const [first, last] = [side.start / unit, (side.start + side.shown) / unit - 1];
  return first === last ? `${name} ${first}` : `${name} ${first}\u2013${last}`;
}

/** What its rows and columns are called together. */
export function sideNames(plane: Plane, sorted: boolean): { rows: string; columns: string } {
  const { rows, cols } = sidesOf(plane);
  const single = (side: Side, otherwise: string) =>
    side.fullTile > 0 || side.axes.length === 1 ? (side.axes[0]?.name ?? otherwise) : otherwise;
  const columns = plane.neuron_cols > 0 ? (sorted ? "places" : "neurons") : single(cols, "columns");
  return { rows: rowsAreSamples(plane) ? "samples" : single(rows, "rows"), columns };
}

/** The rows and columns that are shown: of both sides, or only where they are not all. */
export function partWords(plane: Plane, sorted: boolean, onlyZoomed: boolean): string[] {
  const { rows, cols } = sidesOf(plane);
  const names = sideNames(plane, sorted);
  return [
    ...(onlyZoomed && isWhole(rows) ? [] : [rangeWords(names.rows, rows)]),
    ...(onlyZoomed && isWhole(cols) ? [] : [rangeWords(names.columns, cols)]),
  ];
}
