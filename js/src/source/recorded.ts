/** What a source without a kernel shows: a run that is over, whole in the page or packed into it. */

import type { Withheld } from "../document.gen.ts";
import type { Kind, LayerEntry, Plane, Status } from "../protocol.gen.ts";
import type { Cells, Line, SeriesData } from "./source.ts";

/** Something that is at hand, or is unpacked when somebody looks. */
export interface Lazy<T> {
  /** About how much memory it takes to unpack; 0 where it is there. */
  readonly bytes: number;
  /** What is at hand; `undefined` where it must be loaded first. Throws, in words, if it is damaged. */
  peek(): T | undefined;
  /** Fails in words if it is damaged. */
  load(): Promise<T>;
}

export function there<T>(value: T): Lazy<T> {
  return { bytes: 0, peek: () => value, load: async () => value };
}

/** Whether nothing must be loaded; what is damaged will not get better. */
export function isAtHand(lazy: Lazy<unknown>): boolean {
  try {
    return lazy.peek() !== undefined;
  } catch {
    return true;
  }
}

/** What was loaded before. */
export function taken<T>(lazy: Lazy<T>): T {
  const value = lazy.peek();
  if (value === undefined) throw new Error("this part of the recording is not unpacked yet");
  return value;
}

/** One tensor at one step, in the form in which it was recorded. */
export interface RecordedPlane {
  readonly layer: string;
  readonly step: number;
  /** `null` if the picture is the same for every sample. */
  readonly sample: number | null;
  readonly plane: Plane;
  /** What the pictures have in common in which the same part of a neuron is found. */
  readonly form?: number;
  /** `null` where they were left out: `plane.missing` says why. */
  readonly cells: Lazy<Cells> | null;
}

/** Cell i of a part of neuron n is cell `map[i] + n * neuron_cols` of a picture that holds all neurons; -1 is a gap. */
export interface RecordedPart {
  readonly layer: string;
  readonly tensor: Kind;
  readonly part: Plane["part"];
  /** The form of those pictures. */
  readonly form: number;
  readonly plane: Plane;
  readonly map: Lazy<Int32Array>;
}

/** One statistic of all neurons of a layer over the steps, neuron by neuron. */
export interface RecordedLines {
  readonly layer: string;
  readonly name: Line["name"];
  readonly firstNeuron: number;
  readonly nNeurons: number;
  readonly steps: Lazy<Float64Array>;
  readonly values: Lazy<Float32Array>;
}

/** What a layer is fed, and the biases that are added to it, step by step. */
export interface RecordedFed {
  readonly layer: string;
  /** Why weight times input has no sum that a neuron computes; `null` where it has. */
  readonly why: string | null;
  readonly biasSteps: Lazy<Float64Array> | null;
  readonly biases: Lazy<Float32Array> | null;
}

export interface RecordedRun {
  readonly status: Status;
  readonly layers: readonly LayerEntry[];
  readonly series: Lazy<SeriesData> | null;
  /** The target of each sample in words, by step. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly planes: readonly RecordedPlane[];
  readonly parts: readonly RecordedPart[];
  readonly lines: readonly RecordedLines[];
  readonly fed: readonly RecordedFed[];
  readonly withheld: readonly Withheld[];
}

/** A run of which nothing was recorded but how it stands: what is shown of it is put in. */
export function emptyRun(status: Status): RecordedRun {
  return {
    status,
    layers: [],
    series: null,
    labels: {},
    planes: [],
    parts: [],
    lines: [],
    fed: [],
    withheld: [],
  };
}
