/** Where the selection and the pointer are in one map, in its device pixels. */

import { columnOf, hoveredRow, lacksRow, rowOf, rowsAreSamples } from "../cell.ts";
import type { Marks } from "../picture/canvas.ts";
import { type Picture, span } from "../picture/layout.ts";
import { groupOf, type Store } from "../store.ts";

type Span = readonly [number, number];

/** All columns of the neuron at a place, without the gap after them; where columns are not neurons, the one column. */
function neuronSpan(picture: Picture, place: number, offset: number): Span | null {
  const { plane } = picture.data;
  const each = plane.neuron_cols;
  const from = Math.min(each > 0 ? place * each : offset, plane.full_cols - 1);
  const width = each > 1 && plane.gutter ? each - 1 : Math.max(each, 1);
  return span(picture.cols, picture.colEdges, from, from + width);
}

const rowSpan = (picture: Picture, row: number): Span | null => {
  const at = Math.min(row, picture.data.plane.full_rows - 1);
  return span(picture.rows, picture.rowEdges, at, at + 1);
};

/** The pointer's own column where it is, the whole neuron in maps with other rows. */
function hoverColumn(store: Store, picture: Picture): Span | null {
  const { plane } = picture.data;
  const hover = store.hover.value;
  if (hover === null) return null;
  const place = store.places.value.placeOf(hover.neuron);
  if (hover.group !== groupOf(plane.tensor)) return neuronSpan(picture, place, hover.offset);
  const column = columnOf(plane, place, hover.offset);
  return span(picture.cols, picture.colEdges, column, column + 1);
}

export function marksOf(store: Store, picture: Picture): Marks {
  const { plane } = picture.data;
  const group = groupOf(plane.tensor);
  const cell = store.cells[group].value;
  const hover = store.hover.value;
  const chosen = rowsAreSamples(plane) || (cell.row >= 0 && !lacksRow(plane, cell));
  const hovered = hover?.group === group && !lacksRow(plane, hover) ? hover : null;
  return {
    // Where columns are no neurons, the one of the cell that somebody chose.
    column:
      plane.neuron_cols > 0 || cell.row >= 0
        ? neuronSpan(picture, store.places.value.placeOf(store.cursor.neuron.value), cell.offset)
        : null,
    row: chosen ? rowSpan(picture, rowOf(plane, cell, store.cursor.sample.value)) : null,
    hoverColumn: hoverColumn(store, picture),
    hoverRow: hovered === null ? null : rowSpan(picture, hoveredRow(plane, hovered)),
  };
}
