/** Parts of one neuron, answered from a recording: gathered from the pictures of whole tensors. */

import { GUTTER_BITS, type MapRequest, type Plane } from "../protocol.gen.ts";
import { fitted, fullPicture } from "./drawn.ts";
import { type Kept, mainPicture } from "./kept.ts";
import { measure } from "./measure.ts";
import { type Plan, planned } from "./plan.ts";
import { type Lazy, type RecordedPart, type RecordedPlane, type RecordedRun, taken } from "./recorded.ts";
import type { Cells, PlaneData, Wanted } from "./source.ts";
import { asKept, LEFT_OUT, missingPlane, whyNever } from "./words.ts";

/** Everything that a recording answers from. */
export interface Answering {
  readonly run: RecordedRun;
  readonly kept: Kept;
}

/** A picture that the page makes itself, with what its header tells of the cells. */
export function pictureOf(plane: Plane, cells: Cells): PlaneData {
  const encoding = cells instanceof Uint16Array ? "bf16" : "f32";
  return { plane: { ...plane, encoding, buffer: 0, ...measure(plane, cells) }, cells, missing: null };
}

/** The cells of a neuron's part in the picture of the whole tensor; -1 in the map is a gap. */
export function gathered(cells: Cells, map: Int32Array, shift: number): Cells {
  if (cells instanceof Uint16Array)
    return Uint16Array.from(map, (from) => (from < 0 ? GUTTER_BITS : (cells[from + shift] ?? GUTTER_BITS)));
  const patterns = new Uint32Array(cells.buffer, cells.byteOffset, cells.length);
  const gap = GUTTER_BITS * 0x1_0000;
  const found = Uint32Array.from(map, (from) => (from < 0 ? gap : (patterns[from + shift] ?? gap)));
  return new Float32Array(found.buffer);
}

/** Where a part is found. */
export interface Found {
  readonly entry: RecordedPlane;
  readonly cells: Lazy<Cells>;
  readonly part: RecordedPart;
}

type Asked = Pick<MapRequest, "tensor" | "part">;
type Of = Pick<Wanted, "layer" | "sample" | "neuron">;

/** Most layers have no own output of a neuron that is more than a number: nobody would look for a picture of it. */
const NOTHING_TO_SAY = "";

function whyNoPart({ run, kept }: Answering, { layer, sample }: Of, { tensor, part }: Asked, step: number) {
  const of = [mainPicture(tensor, part), mainPicture(tensor)];
  const entry = of.map((each) => kept.first(layer, each, sample)).find((each) => each !== null);
  if (entry === undefined) return whyNever(run, layer, tensor);
  if (entry.cells === null) return entry.plane.missing ?? LEFT_OUT;
  if (entry.step > step) return `not kept at step ${step}`;
  return part === "incoming" ? `of this layer the recording holds no ${tensor} by neuron` : NOTHING_TO_SAY;
}

/** Where a part of the neuron is found, at or before a step, or why it is not. */
export function partAt(answering: Answering, of: Of, asked: Asked, step: number): Found | string {
  const { run, kept } = answering;
  const same = run.parts.filter(
    ({ layer, tensor, part }) => layer === of.layer && tensor === asked.tensor && part === asked.part,
  );
  // Pictures of several shapes, such as that of a last, smaller batch, have a form each: the newest counts.
  const found = same.flatMap((part): Found[] => {
    const entry = kept.ofForm(of.layer, part.form, step, of.sample);
    return entry === null || entry.cells === null ? [] : [{ entry, cells: entry.cells, part }];
  });
  const [best] = found.sort((a, b) => b.entry.step - a.entry.step);
  if (best === undefined) return whyNoPart(answering, of, asked, step);
  const { full_cols, neuron_cols } = best.entry.plane;
  return of.neuron * neuron_cols < full_cols ? best : `these ${asked.tensor} are not of this neuron`;
}

export const needsOf = ({ part, cells }: Found): readonly Lazy<unknown>[] => [part.map, cells];

/** The cells of the part of a neuron, once they are at hand. */
export function cellsOf({ entry, cells, part }: Found, neuron: number): Cells {
  return gathered(taken(cells), taken(part.map), neuron * entry.plane.neuron_cols);
}

/** Incoming weights, their gradients, the output, the activation for each sample. */
export function planPart(
  answering: Answering,
  wanted: Wanted,
  request: MapRequest,
  step: number,
): Plan<PlaneData> {
  const found = partAt(answering, wanted, request, step);
  if (typeof found === "string") return planned(missingPlane(request, found));
  return {
    needs: needsOf(found),
    draw() {
      const picture = pictureOf(found.part.plane, cellsOf(found, wanted.neuron));
      return fitted(asKept(picture, found.entry.step, step), request);
    },
  };
}

/** What the layer is fed of the sample at exactly this step, or why it is not there. */
export function inputAt(
  { run, kept }: Answering,
  { layer, sample }: Pick<Wanted, "layer" | "sample">,
  step: number,
): RecordedPlane | string {
  const asked = mainPicture("activations", "input");
  const entry = kept.find(layer, asked, step, sample);
  const any = entry ?? kept.first(layer, asked, sample);
  if (any !== null && any.cells === null) return any.plane.missing ?? LEFT_OUT;
  if (entry?.step === step) return entry;
  if (any !== null) return `what the layer is fed is not kept at step ${step}`;
  if (run.withheld.some(({ tensor }) => tensor === "inputs")) return whyNever(run, layer, "inputs");
  return run.fed.find((each) => each.layer === layer)?.why ?? whyNever(run, layer, "inputs");
}

export function planInput(
  answering: Answering,
  wanted: Wanted,
  request: MapRequest,
  step: number,
): Plan<PlaneData> {
  const entry = inputAt(answering, wanted, step);
  if (typeof entry === "string") return planned(missingPlane(request, entry));
  return {
    needs: entry.cells === null ? [] : [entry.cells],
    draw() {
      const full = fullPicture(entry);
      return full === null ? missingPlane(request, LEFT_OUT) : fitted(full, request);
    },
  };
}
