/** The picture of a whole tensor, answered from a recording. */

import type { MapRequest } from "../protocol.gen.ts";
import { comparedWith, fitted, fullPicture, sorted } from "./drawn.ts";
import { indexAlong } from "./kept.ts";
import type { Answering } from "./parts.ts";
import { type Plan, planned } from "./plan.ts";
import type { RecordedPlane } from "./recorded.ts";
import type { PlaneData, Wanted } from "./source.ts";
import {
  ANOTHER_BATCH,
  asKept,
  LEFT_OUT,
  leftOut,
  missingPlane,
  OF_SAMPLES,
  whyNever,
  withNote,
} from "./words.ts";

export type Looking = Pick<Wanted, "layer" | "sample" | "compare">;

/** What of a request says which picture it is. */
export type Picked = Pick<MapRequest, "tensor" | "part" | "variable" | "output" | "at" | "complex">;

/** At another place of its axes, at later steps, or never at all. */
function notHere({ run, kept }: Answering, layer: string, asked: Picked, step: number): PlaneData {
  const further = kept.elsewhere(layer, asked);
  if (further === null) return missingPlane(asked, whyNever(run, layer, asked.tensor));
  const axes = further.map((axis) => ({ ...axis, index: indexAlong(axis, asked.at) }));
  const words = kept.first(layer, asked, 0);
  if (words !== null && words.cells === null) return missingPlane(asked, words.plane.missing ?? LEFT_OUT);
  const elsewhere = words === null && axes.length > 0;
  const place = elsewhere ? ` for ${axes.map(({ name, index }) => `${name} ${index}`).join(", ")}` : "";
  return missingPlane(asked, `not kept${place} at step ${step}`, axes);
}

/** The one to compare with: at or before that step, else the first that there is. */
function earlier({ kept }: Answering, { layer, sample }: Looking, asked: Picked, step: number) {
  return kept.find(layer, asked, step, sample) ?? kept.first(layer, asked, sample);
}

function difference(entry: RecordedPlane, before: RecordedPlane, asked: Picked): PlaneData {
  const [now, then] = [fullPicture(entry), fullPicture(before)];
  const found = now === null || then === null ? null : comparedWith(now, then, before.step);
  if (found !== null && OF_SAMPLES.includes(asked.tensor)) return withNote(found, ANOTHER_BATCH);
  return found ?? missingPlane(asked, `step ${before.step} has other cells: there is no difference`);
}

/**
 * The newest picture of a tensor that was recorded at or before a step, or by how much it is greater than at another one.
 *
 * Not every tensor was kept at the step of the frame: what is older than it says so.
 */
export function planWhole(
  answering: Answering,
  looking: Looking,
  asked: Picked,
  step: number,
): Plan<PlaneData> {
  const { layer, sample, compare } = looking;
  const entry = answering.kept.find(layer, asked, step, sample);
  if (entry === null) return planned(notHere(answering, layer, asked, step));
  const { cells, plane } = entry;
  if (cells === null) return planned(leftOut(entry));
  if (plane.dtype.startsWith("complex") && asked.complex !== "abs")
    return planned(missingPlane(asked, "of complex numbers this recording holds the magnitude"));
  const before = compare === null ? null : earlier(answering, looking, asked, compare);
  if (before === null)
    return { needs: [cells], draw: () => asKept(fullPicture(entry) ?? leftOut(entry), entry.step, step) };
  return {
    needs: before.cells === null ? [cells] : [cells, before.cells],
    draw: () => asKept(difference(entry, before, asked), entry.step, step),
  };
}

/** As they are, and why. */
function unsorted(data: PlaneData): PlaneData {
  if (data.plane.neuron_cols === 0) return data;
  return withNote(data, "not sorted: this recording does not tell the neurons apart");
}

/** The same in the order of the neurons and at the size that were asked for. */
export function planMap(
  answering: Answering,
  wanted: Wanted,
  request: MapRequest,
  step: number,
  orderOf: () => Int32Array | null,
): Plan<PlaneData> {
  const { needs, draw } = planWhole(answering, wanted, request, step);
  return {
    needs,
    draw() {
      const whole = draw();
      if (whole.cells === null || wanted.order === null) return fitted(whole, request);
      const order = orderOf();
      return fitted(order === null ? unsorted(whole) : sorted(whole, order), request);
    },
  };
}
