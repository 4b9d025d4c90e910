import { describe, expect, test } from "vitest";
import {
  afterKey,
  columnOf,
  describeColumn,
  describeRow,
  offsetOf,
  placeAt,
  rowOf,
  rowsAreSamples,
} from "../src/cell.ts";
import { span } from "../src/picture/layout.ts";
import { alignedEdges, cellAt, firstOf, indicesOf, sidesOf } from "../src/picture/side.ts";
import { CONV, plane } from "./fakes.ts";

const SAMPLES = plane(16, 4, { tensor: "activations", row_axes: [{ name: "sample", size: 16, labels: [] }] });

describe("sides", () => {
  test("indices along the axes, none in a gap", () => {
    const { rows, cols } = sidesOf(CONV);
    expect(indicesOf(rows, 6)).toEqual([1, 2]);
    expect(indicesOf(rows, 3)).toBeNull();
    expect(indicesOf(cols, 13)).toEqual([3, 1]);
  });

  test("a pooled tile: cells lead to indices and back, gaps to gaps", () => {
    // Tiles of 28 columns, pooled by 4: 7 cells and a gap each.
    const { cols } = sidesOf(
      plane(1, 16, {
        full_cols: 58,
        col_factor: 4,
        gutter: true,
        col_axes: [
          { name: "filter", size: 2, labels: [] },
          { name: "x", size: 28, labels: [] },
        ],
      }),
    );
    expect(cols.tile).toBe(8);
    expect([0, 6, 7, 8, 15].map((cell) => firstOf(cols, cell))).toEqual([0, 24, 28, 29, 57]);
    expect([0, 3, 4, 28, 29, 57].map((index) => cellAt(cols, index))).toEqual([0, 0, 1, 7, 8, 15]);
  });

  test("neurons line up between maps that are pooled by different factors", () => {
    const whole = sidesOf(plane(1, 128)).cols;
    const halved = sidesOf(plane(1, 43, { full_cols: 128, col_factor: 3 })).cols;
    const left = (side: typeof whole) => span(side, alignedEdges(side, 640), 126, 127)?.[0];
    expect(left(halved)).toBe(630);
    expect(left(whole)).toBe(630);
    expect(alignedEdges(halved, 640).at(-1)).toBe(640);
  });
});

describe("cells", () => {
  test("a neuron's columns, and back", () => {
    expect(columnOf(CONV, 2, 1)).toBe(9);
    expect(columnOf(CONV, 2, 9)).toBe(10);
    expect([placeAt(CONV, 9, 0), offsetOf(CONV, 9)]).toEqual([2, 1]);
    const vector = plane(1, 5, { neuron_cols: 0 });
    expect([columnOf(vector, 3, 4), placeAt(vector, 4, 3), offsetOf(vector, 4)]).toEqual([4, 3, 4]);
  });

  test("rows of activations are samples", () => {
    expect(rowsAreSamples(SAMPLES)).toBe(true);
    expect(rowsAreSamples(CONV)).toBe(false);
    expect(rowOf(SAMPLES, { row: 3, offset: 0 }, 11)).toBe(11);
    expect(rowOf(SAMPLES, { row: 3, offset: 0 }, 99)).toBe(15);
  });

  test("the row nobody chose is in the middle, never in a gap", () => {
    expect(rowOf(plane(784, 1), { row: -1, offset: 0 }, 0)).toBe(392);
    expect(rowOf(CONV, { row: 3, offset: 0 }, 0)).toBe(2);
  });

  test("keys step over gaps and stop at the ends", () => {
    expect(afterKey(CONV, { row: 2, column: 2 }, "ArrowDown")).toEqual({ row: 4, column: 2 });
    expect(afterKey(CONV, { row: 2, column: 2 }, "ArrowRight")).toEqual({ row: 2, column: 4 });
    expect(afterKey(CONV, { row: 0, column: 4 }, "ArrowLeft")).toEqual({ row: 0, column: 2 });
    expect(afterKey(CONV, { row: 0, column: 0 }, "ArrowUp")).toEqual({ row: 0, column: 0 });
    expect(afterKey(CONV, { row: 0, column: 0 }, "End")).toEqual({ row: 0, column: 14 });
    expect(afterKey(CONV, { row: 0, column: 14 }, "ArrowRight")).toEqual({ row: 0, column: 14 });
    expect(afterKey(plane(100, 3), { row: 5, column: 1 }, "PageUp")).toEqual({ row: 0, column: 1 });
    expect(afterKey(plane(100, 3), { row: 5, column: 1 }, "x")).toBeNull();
  });

  test("places are named by the tensor's axes", () => {
    expect(describeRow(CONV, 6)).toEqual(["in 1", "y 2"]);
    expect(describeColumn(CONV, 13)).toEqual(["x 1"]);
    expect(describeRow(plane(784, 128), 300)).toEqual(["in 300"]);
    expect(describeColumn(plane(784, 128), 5)).toEqual([]);
  });
});
