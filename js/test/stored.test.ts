import { describe, expect, test } from "vitest";
import { bitsOf } from "../src/picture/bits.ts";
import { GUTTER_BITS, type MapRequest, type Plane } from "../src/protocol.gen.ts";
import { mapRequest } from "../src/requests.ts";
import { createChunks } from "../src/source/chunks.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { emptyRun, type RecordedPlane, type RecordedRun, there } from "../src/source/recorded.ts";
import type { Cells, FrameData, FrameSource, Wanted } from "../src/source/source.ts";
import { recordedRun } from "../src/source/stored.ts";
import { Packer, packed } from "./documents.ts";
import { CONV, layerEntry, plane, status } from "./fakes.ts";

/** Values that bfloat16 holds exactly, so that both encodings have the same. */
const values = (count: number, seed: number): Uint16Array =>
  bitsOf(Float32Array.from({ length: count }, (_, i) => Math.round(Math.sin(i * 0.7 + seed) * 64) / 64));

const header = (rows: number, cols: number, changes: Partial<Plane> = {}): Plane =>
  plane(rows, cols, { encoding: "bf16", ...changes });

interface Entry {
  readonly plane: Plane;
  readonly cells: Cells;
}

const entry = (
  layer: string,
  step: number,
  { plane: its, cells }: Entry,
  changes: Partial<RecordedPlane> = {},
): RecordedPlane => ({ layer, step, sample: null, plane: its, cells: there(cells), ...changes });

const further = (index: number): Plane["further"] => [{ name: "head", size: 3, index, labels: [] }];

function weights(step: number): RecordedPlane {
  return entry("hidden", step, { plane: header(40, 6), cells: values(240, step) });
}

function tiles(step: number): RecordedPlane {
  const cells = values(8 * 16, step).map((cell, i) =>
    i % 4 === 3 || Math.floor(i / 16) % 4 === 3 ? GUTTER_BITS : cell,
  );
  return entry("conv", step, { plane: { ...CONV, encoding: "bf16" }, cells });
}

const ROWS = { row_axes: [{ name: "sample", size: 5, labels: [] }], axes: ["sample", "neuron"] };

const RUN: RecordedRun = {
  ...emptyRun(status({ source: "recording", state: "finished", step: 30 })),
  layers: [layerEntry("hidden", { n_neurons: 6 }), layerEntry("conv", { n_neurons: 4 }), layerEntry("heads")],
  labels: { "30": ["7", "2"] },
  planes: [
    ...[10, 20, 30].flatMap((step) => [weights(step), tiles(step)]),
    entry("hidden", 30, { plane: header(5, 6, { ...ROWS, tensor: "activations" }), cells: values(30, 3) }),
    entry("hidden", 30, { plane: header(1, 6, { variable: "bias" }), cells: values(6, 9) }),
    ...[0, 2].map((index) =>
      entry("heads", 30, { plane: header(3, 4, { further: further(index) }), cells: values(12, index) }),
    ),
    ...[0, 1].map((sample) =>
      entry(
        "conv",
        20,
        { plane: header(3, 4, { tensor: "activations" }), cells: values(12, sample) },
        { sample },
      ),
    ),
  ],
};

const ASKED: Wanted = {
  layer: "hidden",
  step: 30,
  sample: 0,
  maps: [],
  order: null,
  compare: null,
  run: "first" as const,
  branch: null,
  beside: null,
  neuron: 0,
};
const map = (changes: Partial<MapRequest> = {}) => mapRequest(changes.tensor ?? "weights", 400, 400, changes);

