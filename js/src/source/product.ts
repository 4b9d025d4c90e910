/** Weight times input of one neuron, cell by cell, and what they add up to. */

import { bitsOf, cellValue } from "../picture/bits.ts";
import { GUTTER_BITS, type MapRequest, type Plane } from "../protocol.gen.ts";
import { fitted, fullPicture } from "./drawn.ts";
import { type Answering, cellsOf, type Found, inputAt, needsOf, partAt, pictureOf } from "./parts.ts";
import { type Plan, planned } from "./plan.ts";
import { isAtHand, type Lazy, type RecordedFed, type RecordedPlane, taken } from "./recorded.ts";
import type { Cells, NeuronData, PlaneData, Wanted } from "./source.ts";
import { missingPlane } from "./words.ts";

/** bfloat16 has no more digits than these: a sum of such values has none beyond them either. */
const DIGITS = 3;

const INCOMING = { tensor: "weights", part: "incoming" } as const;

interface Factors {
  readonly weights: Found;
  readonly input: RecordedPlane;
}

/** The weights of the step before computed this step's activations; older ones did not. */
function weightsFor(answering: Answering, wanted: Wanted, step: number): Found | string {
  const found = [Math.max(step - 1, 0), step].map((at) => partAt(answering, wanted, INCOMING, at));
  const fits = (each: Found | string, i: number) =>
    typeof each !== "string" && each.entry.step === Math.max(step - 1 + i, 0);
  const weights = found.find(fits);
  if (weights !== undefined) return weights;
  const [, now = ""] = found;
  return typeof now === "string" ? now : `the weights of step ${step} are not kept`;
}

function factorsOf(answering: Answering, wanted: Wanted, step: number): Factors | string {
  const input = inputAt(answering, wanted, step);
  if (typeof input === "string") return input;
  const fed = answering.run.fed.find(({ layer }) => layer === wanted.layer);
  if (typeof fed?.why === "string") return fed.why;
  const weights = weightsFor(answering, wanted, step);
  return typeof weights === "string" ? weights : { weights, input };
}

/** The cells of two pictures of one form multiplied; a gap stays one. */
function multiplied(a: Cells, b: Cells): Float32Array<ArrayBuffer> {
  const values = new Float32Array(a.length);
  const [patterns, gapsA, gapsB] = [new Uint32Array(values.buffer), bitsOf(a), bitsOf(b)];
  for (let i = 0; i < values.length; i++) {
    values[i] = cellValue(a, i) * cellValue(b, i);
    if (gapsA[i] === GUTTER_BITS || gapsB[i] === GUTTER_BITS) patterns[i] = GUTTER_BITS * 0x1_0000;
  }
  return values;
}

function drawn({ weights, input }: Factors, neuron: number): PlaneData {
  const given = fullPicture(input);
  const own = cellsOf(weights, neuron);
  if (given === null || own.length !== given.cells.length)
    throw new Error("weights and input have not the same cells in this recording");
  const { dtype, variable } = weights.entry.plane;
  const plane: Plane = { ...input.plane, tensor: "weights", part: "product", note: null, dtype, variable };
  return pictureOf(plane, multiplied(own, given.cells));
}

const needsOfFactors = ({ weights, input }: Factors): Lazy<unknown>[] => [
  ...needsOf(weights),
  ...(input.cells === null ? [] : [input.cells]),
];

export function planProduct(
  answering: Answering,
  wanted: Wanted,
  request: MapRequest,
  step: number,
): Plan<PlaneData> {
  const factors = factorsOf(answering, wanted, step);
  if (typeof factors === "string") return planned(missingPlane(request, factors));
  return {
    needs: needsOfFactors(factors),
    draw: () => fitted(drawn(factors, wanted.neuron), request),
  };
}

/** The sum of the cells, gaps left out; `null` where it is not finite. */
function sumOf(cells: Cells): number | null {
  const bits = bitsOf(cells);
  let sum = 0;
  for (let i = 0; i < cells.length; i++) if (bits[i] !== GUTTER_BITS) sum += cellValue(cells, i);
  return Number.isFinite(sum) ? sum : null;
}

function biasAt({ biasSteps, biases }: RecordedFed, step: number, neuron: number): number | null {
  if (biasSteps === null || biases === null) return null;
  const steps = taken(biasSteps);
  const row = steps.indexOf(step);
  const all = taken(biases);
  const value = row < 0 ? undefined : all[(row * all.length) / steps.length + neuron];
  return value !== undefined && Number.isFinite(value) ? value : null;
}

type Sum = Pick<NeuronData, "weighted" | "bias" | "weightsStep" | "rounded">;

const NO_SUM: Sum = { weighted: null, bias: null, weightsStep: null };

const isRounded = ({ weights, input }: Factors): boolean =>
  [weights.entry, input].some(({ cells }) => cells !== null && taken(cells) instanceof Uint16Array);

/** What a neuron adds up before its activation function, as exactly as the recording holds its weights and input. */
export function planSum(answering: Answering, wanted: Wanted, step: number): Plan<Sum> {
  const factors = factorsOf(answering, wanted, step);
  const fed = answering.run.fed.find(({ layer }) => layer === wanted.layer);
  if (typeof factors === "string" || fed === undefined) return planned(NO_SUM);
  const biases = [fed.biasSteps, fed.biases].filter((lazy) => lazy !== null);
  return {
    needs: [...needsOfFactors(factors), ...biases],
    draw() {
      const { cells } = drawn(factors, wanted.neuron);
      const sum = cells === null ? null : sumOf(cells);
      const rounded = isRounded(factors);
      const digits = (value: number) => (rounded ? Number(value.toPrecision(DIGITS)) : value);
      const weightsStep = factors.weights.entry.step;
      const bias = biases.every(isAtHand) ? biasAt(fed, weightsStep, wanted.neuron) : null;
      return {
        weighted: sum === null ? null : digits(sum),
        bias: bias === null ? null : digits(bias),
        weightsStep,
        rounded,
      };
    },
  };
}
