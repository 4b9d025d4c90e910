/** Choosing a cell. */

import { untracked } from "@preact/signals";
import { type FullCell, offsetOf, placeAt, rowName, rowsAreSamples } from "../cell.ts";
import type { Plane } from "../protocol.gen.ts";
import { groupOf, type Store } from "../store.ts";

/** Moves the cursor and the selected cell there. */
export function select(store: Store, plane: Plane, { row, column }: FullCell): void {
  const cell = store.cells[groupOf(plane.tensor)];
  const samples = rowsAreSamples(plane);
  cell.value = {
    row: samples ? cell.peek().row : row,
    offset: offsetOf(plane, column),
    name: rowName(plane, row),
  };
  const places = store.places.peek();
  const neuron = places.neuronAt(placeAt(plane, column, places.placeOf(store.cursor.neuron.peek())));
  store.cursor.move(samples ? { neuron, sample: row } : { neuron });
}

/** Where the selected cell is in a picture. */
export const selected = (store: Store, plane: Plane): FullCell => untracked(() => store.selectedIn(plane));