/** Everything that a page may ask for. */
const QUESTIONS: readonly (readonly [string, Partial<Wanted>])[] = [
  ["all of it", { maps: [map(), map({ tensor: "activations" })] }],
  ["the newest", { step: -1, maps: [map()] }],
  ["the nearest step before", { step: 25, maps: [map()] }],
  ["before the first", { step: 5, maps: [map()] }],
  ["fewer cells", { maps: [map({ max_rows: 9, max_cols: 3 })] }],
  ["a window", { maps: [map({ window: { row_from: 3, row_to: 17, column_from: 1, column_to: 4 } })] }],
  [
    "a pooled window",
    { maps: [map({ max_rows: 4, window: { row_from: 3, row_to: 17, column_from: 0, column_to: 9 } })] },
  ],
  ["tiles", { layer: "conv", maps: [map()] }],
  [
    "a window of tiles",
    { layer: "conv", maps: [map({ window: { row_from: 1, row_to: 2, column_from: 1, column_to: 3 } })] },
  ],
  ["sorted by norm", { order: { by: "norm", step: 30 }, maps: [map(), map({ tensor: "activations" })] }],
  ["sorted by activity", { order: { by: "activity", step: 30 }, maps: [map()] }],
  ["sorted by similarity", { order: { by: "similarity", step: 20 }, maps: [map({ max_rows: 7 })] }],
  ["sorted tiles", { layer: "conv", order: { by: "norm", step: 10 }, maps: [map()] }],
  ["a difference", { compare: 10, maps: [map()] }],
  ["a sorted difference", { compare: 10, order: { by: "norm", step: 30 }, maps: [map({ max_rows: 11 })] }],
  ["another variable", { maps: [map({ variable: "bias" })] }],
  ["no such variable", { maps: [map({ variable: "gamma" })] }],
  ["a place along another axis", { layer: "heads", maps: [map({ at: { head: 2 } })] }],
  ["a place that was left out", { layer: "heads", maps: [map({ at: { head: 1 } })] }],
  ["a sample", { layer: "conv", sample: 1, maps: [map({ tensor: "activations" })] }],
  ["no such layer", { layer: "none", maps: [map()] }],
];

async function answer(source: FrameSource, wanted: Partial<Wanted>): Promise<Omit<FrameData, "seq">> {
  const before = source.frame.peek();
  source.watch({ ...ASKED, ...wanted });
  await expect.poll(() => source.frame.peek() !== before).toBe(true);
  const frame = source.frame.peek();
  if (frame === null) throw new Error("no frame");
  const { seq: _, ...rest } = frame;
  return rest;
}

describe.each([
  ["byte places", false],
  ["a palette", true],
])("a file with %s answers as the run itself", (_, usePalette) => {
  test.each(QUESTIONS)("%s", async (_name, wanted) => {
    const { document, text } = await packed(RUN, usePalette);
    const file = createMemorySource(recordedRun(document, text));
    const here = createMemorySource(RUN);
    const [given, expected] = [await answer(file, wanted), await answer(here, wanted)];
    expect(given).toEqual(expected);
    expect(given.planes.length).toBe(wanted.maps?.length);
    const place = { layer: "hidden", step: 30, sample: 0, tensor: "weights", row: 7, column: 2 } as const;
    const { order = null, compare = null } = wanted;
    const asked = {
      ...place,
      ...map(),
      tensor: "weights",
      order,
      compare,
      run: "first" as const,
      branch: null,
      beside: null,
    } as const;
    expect(await file.read(asked)).toBe(await here.read(asked));
  });
});

test("float32 cells come back bit by bit", async () => {
  const cells = Float32Array.of(1 / 3, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-40, -123456.789);
  const its = plane(2, 3, { encoding: "f32", n_nan: 1 });
  const run = { ...RUN, planes: [entry("hidden", 1, { plane: its, cells })] };
  const { document, text } = await packed(run);
  const frame = await answer(createMemorySource(recordedRun(document, text)), { maps: [map()] });
  const found = frame.planes[0]?.cells;
  expect(new Uint32Array(found?.slice().buffer ?? new ArrayBuffer())).toEqual(new Uint32Array(cells.buffer));
});

describe("what is not whole", () => {
  test("a damaged picture says so, the others are drawn", async () => {
    const { document, text } = await packed(RUN);
    const { start, length } = document.chunks[document.pictures[4]?.cells ?? 0] ?? { start: 0, length: 0 };
    const broken = text.slice(0, start) + "A".repeat(length) + text.slice(start + length);
    const file = createMemorySource(recordedRun(document, broken));
    const frame = await answer(file, { maps: [map(), map({ tensor: "activations" })] });
    expect(frame.planes[0]?.missing).toMatch(/^damaged in this file: /);
    expect(frame.planes[1]?.cells).not.toBeNull();
  });

  test("too many bytes, too few, and a part that is not there", async () => {
    const packer = new Packer();
    const index = await packer.add(new Uint8Array(100));
    const [chunk] = packer.chunks;
    if (chunk === undefined) throw new Error("no chunk");
    for (const n_bytes of [50, 200]) {
      const lazy = createChunks(packer.text, [{ ...chunk, n_bytes }], 1000).lazy([index], (bytes) => bytes);
      await expect(lazy.load()).rejects.toThrow(/damaged in this file: .*(50|200) bytes/);
      expect(() => lazy.peek()).toThrow("damaged");
    }
    const lazy = createChunks("", [], 1000).lazy([7], (bytes) => bytes);
    await expect(lazy.load()).rejects.toThrow("there is no part 7");
  });

  test("a file of another form names both", async () => {
    const { document, text } = await packed(RUN, false, { version: 99 });
    expect(() => recordedRun(document, text)).toThrow("form 99, and this page reads form 1");
  });

  test("a header that there is not", async () => {
    const { document, text } = await packed(RUN, false, { headers: [] });
    expect(() => recordedRun(document, text)).toThrow("a header 0 that it does not hold");
  });
});

