/** Neurons as columns of a plane that is held in the page: taken apart, sorted, put in another order. */

import { cellValue } from "../picture/bits.ts";
import { sidesOf } from "../picture/side.ts";
import type { Order } from "../protocol.gen.ts";
import type { PlaneData } from "./source.ts";

/** Of longer neurons only so many values are compared. */
const MOST_VALUES = 512;

/** Cells per neuron, a gap included; 0 where columns are no neurons or several share a cell. */
function cellsPerNeuron({ plane }: PlaneData): number {
  const { cols } = sidesOf(plane);
  if (plane.neuron_cols === 0) return 0;
  if (cols.tile > 0) return cols.tile;
  return cols.factor === 1 ? plane.neuron_cols : 0;
}

/** The values of each neuron, NaN and the gaps as 0. */
function vectorsOf(data: PlaneData): Float64Array[] {
  const { plane, cells } = data;
  const each = cellsPerNeuron(data);
  if (cells === null || each === 0) return [];
  return Array.from({ length: Math.floor(plane.cols / each) }, (_, neuron) =>
    Float64Array.from({ length: plane.rows * each }, (_, i) => {
      const index = Math.floor(i / each) * plane.cols + neuron * each + (i % each);
      const value = cellValue(cells, index);
      return Number.isFinite(value) ? value : 0;
    }),
  );
}

const product = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

const lengthOf = (vector: Float64Array): number => Math.sqrt(product(vector, vector));

function largestFirst(scores: readonly number[]): Int32Array {
  return Int32Array.from(scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

/** From the longest one always on to the nearest direction that is left. */
function bySimilarity(vectors: readonly Float64Array[]): Int32Array {
  const units = vectors.map((vector) => {
    const length = lengthOf(vector) || 1;
    return vector.subarray(0, MOST_VALUES).map((value) => value / length);
  });
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

/** The plane with the columns of its neurons in that order; as it is where it has none. */
export function inOrder(data: PlaneData, order: Int32Array): PlaneData {
  const { plane, cells } = data;
  const each = cellsPerNeuron(data);
  if (cells === null || each === 0 || plane.cols !== order.length * each) return data;
  const sorted = cells.slice();
  for (let row = 0; row < plane.rows; row++) {
    for (const [place, neuron] of order.entries()) {
      const from = row * plane.cols + neuron * each;
      sorted.set(cells.subarray(from, from + each), row * plane.cols + place * each);
    }
  }
  return { ...data, cells: sorted };
}
