import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCursor } from "../src/cursor.ts";
import { createReadout } from "../src/readout.ts";
import { mapRequest } from "../src/requests.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { emptyRun, type RecordedRun, there } from "../src/source/recorded.ts";
import { createStore } from "../src/store.ts";
import { layerEntry, plane, status } from "./fakes.ts";

const cellsOf = (value: number) => Float32Array.from({ length: 400 * 4 }, (_, i) => value + i / 10_000);

const RUN: RecordedRun = {
  ...emptyRun(status({ source: "recording", state: "finished", step: 30 })),
  layers: [layerEntry("hidden", { reasons: { gradients: "the layer is frozen" } }), layerEntry("digits")],
  labels: { "30": ["7", "2"] },
  planes: [10, 20, 30].map((step) => ({
    layer: "hidden",
    step,
    sample: null,
    plane: plane(400, 4),
    cells: there(cellsOf(step)),
  })),
};

const PLAIN = { order: null, compare: null, run: "first" as const, branch: null, beside: null, neuron: 0 };

const map = (tensor: "weights" | "gradients", max_rows = 400) => mapRequest(tensor, max_rows, 100);

describe("memory source", () => {
  test("shows the newest step that is kept at or before the one that is asked for", () => {
    const source = createMemorySource(RUN);
    source.watch({ layer: "hidden", step: 25, sample: 0, maps: [map("weights")], ...PLAIN });
    expect(source.frame.value?.planes[0]?.cells?.[0]).toBe(20);
    source.watch({ layer: "hidden", step: -1, sample: 0, maps: [map("weights")], ...PLAIN });
    expect(source.frame.value).toMatchObject({ step: 30, newest: true });
  });

  test("a picture is pooled to its place, what is not there has its reason", () => {
    const source = createMemorySource(RUN);
    source.watch({
      layer: "hidden",
      step: -1,
      sample: 0,
      maps: [map("weights", 100), map("gradients")],
      ...PLAIN,
    });
    const [weights, gradients] = source.frame.value?.planes ?? [];
    expect(weights?.plane).toMatchObject({ rows: 100, row_factor: 4, reduce: "absmax" });
    expect(gradients?.missing).toBe("the layer is frozen");
  });

  test("a recording cannot be run", async () => {
    await expect(createMemorySource(RUN).command({ kind: "pause" })).rejects.toThrow(
      "a recording cannot be run",
    );
  });
});

describe("readout", () => {
  let end = new AbortController();
  beforeEach(() => {
    end = new AbortController();
  });
  afterEach(() => end.abort());

  function looking(maxRows: number) {
    const asked: number[] = [];
    const memory = createMemorySource(RUN);
    const source: typeof memory = {
      ...memory,
      read(place) {
        asked.push(place.row);
        return memory.read(place);
      },
    };
    const store = createStore(source, createCursor(), signal(["weights"]), end.signal);
    store.requests.set(RUN, map("weights", maxRows));
    const readings = createReadout(store, end.signal);
    const look = (row: number) => {
      store.cells.parameters.value = { row, offset: 0 };
    };
    return { asked, readings, look };
  }

  test("a picture that holds every value is read where it is", async () => {
    const { asked, readings, look } = looking(400);
    look(399);
    await expect
      .poll(() => readings.value)
      .toEqual([{ tensor: "weights", row: 399, column: 0, text: "30.2" }]);
    expect(asked).toEqual([]);
  });

  test("of a pooled one the value is asked for, only where the eye rests", async () => {
    const { asked, readings, look } = looking(100);
    await expect.poll(() => readings.value).toHaveLength(1);
    for (let row = 0; row < 50; row++) look(row);
    expect(readings.value[0]?.text).toBeNull();
    await expect.poll(() => readings.value[0]?.text).toBe("30");
    expect(asked.at(-1)).toBe(49);
    expect(asked.length).toBeLessThanOrEqual(2);
  });
});
