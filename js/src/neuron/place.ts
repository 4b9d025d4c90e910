/** Places in the pictures of a neuron's parts: which input, which pixel, in words. */

import { indicesOf, type Side, sidesOf } from "../picture/side.ts";
import type { Dimension, Plane } from "../protocol.gen.ts";

/** A cell of the full picture of a part. */
export interface PartPlace {
  readonly row: number;
  readonly column: number;
}

/** What the names of axes whose indices lie as a grid end with: index = row * columns + column. */
const ROW = " row";
const COLUMN = " column";

type Indices = ReadonlyMap<string, { readonly index: number; readonly axis: Dimension }>;

function indicesAt(plane: Plane, { row, column }: PartPlace): Indices | null {
  const { rows, cols } = sidesOf(plane);
  const found = new Map<string, { index: number; axis: Dimension }>();
  for (const [side, at] of [
    [rows, row],
    [cols, column],
  ] as const) {
    const indices = indicesOf(side, at);
    if (indices === null) return null;
    for (const [i, axis] of side.axes.entries()) found.set(axis.name, { index: indices[i] ?? 0, axis });
  }
  return found;
}

/** The index along each axis, those of a grid as one; `null` in a gap. */
export function namedIndices(plane: Plane, place: PartPlace): ReadonlyMap<string, number> | null {
  const found = indicesAt(plane, place);
  if (found === null) return null;
  const named = new Map<string, number>();
  for (const [name, { index }] of found) {
    const stem = name.endsWith(ROW) ? name.slice(0, -ROW.length) : null;
    const across = stem === null ? undefined : found.get(stem + COLUMN);
    if (stem !== null && across !== undefined) named.set(stem, index * across.axis.size + across.index);
    else if (!name.endsWith(COLUMN)) named.set(name, index);
  }
  return named;
}

const WORDS: Record<string, string> = { in: "input", "outer channel": "channel" };

/** `pixel (10, 20)`, `channel 3`, `gate forget`: where a cell is. */
export function placeWords(plane: Plane, place: PartPlace): string[] {
  const named = namedIndices(plane, place);
  if (named === null) return [];
  const labels = new Map(
    [...plane.row_axes, ...plane.col_axes].map(({ name, labels: given }) => [name, given]),
  );
  const [y, x] = [named.get("y"), named.get("x")];
  const pixel = y !== undefined && x !== undefined;
  const rest = [...named].filter(([name]) => !(pixel && (name === "y" || name === "x")));
  const words = rest.map(([name, index]) => `${WORDS[name] ?? name} ${labels.get(name)?.[index] ?? index}`);
  return pixel ? [`pixel (${y}, ${x})`, ...words] : words;
}

/** The names of the axes of an image that was flattened, outermost first. */
const IMAGE = ["outer channel", "y", "x", "channel"] as const;

function sizesOf(plane: Plane): ReadonlyMap<string, number> {
  const axes = [...plane.row_axes, ...plane.col_axes];
  const sizes = new Map(axes.map(({ name, size }) => [name, size]));
  for (const { name, size } of axes) {
    if (!name.endsWith(ROW)) continue;
    const stem = name.slice(0, -ROW.length);
    sizes.set(stem, size * (sizes.get(stem + COLUMN) ?? 1));
  }
  return sizes;
}

/** Which of a layer's inputs a cell is, `null` if the picture is not one of inputs one by one. */
export function inputAt(plane: Plane, place: PartPlace): number | null {
  const named = namedIndices(plane, place);
  if (named === null) return null;
  const only = named.get("in");
  if (only !== undefined) return named.size === 1 ? only : null;
  if (!named.has("y") || !named.has("x") || named.size > 3) return null;
  const sizes = sizesOf(plane);
  return IMAGE.filter((name) => named.has(name)).reduce(
    (sum, name) => sum * (sizes.get(name) ?? 1) + (named.get(name) ?? 0),
    0,
  );
}

/** Where an input is, the reverse of `inputAt`. */
export function placeOfInput(plane: Plane, input: number): PartPlace | null {
  const sizes = sizesOf(plane);
  const names = sizes.has("in") ? ["in"] : IMAGE.filter((name) => sizes.has(name));
  const total = names.reduce((product, name) => product * (sizes.get(name) ?? 1), 1);
  if (names.length === 0 || input < 0 || input >= total) return null;
  const indices = new Map<string, number>();
  let rest = input;
  for (const name of [...names].reverse()) {
    const size = sizes.get(name) ?? 1;
    indices.set(name, rest % size);
    rest = Math.floor(rest / size);
  }
  const { rows, cols } = sidesOf(plane);
  return { row: along(rows, indices, sizes), column: along(cols, indices, sizes) };
}

/** The full index along a side; axes of length 1 are not drawn. */
function along(side: Side, indices: ReadonlyMap<string, number>, sizes: ReadonlyMap<string, number>): number {
  let place = 0;
  for (const [i, { name, size }] of side.axes.entries()) {
    const last = i === side.axes.length - 1;
    place = place * (last && side.fullTile > 0 ? side.fullTile : size) + indexOf(name, indices, sizes);
  }
  return place;
}

function indexOf(
  name: string,
  indices: ReadonlyMap<string, number>,
  sizes: ReadonlyMap<string, number>,
): number {
  const whole = indices.get(name);
  if (whole !== undefined) return whole;
  const stem = name.replace(/ (row|column)$/, "");
  const columns = sizes.get(stem + COLUMN) ?? 1;
  const at = indices.get(stem) ?? 0;
  return name.endsWith(ROW) ? Math.floor(at / columns) : at % columns;
}

/** Whether two pictures have the same cells, so that a place in one is the same place in the other. */
export function sameCells(a: Plane, b: Plane): boolean {
  const shape = ({ row_axes, col_axes, full_rows, full_cols }: Plane): string =>
    JSON.stringify([[...row_axes, ...col_axes].map(({ size }) => size), full_rows, full_cols]);
  return shape(a) === shape(b);
}
