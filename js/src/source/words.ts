/** Headers of pictures that a recording cannot draw, with the reason in words. */

import type { Kind, MapRequest, Plane } from "../protocol.gen.ts";
import type { RecordedPlane, RecordedRun } from "./recorded.ts";
import type { PlaneData } from "./source.ts";

const NOTHING: Omit<Plane, "tensor" | "variable" | "output" | "part" | "missing"> = {
  dtype: "float32",
  shape: [],
  axes: [],
  row_axes: [],
  col_axes: [],
  gutter: false,
  full_rows: 0,
  full_cols: 0,
  rows: 0,
  cols: 0,
  row_factor: 1,
  col_factor: 1,
  neuron_cols: 0,
  reduce: "none",
  encoding: "f32",
  buffer: -1,
  note: null,
  low: null,
  high: null,
  clip_low: null,
  clip_high: null,
  n_nan: 0,
  n_posinf: 0,
  n_neginf: 0,
  value: null,
  row_start: 0,
  col_start: 0,
  shown_rows: 0,
  shown_cols: 0,
  further: [],
  compared: null,
  other: null,
  histogram: [],
  first_bad: null,
};

/** What a request gets that has no picture. The axes that it moved along stay, so that there is a way back. */
export function missingPlane(
  { tensor, variable, output, part }: Pick<MapRequest, "tensor" | "variable" | "output" | "part">,
  missing: string,
  further: Plane["further"] = [],
): PlaneData {
  return { plane: { ...NOTHING, tensor, variable, output, part, missing, further }, cells: null, missing };
}

/** What a reader must know of a difference of two steps, as a kernel's page says it. */
export const ANOTHER_BATCH = "each step has a batch of its own";

/** Tensors of samples that are others at each step. */
export const OF_SAMPLES: readonly Kind[] = ["activations", "activation_gradients"];

export const LEFT_OUT = "left out of this file";

/** A picture whose cells were left out: what its header tells stays, such as a histogram. */
export function leftOut({ plane }: RecordedPlane): PlaneData {
  const missing = plane.missing ?? LEFT_OUT;
  return { plane: { ...plane, buffer: -1, missing }, cells: null, missing };
}

/** A picture that is older than the frame says so. */
export function asKept(data: PlaneData, step: number, shown: number): PlaneData {
  return step === shown ? data : withNote(data, `as kept at step ${step}`);
}

/** Tells a reader one thing more. */
export function withNote(data: PlaneData, words: string): PlaneData {
  const { plane } = data;
  return { ...data, plane: { ...plane, note: plane.note === null ? words : `${plane.note}; ${words}` } };
}

/** Why a layer has no picture of a tensor at any step. */
export function whyNever(
  { layers, withheld }: Pick<RecordedRun, "layers" | "withheld">,
  layer: string,
  tensor: Kind | "inputs",
): string {
  const reason = layers.find(({ path }) => path === layer)?.reasons[tensor];
  const otherwise =
    tensor === "inputs" ? "what the layer is fed is not in this recording" : "not in this recording";
  return reason ?? withheld.find((each) => each.tensor === tensor)?.why ?? otherwise;
}
