/** What a neuron is made of, gathered from the pictures that a file holds, against the numbers themselves. */

import { describe, expect, test } from "vitest";
import { bitsOf, cellValue } from "../src/picture/bits.ts";
import { GUTTER_BITS, type MapRequest, type Plane } from "../src/protocol.gen.ts";
import { mapRequest } from "../src/requests.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { emptyRun, type RecordedPlane, type RecordedRun, there } from "../src/source/recorded.ts";
import type { Cells, FrameData, Wanted } from "../src/source/source.ts";
import { recordedRun } from "../src/source/stored.ts";
import { packed } from "./documents.ts";
import { layerEntry, plane, status } from "./fakes.ts";

const INPUTS = 6;
const NEURONS = 4;
const SAMPLES = 3;

/** Eighths: their products and sums are exact in every format here. */
const eighths = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.round(8 * Math.sin(i + seed)) / 8);

const weightsAt = (step: number) => eighths(INPUTS * NEURONS, step);
const inputOf = (sample: number) => eighths(INPUTS, 50 + sample);
const activations = eighths(SAMPLES * NEURONS, 99);
const biasesAt = (step: number) => eighths(NEURONS, 70 + step);

/** Forms, as Python numbers the headers. */
const [WEIGHTS, ACTIVATIONS, IMAGE] = [0, 1, 2];

const image = (tensor: Plane["tensor"], part: Plane["part"]): Plane =>
  plane(2, 3, {
    tensor,
    part,
    neuron_cols: 0,
    row_axes: [{ name: "y", size: 2, labels: [] }],
    col_axes: [{ name: "x", size: 3, labels: [] }],
  });

const entry = (
  step: number,
  form: number,
  its: Plane,
  cells: Cells,
  sample: number | null = null,
): RecordedPlane => ({
  layer: "hidden",
  step,
  sample,
  form,
  plane: its,
  cells: there(cells),
});

function run(encode: (cells: Float32Array) => Cells, changes: Partial<RecordedRun> = {}): RecordedRun {
  const encoding = encode(Float32Array.of(0)) instanceof Uint16Array ? "bf16" : "f32";
  const rows = { row_axes: [{ name: "sample", size: SAMPLES, labels: [] }], axes: ["sample", "neuron"] };
  const outputs = plane(SAMPLES, NEURONS, { tensor: "activations", encoding, ...rows });
  return {
    ...emptyRun(status({ source: "recording", state: "finished", step: 3 })),
    layers: [layerEntry("hidden", { n_neurons: NEURONS, n_samples: SAMPLES })],
    planes: [
      ...[1, 2, 3].map((step) =>
        entry(step, WEIGHTS, plane(INPUTS, NEURONS, { encoding }), encode(weightsAt(step))),
      ),
      ...[2, 3].map((step) => entry(step, ACTIVATIONS, outputs, encode(activations))),
      ...[0, 1, 2].map((sample) =>
        entry(3, IMAGE, { ...image("activations", "input"), encoding }, encode(inputOf(sample)), sample),
      ),
    ],
    parts: [
      {
        layer: "hidden",
        tensor: "weights",
        part: "incoming",
        form: WEIGHTS,
        plane: image("weights", "incoming"),
        map: there(Int32Array.from({ length: INPUTS }, (_, i) => i * NEURONS)),
      },
      {
        layer: "hidden",
        tensor: "activations",
        part: "samples",
        form: ACTIVATIONS,
        plane: plane(1, SAMPLES, { tensor: "activations", part: "samples", neuron_cols: 0, row_axes: [] }),
        map: there(Int32Array.from({ length: SAMPLES }, (_, i) => i * NEURONS)),
      },
    ],
    lines: [
      {
        layer: "hidden",
        name: "weights_l2",
        firstNeuron: 0,
        nNeurons: NEURONS,
        steps: there(Float64Array.of(1, 2, 3)),
        values: there(eighths(3 * NEURONS, 5)),
      },
    ],
    fed: [
      {
        layer: "hidden",
        why: null,
        biasSteps: there(Float64Array.of(2, 3)),
        biases: there(Float32Array.of(...biasesAt(2), ...biasesAt(3))),
      },
    ],
    ...changes,
  };
}

const part = (tensor: MapRequest["tensor"], name: MapRequest["part"]) =>
  mapRequest(tensor, 100, 100, { part: name });

const PARTS = [
  part("weights", "incoming"),
  part("activations", "input"),
  part("weights", "product"),
  part("activations", "output"),
  part("activations", "samples"),
];

const ASKED: Wanted = {
  layer: "hidden",
  step: 3,
  sample: 1,
  maps: PARTS,
  order: null,
  compare: null,
  run: "first",
  branch: null,
  beside: null,
  neuron: 2,
};

async function frameOf(of: RecordedRun, changes: Partial<Wanted> = {}): Promise<FrameData> {
  const { document, text } = await packed(of);
  const source = createMemorySource(recordedRun(document, text));
  source.watch({ ...ASKED, ...changes });
  await expect.poll(() => source.frame.peek()).not.toBeNull();
  const frame = source.frame.peek();
  if (frame === null) throw new Error("no frame");
  return frame;
}

