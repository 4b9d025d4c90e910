/** What the neuron panel asks for, and what of it a frame brings. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Kind, MapRequest } from "../protocol.gen.ts";
import type { FrameData, Line, NeuronData, PlaneData } from "../source/source.ts";

export type Part = MapRequest["part"];

export interface PartName {
  readonly tensor: Kind;
  readonly part: Part;
}

/** What tells a part from the others. */
export const keyOf = ({ tensor, part }: PartName): string => `${tensor} ${part}`;

/** The parts that are drawn as pictures, in the order in which they stand. */
export const PICTURES: readonly PartName[] = [
  { tensor: "weights", part: "incoming" },
  { tensor: "gradients", part: "incoming" },
  { tensor: "activations", part: "input" },
  { tensor: "weights", part: "product" },
  { tensor: "activations", part: "output" },
];

export const SAMPLES: PartName = { tensor: "activations", part: "samples" };

export function partOf(frame: FrameData | null, { tensor, part }: PartName): PlaneData | null {
  return frame?.planes.find(({ plane }) => plane.tensor === tensor && plane.part === part) ?? null;
}

/** The newest lines of the neuron that the newest frame tells of: while it runs, most frames bring none. */
export function linesOf(frame: ReadonlySignal<FrameData | null>): ReadonlySignal<readonly Line[]> {
  let of = "";
  let lines: readonly Line[] = [];
  return computed(() => {
    const now = frame.value;
    if (now === null || now.neuron === null) return lines;
    const next = `${now.neuron.index} ${now.layer}`;
    if (now.neuron.lines !== null) lines = now.neuron.lines;
    else if (next !== of) lines = [];
    of = next;
    return lines;
  });
}

/** What the neuron computed before its activation function, `null` if it is not told. */
export function preActivation({ weighted, bias }: NeuronData): number | null {
  return weighted === null ? null : weighted + (bias ?? 0);
}