test("a picture that was left out keeps its words and its histogram, also before its first step", async () => {
  const words = "left out: gradients of single batches";
  const its = header(0, 0, { tensor: "gradients", missing: words, histogram: [1, 5, 2], low: -1, high: 1 });
  const left = { layer: "hidden", step: 20, sample: null, plane: its, cells: null };
  const { document, text } = await packed({ ...RUN, planes: [...RUN.planes, left] });
  const file = createMemorySource(recordedRun(document, text));
  const maps = [map(), map({ tensor: "gradients" })];
  const later = await answer(file, { maps });
  expect(later.step).toBe(30);
  expect(later.planes[1]).toMatchObject({ missing: words, cells: null, plane: { histogram: [1, 5, 2] } });
  const before = await answer(file, { step: 10, maps });
  expect(before.planes[1]?.missing).toBe(words);
  expect(before.planes[0]?.cells).not.toBeNull();
});

test("what was withheld says why", async () => {
  const withheld = [{ tensor: "activations", why: "left out: activations of single samples" }] as const;
  const { document, text } = await packed({ ...RUN, planes: [weights(10)], withheld });
  const file = createMemorySource(recordedRun(document, text));
  const frame = await answer(file, { maps: [map(), map({ tensor: "activations" })] });
  expect(frame.planes.map(({ missing }) => missing)).toEqual([null, withheld[0].why]);
});

test("an older picture beside a newer one says of which step it is", async () => {
  const source = createMemorySource(RUN);
  const frame = await answer(source, { layer: "conv", maps: [map(), map({ tensor: "activations" })] });
  expect(frame.step).toBe(30);
  expect(frame.planes.map(({ plane: { note } }) => note)).toEqual([null, "as kept at step 20"]);
});

describe("pictures that were pooled for the file", () => {
  const pooled = header(10, 6, { full_rows: 40, shown_rows: 40, row_factor: 4, reduce: "absmax" });
  const run = {
    ...RUN,
    planes: [10, 30].map((step) => entry("hidden", step, { plane: pooled, cells: values(60, step) })),
  };

  test("a value says what it stands for", async () => {
    const place = {
      ...map(),
      layer: "hidden",
      step: 30,
      sample: 0,
      row: 5,
      column: 2,
      order: null,
      compare: null,
      run: "first" as const,
      branch: null,
      beside: null,
    };
    expect(await createMemorySource(run).read(place)).toMatch(/^-?[\d.]+, max \|w\| of 4 rows$/);
    expect(await createMemorySource(run).read({ ...place, compare: 10 })).toMatch(
      /, Δ of max \|w\| of 4 rows$/,
    );
  });

  test("zooming in shows the cells that there are", async () => {
    const window = { row_from: 5, row_to: 6, column_from: 0, column_to: 6 };
    const frame = await answer(createMemorySource(run), { maps: [map({ window })] });
    expect(frame.planes[0]?.plane).toMatchObject({ rows: 1, row_start: 4, shown_rows: 4, row_factor: 4 });
    expect(frame.planes[0]?.cells).toEqual(values(60, 30).slice(6, 12));
  });

  test("smaller places pool on", async () => {
    const frame = await answer(createMemorySource(run), { maps: [map({ max_rows: 5 })] });
    expect(frame.planes[0]?.plane).toMatchObject({ rows: 5, row_factor: 8, reduce: "absmax" });
  });

  test("neurons that share a cell are not sorted, and a note says so", async () => {
    const wide = header(4, 3, { full_cols: 6, shown_cols: 6, col_factor: 2, reduce: "absmax" });
    const narrow = { ...RUN, planes: [entry("hidden", 30, { plane: wide, cells: values(12, 1) })] };
    const frame = await answer(createMemorySource(narrow), {
      order: { by: "norm", step: 30 },
      maps: [map()],
    });
    expect(frame.order).toBeNull();
    expect(frame.planes[0]?.plane.note).toMatch(/^not sorted/);
  });
});