const numbers = ({ planes }: FrameData, i: number): number[] =>
  Array.from(planes[i]?.cells ?? [], (_, cell) => cellValue(planes[i]?.cells ?? new Float32Array(), cell));

const column = (matrix: Float32Array, neuron: number): number[] =>
  Array.from(matrix).filter((_, i) => i % NEURONS === neuron);

describe.each([
  ["float32", (cells: Float32Array): Cells => cells],
  ["bfloat16", (cells: Float32Array): Cells => bitsOf(cells)],
])("from %s", (name, encode) => {
  test("each part is that of the neuron and the sample", async () => {
    const frame = await frameOf(run(encode));
    expect(numbers(frame, 0)).toEqual(column(weightsAt(3), 2));
    expect(numbers(frame, 1)).toEqual(Array.from(inputOf(1)));
    expect(frame.planes[3]?.missing).toBe("");
    expect(numbers(frame, 4)).toEqual(column(activations, 2));
    expect(frame.planes.slice(0, 3).map(({ plane: { rows, cols } }) => [rows, cols])).toEqual([
      [2, 3],
      [2, 3],
      [2, 3],
    ]);
  });

  test("the product is with the weights that computed the activation, and its sum has their bias", async () => {
    const frame = await frameOf(run(encode));
    const products = column(weightsAt(2), 2).map((weight, i) => weight * (inputOf(1)[i] ?? 0));
    expect(numbers(frame, 2)).toEqual(products);
    expect(frame.planes[2]?.plane).toMatchObject({ tensor: "weights", part: "product" });
    const sum = products.reduce((a, b) => a + b, 0);
    const told = (value: number) => (name === "float32" ? value : Number(value.toPrecision(3)));
    expect(frame.neuron).toMatchObject({
      index: 2,
      weighted: told(sum),
      bias: told(biasesAt(2)[2] ?? 0),
      weightsStep: 2,
      rounded: name !== "float32",
    });
  });

  test("its line is its row of the lines", async () => {
    const { neuron } = await frameOf(run(encode));
    expect(
      neuron?.lines?.map((line) => [line.name, Array.from(line.steps), Array.from(line.values)]),
    ).toEqual([["weights_l2", [1, 2, 3], Array.from(eighths(12, 5).slice(6, 9))]]);
  });
});

const exactly = (cells: Float32Array): Cells => cells;

test("a gap of the map stays one", async () => {
  const [incoming] = run(exactly).parts;
  if (incoming === undefined) throw new Error("no part");
  const map = there(Int32Array.of(0, -1, 4, 8, -1, 12));
  const frame = await frameOf(run((cells) => bitsOf(cells), { parts: [{ ...incoming, map }] }));
  expect([1, 4].map((i) => frame.planes[0]?.cells?.[i])).toEqual([GUTTER_BITS, GUTTER_BITS]);
  expect(frame.planes[0]?.plane.n_nan).toBe(0);
  // A gap takes no part in the sum.
  expect(Number.isFinite(frame.neuron?.weighted)).toBe(true);
});

describe("without", () => {
  test("the weights of the step before, those of the step itself are taken", async () => {
    const all = run(exactly);
    const planes = all.planes.filter(({ form, step }) => form !== WEIGHTS || step === 3);
    const frame = await frameOf({ ...all, planes });
    expect(frame.neuron).toMatchObject({ weightsStep: 3, bias: biasesAt(3)[2] });
  });

  test("any of the two, there is no product: older weights computed another activation", async () => {
    const all = run(exactly);
    const planes = all.planes.filter(({ form, step }) => form !== WEIGHTS || step === 1);
    const frame = await frameOf({ ...all, planes });
    expect(frame.planes[2]?.missing).toBe("the weights of step 3 are not kept");
    expect(frame.planes[0]?.plane.note).toBe("as kept at step 1");
    expect(frame.neuron?.weighted).toBeNull();
  });

  test("an input at the step, input and product say so", async () => {
    const frame = await frameOf(run(exactly), { step: 2 });
    const why = "what the layer is fed is not kept at step 2";
    expect([1, 2].map((i) => frame.planes[i]?.missing)).toEqual([why, why]);
  });

  test("an input in the file, they say why", async () => {
    const all = run(exactly, { withheld: [{ tensor: "inputs", why: "left out: what the model is fed" }] });
    const planes = all.planes.filter(({ form }) => form !== IMAGE);
    const frame = await frameOf({ ...all, planes });
    expect([1, 2].map((i) => frame.planes[i]?.missing)).toEqual(
      Array(2).fill("left out: what the model is fed"),
    );
    expect(frame.neuron).toMatchObject({ weighted: null, bias: null });
  });

  test("a sum, the reason is said", async () => {
    const why = "a filter is applied at every place of its input: see its output";
    const frame = await frameOf(
      run(exactly, { fed: [{ layer: "hidden", why, biasSteps: null, biases: null }] }),
    );
    expect(frame.planes[2]?.missing).toBe(why);
    expect(frame.planes[1]?.cells).not.toBeNull();
  });

  test("the neuron in that picture, there is no part", async () => {
    const frame = await frameOf(run(exactly), { neuron: NEURONS });
    expect(frame.planes[0]?.missing).toBe("these weights are not of this neuron");
  });
});
