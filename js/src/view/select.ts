/** Choosing a cell, by pointer or by key. */

import { afterKey, columnOf, type FullCell, neuronOf, offsetOf, rowOf, rowsAreSamples } from "../cell.ts";
import type { Kind, Plane } from "../protocol.gen.ts";
import { groupOf, planeOf, type Store } from "../store.ts";
import { useView } from "./context.ts";

/** Moves the cursor and the selected cell there. */
export function select(store: Store, plane: Plane, { row, column }: FullCell): void {
  const cell = store.cells[groupOf(plane.tensor)];
  const samples = rowsAreSamples(plane);
  cell.value = { row: samples ? cell.peek().row : row, offset: offsetOf(plane, column) };
  const neuron = neuronOf(plane, column, store.cursor.neuron.peek());
  store.cursor.move(samples ? { neuron, sample: row } : { neuron });
}

function selected(store: Store, plane: Plane): FullCell {
  const cell = store.cells[groupOf(plane.tensor)].peek();
  const row = rowOf(plane, cell, store.cursor.sample.peek());
  return { row, column: columnOf(plane, store.cursor.neuron.peek(), cell.offset) };
}

/** The keys of one heatmap; the moved cell is announced once its values are there. */
export function useMapKeys(tensor: Kind): (event: KeyboardEvent) => void {
  const { store, announce } = useView();
  return (event) => {
    const plane = planeOf(store.frame.peek(), tensor)?.plane;
    if (plane === undefined || plane.rows === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = afterKey(plane, selected(store, plane), event.key);
    if (next === null) return;
    event.preventDefault();
    store.hover.value = null;
    select(store, plane, next);
    announce(tensor);
  };
}
