/** Neurons as columns of a plane that is held in the page: taken apart, sorted, put in another order. */

import { bitsOf, cellValue } from "../picture/bits.ts";
import { sidesOf } from "../picture/side.ts";
import { GUTTER_BITS, type Order, type Plane } from "../protocol.gen.ts";
import type { PlaneData } from "./source.ts";

/** To compare neurons by direction, at most so many products are made; of longer neurons only some values are taken. */
const MOST_PRODUCTS = 50_000_000;

/** Cells per neuron, a gap included; 0 where columns are no neurons or several share a cell. */
export function cellsPerNeuron(plane: Plane): number {
  const { cols } = sidesOf(plane);
  if (plane.neuron_cols === 0) return 0;
  if (cols.tile > 0) return cols.tile;
  return cols.factor === 1 ? plane.neuron_cols : 0;
}

/** Rows with names are variables drawn together: the first one tells of the neurons. */
const rowsThatTell = ({ row_axes, rows }: Plane): number => (row_axes[0]?.name === "variable" ? 1 : rows);

/** The values of each neuron; gaps are 0. */
function vectorsOf({ plane, cells }: PlaneData): Float64Array[] {
  const each = cellsPerNeuron(plane);
  if (cells === null || each === 0) return [];
  const length = rowsThatTell(plane) * each;
  const bits = bitsOf(cells);
  return Array.from({ length: Math.floor(plane.cols / each) }, (_, neuron) => {
    const vector = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      const at = Math.floor(i / each) * plane.cols + neuron * each + (i % each);
      vector[i] = bits[at] === GUTTER_BITS ? 0 : cellValue(cells, at);
    }
    return vector;
  });
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

const lengthOf = (vector: Float64Array): number => Math.sqrt(product(vector, vector));

/** Those first whose score is not finite: something is amiss with them. */
function largestFirst(scores: readonly number[]): Int32Array {
  const known = scores.map((score) => (Number.isFinite(score) ? score : Number.MAX_VALUE));
  return Int32Array.from(known.keys()).sort((a, b) => (known[b] ?? 0) - (known[a] ?? 0) || a - b);
}

/** Of each vector the values at every so manieth place, of length 1. */
function directionsOf(vectors: readonly Float64Array[]): Float64Array[] {
  const most = Math.max(1, Math.floor(MOST_PRODUCTS / vectors.length ** 2));
  const every = Math.max(1, Math.ceil((vectors[0]?.length ?? 1) / most));
  return vectors.map((vector) => {
    const all = vector.map((value) => (Number.isFinite(value) ? value : 0));
    const some = every === 1 ? all : all.filter((_, i) => i % every === 0);
    const length = lengthOf(some) || 1;
    return some.map((value) => value / length);
  });
}

/** From the longest one always on to the nearest direction that is left. */
function bySimilarity(vectors: readonly Float64Array[]): Int32Array {
  const units = directionsOf(vectors);
  const left = new Set(units.keys());
  const order: number[] = [];
  let last = largestFirst(vectors.map(lengthOf))[0];
  while (last !== undefined) {
    order.push(last);
    left.delete(last);
    const here = units[last];
    let best = Number.NEGATIVE_INFINITY;
    last = undefined;
    for (const neuron of left) {
      const unit = units[neuron];
      const likeness = here === undefined || unit === undefined ? 0 : product(here, unit);
      if (likeness > best) [best, last] = [likeness, neuron];
    }
  }
  return Int32Array.from(order);
}

/** The neurons from the first place to the last; `null` where the plane does not tell them apart. */
export function sortNeurons(data: PlaneData, by: Order["by"]): Int32Array | null {
  const vectors = vectorsOf(data);
  if (vectors.length === 0) return null;
  switch (by) {
    case "norm":
      return largestFirst(vectors.map(lengthOf));
    case "activity":
      return largestFirst(vectors.map((vector) => vector.reduce((sum, value) => sum + value, 0)));
    case "similarity":
      return bySimilarity(vectors);
    default:
      return by satisfies never;
  }
}

/** Whether the plane has a column for each of these neurons. */
export function hasColumns(plane: Plane, order: Int32Array): boolean {
  return plane.neuron_cols > 0 && cellsPerNeuron(plane) * order.length === plane.cols;
}

/** The plane with the columns of its neurons in that order; as it is where it has none. */
export function inOrder(data: PlaneData, order: Int32Array): PlaneData {
  const { plane, cells } = data;
  const each = cellsPerNeuron(plane);
  if (cells === null || !hasColumns(plane, order)) return data;
  const sorted = cells.slice();
  for (let row = 0; row < plane.rows; row++) {
    for (const [place, neuron] of order.entries()) {
      const from = row * plane.cols + neuron * each;
      sorted.set(cells.subarray(from, from + each), row * plane.cols + place * each);
    }
  }
  return { ...data, cells: sorted };
}
