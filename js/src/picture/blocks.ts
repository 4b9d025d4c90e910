/** Runs of rows or columns that have a name, such as the gates of an LSTM. */

import { span } from "./layout.ts";
import type { Side } from "./side.ts";

export interface Block {
  readonly name: string;
  /** Device pixels. */
  readonly from: number;
  readonly to: number;
}

/** Full indices from one index of an axis to the next, gaps included. */
function extentOf({ axes, fullTile }: Side, axis: number): number {
  const inner = axes.slice(axis + 1).map(({ size }) => size);
  if (inner.length > 0 && fullTile > 0) inner[inner.length - 1] = fullTile;
  return inner.reduce((product, size) => product * size, 1);
}

/** How many axes from the outermost on have names for their indices: 0 if none has, or only one further in. */
function namedAxes({ axes }: Side): number {
  const first = axes.findIndex(({ labels }) => labels.length === 0);
  return first < 0 ? axes.length : first;
}

/** The name of the `i`th block: that of its index along each axis that has names. */
function nameOf({ axes }: Side, named: number, i: number): string {
  const names: string[] = [];
  let rest = i;
  for (const { size, labels } of axes.slice(0, named).reverse()) {
    names.unshift(labels[rest % size] ?? "");
    rest = Math.floor(rest / size);
  }
  return names.join(" ");
}

/** The drawn blocks of the axes whose indices have names; none if all indices are numbers. */
export function blocksOf(side: Side, edges: Int32Array): Block[] {
  const named = namedAxes(side);
  if (named === 0) return [];
  const extent = extentOf(side, named - 1);
  return Array.from({ length: Math.floor(side.full / extent) }, (_, i) => {
    const [from, to] = span(side, edges, i * extent, (i + 1) * extent) ?? [0, 0];
    return { name: nameOf(side, named, i), from, to };
  }).filter(({ from, to }) => to > from);
}
