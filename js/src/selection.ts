/** The selected cell of each group of maps, and where the neurons stand in them. */

import { computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import { columnOf, type FullCell, rowOf, rowsAreSamples } from "./cell.ts";
import type { Cursor } from "./cursor.ts";
import { type Group, groupOf } from "./group.ts";
import { type Places, placesOf } from "./places.ts";
import type { Plane } from "./protocol.gen.ts";
import { drawnMaps, type ShownFrames } from "./shown.ts";
import type { FrameData } from "./source/source.ts";
import type { Zoom } from "./zoom.ts";

/** A cell of the full picture: the row, and the column within its neuron. -1 is a row nobody chose. */
export interface Cell {
  readonly row: number;
  readonly offset: number;
  /** The name of the row, where rows have names: maps of one group need not have the same of them. */
  readonly name?: string | undefined;
}

/** What the pointer is over. */
export interface Hover extends Cell {
  readonly group: Group;
  readonly neuron: number;
}

export interface Selection {
  readonly cells: Record<Group, Signal<Cell>>;
  /** Where each neuron stands in the newest frame. */
  readonly places: ReadonlySignal<Places>;
  /** The selected cell of a map. Reads signals. */
  selectedIn(plane: Plane): FullCell;
}

export function createSelection({ frame }: ShownFrames, cursor: Cursor): Selection {
  const cells = { parameters: signal({ row: -1, offset: 0 }), outputs: signal({ row: -1, offset: 0 }) };
  const places = placesIn(frame);
  return {
    cells,
    places,
    selectedIn(plane) {
      const cell = cells[groupOf(plane.tensor)].value;
      return {
        row: rowOf(plane, cell, cursor.sample.value),
        column: columnOf(plane, places.value.placeOf(cursor.neuron.value), cell.offset),
      };
    },
  };
}

/** The same object while they stand as they do. */
function placesIn(frame: ReadonlySignal<FrameData | null>): ReadonlySignal<Places> {
  let order: Int32Array | null = null;
  let places = placesOf(null);
  return computed(() => {
    const now = frame.value === null ? order : frame.value.order;
    if (String(now) !== String(order)) places = placesOf(now);
    order = now;
    return places;
  });
}

/** What is zoomed into follows the selected cell, by whatever it is moved. Returns how to stop. */
export function keepInSight(
  { cells, selectedIn }: Selection,
  zoom: Zoom,
  { frame }: ShownFrames,
  cursor: Cursor,
): () => void {
  return effect(() => {
    void cursor.neuron.value;
    void cursor.sample.value;
    const chosen = { parameters: cells.parameters.value, outputs: cells.outputs.value };
    untracked(() => {
      for (const { plane } of drawnMaps(frame.value)) {
        const { row, column } = selectedIn(plane);
        const somebodyChose = rowsAreSamples(plane) || chosen[groupOf(plane.tensor)].row >= 0;
        zoom.reveal(plane, somebodyChose ? row : null, column);
      }
    });
  });
}

/** Names of rows are of one layer. Returns how to stop. */
export function forgetNames({ cells }: Selection, { layer }: ShownFrames): () => void {
  const path = computed(() => layer.value?.path);
  return effect(() => {
    void path.value;
    for (const cell of Object.values(cells)) {
      const { row, offset, name } = cell.peek();
      if (name !== undefined) cell.value = { row, offset };
    }
  });
}