test("neurons that are not finite are sorted first, as Python does it", async () => {
  const cells = Float32Array.of(1, 9, Number.NaN, 2, 1, 9, 0, 2);
  const its = plane(2, 4, { encoding: "f32", n_nan: 1 });
  const source = createMemorySource({ ...RUN, planes: [entry("hidden", 1, { plane: its, cells })] });
  const sorted = async (by: "norm" | "similarity") =>
    Array.from((await answer(source, { order: { by, step: 1 }, maps: [map()] })).order ?? []);
  expect(await sorted("norm")).toEqual([2, 1, 3, 0]);
  expect((await sorted("similarity")).sort()).toEqual([0, 1, 2, 3]);
});

test("activity is over all samples, also where each has a picture of its own", async () => {
  const images = [0, 1].map((sample) =>
    entry(
      "conv",
      1,
      { plane: header(1, 2, { tensor: "activations" }), cells: bitsOf(Float32Array.of(1, 0)) },
      { sample },
    ),
  );
  const means = header(2, 2, { tensor: "activations", part: "samples" });
  const reduced = entry("conv", 1, { plane: means, cells: bitsOf(Float32Array.of(1, 0, 0, 4)) });
  const source = createMemorySource({ ...RUN, planes: [...images, reduced] });
  const request = map({ tensor: "activations" });
  const frame = await answer(source, { layer: "conv", order: { by: "activity", step: 1 }, maps: [request] });
  expect(Array.from(frame.order ?? [])).toEqual([1, 0]);
});

describe("what is loaded", () => {
  test("only what is looked at, the newest wish last, and the neighbours ahead", async () => {
    const steps = Array.from({ length: 40 }, (_, i) => i);
    const { document, text } = await packed({ ...RUN, planes: steps.map(weights) });
    const run = recordedRun(document, text);
    const loaded: number[] = [];
    const planes = run.planes.map((each) => {
      const { cells } = each;
      if (cells === null) return each;
      const load = () => {
        loaded.push(each.step);
        return cells.load();
      };
      return { ...each, cells: { ...cells, load } };
    });
    const source = createMemorySource({ ...run, planes });
    for (const step of [0, 5, 10, 20]) source.watch({ ...ASKED, step, maps: [map()] });
    await expect.poll(() => source.frame.value?.step).toBe(20);
    expect(loaded.slice(0, 2)).toEqual([0, 20]);
    await expect.poll(() => loaded.includes(23)).toBe(true);
    expect(loaded).not.toContain(5);
    expect(loaded).not.toContain(39);
    source.watch({ ...ASKED, step: 21, maps: [map()] });
    // It was at hand: drawn before anything else happens.
    expect(source.frame.value?.step).toBe(21);
  });

  test("of large pictures fewer are unpacked ahead", async () => {
    const loaded: number[] = [];
    const large = (step: number): RecordedPlane => {
      const cells = values(240, step);
      let known: Uint16Array | undefined;
      const load = async () => {
        loaded.push(step);
        known = cells;
        return cells;
      };
      const lazy = { bytes: 10 << 20, peek: () => known, load };
      return { ...weights(step), cells: lazy };
    };
    const source = createMemorySource({ ...RUN, planes: Array.from({ length: 20 }, (_, i) => large(i)) });
    source.watch({ ...ASKED, step: 5, maps: [map()] });
    await expect.poll(() => loaded).toEqual([5, 6, 7, 4]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(loaded.length).toBe(4);
  });

  test("what was not looked at for long is let go", async () => {
    const packer = new Packer();
    for (let i = 0; i < 4; i++) await packer.add(new Uint8Array(1000).fill(i));
    const made: number[] = [];
    const chunks = createChunks(packer.text, packer.chunks, 2500);
    const lazies = [0, 1, 2, 3].map((index) =>
      chunks.lazy([index], (bytes) => {
        made.push(index);
        return bytes;
      }),
    );
    for (const lazy of lazies) await lazy.load();
    expect(lazies[3]?.peek()?.[0]).toBe(3);
    await lazies[3]?.load();
    expect(made).toEqual([0, 1, 2, 3]);
  });
});
