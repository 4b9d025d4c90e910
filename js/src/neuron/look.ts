/** The cell of a neuron's pictures that is looked at, and the values of all parts there. */

import { formatValue, trueMinus } from "../format.ts";
import { cellValue } from "../picture/bits.ts";
import { cellAt, sidesOf } from "../picture/side.ts";
import type { Plane } from "../protocol.gen.ts";
import type { FrameData, PlaneData } from "../source/source.ts";
import { keyOf, PICTURES, partOf } from "./parts.ts";
import { namedIndices, type PartPlace, placeOfInput, placeWords, sameCells } from "./place.ts";

/** A cell of one of the pictures; others with the same cells mark it too. */
export interface Looked {
  readonly plane: Plane;
  readonly place: PartPlace;
}

const SHORT: Record<string, string> = {
  "weights incoming": "weight",
  "gradients incoming": "gradient",
  "activations input": "input",
  "weights product": "product",
  "activations output": "output",
};

/** The value that a part has at a place, `null` if it is not drawn. */
export function valueAt({ plane, cells }: PlaneData, row: number, column: number): number | null {
  if (cells === null) return null;
  const { rows, cols } = sidesOf(plane);
  return cellValue(cells, cellAt(rows, row) * plane.cols + cellAt(cols, column));
}

/** What is looked at: by pointer or key, else the input that the weights map selects. */
export function lookedAt(
  frame: FrameData | null,
  looked: Looked | null,
  input: number | null,
): Looked | null {
  if (looked !== null || input === null) return looked;
  const plane = firstDrawn(frame);
  const place = plane === null ? null : placeOfInput(plane, input);
  return plane === null || place === null ? null : { plane, place };
}

export function firstDrawn(frame: FrameData | null): Plane | null {
  const drawn = PICTURES.map((name) => partOf(frame, name));
  return drawn.find((data) => data !== null && data.cells !== null)?.plane ?? null;
}

/** The place in words, and the values of all parts there. */
export function placeLine(frame: FrameData | null, at: Looked | null): string[] {
  if (at === null || namedIndices(at.plane, at.place) === null) return [];
  const { row, column } = at.place;
  const values = PICTURES.flatMap((name) => {
    const data = partOf(frame, name);
    if (data === null || !sameCells(data.plane, at.plane)) return [];
    const value = valueAt(data, row, column);
    return value === null
      ? []
      : [
          `${data.plane.compared === null ? "" : "\u0394\u00a0"}${SHORT[keyOf(name)]} ${trueMinus(formatValue(value))}`,
        ];
  });
  return [...placeWords(at.plane, at.place), ...values];
}
