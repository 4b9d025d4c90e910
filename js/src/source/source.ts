/** The seam between the views and whatever holds the data: a kernel, or the page itself. */

import type { ReadonlySignal } from "@preact/signals";
import type { AnnexParts } from "../annex.ts";
import type {
  AddBreakpoint,
  ChangeBreakpoint,
  Complete,
  Edit,
  Event,
  Health,
  LayerEntry,
  MapRequest,
  Notice,
  Order,
  Pause,
  Plane,
  PlanRewind,
  ReadSettings,
  ReadValues,
  ReadVariables,
  Rewind,
  Run,
  RunUntil,
  SetSpeed,
  Status,
  Stop,
  TakeSteps,
  TryWeight,
  Undo,
  Watch,
} from "../protocol.gen.ts";
import type { Answer } from "./pending.ts";

/** bfloat16 bit patterns, or float32 values. */
export type Cells = Uint16Array | Float32Array;

export interface PlaneData {
  readonly plane: Plane;
  /** `plane.rows * plane.cols` cells, row by row; `null` if there is nothing to draw. */
  readonly cells: Cells | null;
  /** Why there is nothing to draw, in words. */
  readonly missing: string | null;
}

export interface FrameData {
  readonly seq: number;
  readonly layer: string;
  readonly step: number;
  readonly newest: boolean;
  readonly sample: number;
  readonly labels: readonly string[];
  readonly planes: readonly PlaneData[];
  /** The neuron at each place of the pictures; `null` where the neurons stand as they are. */
  readonly order: Int32Array | null;
  /** What is told of one neuron in numbers; `null` where no part of one was asked for. */
  readonly neuron: NeuronData | null;
}

export interface NeuronData {
  readonly index: number;
  /** The sum of what it is fed, each value times its weight; `null` where it has no such sum. */
  readonly weighted: number | null;
  readonly bias: number | null;
  /** The step of the weights in it. */
  readonly weightsStep: number | null;
  /** Whether it is the sum of numbers that were rounded before. */
  readonly rounded?: boolean;
  /** How it changed over the steps; `null` where the lines of the frames before are still good. */
  readonly lines: readonly Line[] | null;
}

export interface Line {
  readonly name: string;
  /** The path of a layer for its health strip, `null` for a metric. */
  readonly layer: string | null;
  readonly steps: Float64Array;
  readonly values: Float32Array;
  /** 1 of the second of two runs; of a session the place of its branch. */
  readonly run?: number;
  /** Of a branch that is neither shown nor compared: its name. */
  readonly branch?: string;
}

export interface SeriesData {
  readonly firstStep: number;
  readonly lastStep: number;
  readonly lines: readonly Line[];
  readonly events: readonly Event[];
  readonly health: readonly Health[];
}

/** What is on screen. `step` is -1 for the newest one; no maps means that nothing is visible. */
export interface Wanted {
  readonly layer: string;
  readonly step: number;
  readonly sample: number;
  readonly maps: readonly MapRequest[];
  /** `null` where the neurons stand as they are. */
  readonly order: Order | null;
  /** The step whose values are taken off, if any. */
  readonly compare: number | null;
  /** Which of two runs. */
  readonly run: Watch["run"];
  /** Which branch is shown; `null` is the current one. */
  readonly branch: string | null;
  /** Which one beside it. */
  readonly beside: string | null;
  /** Whose incoming weights, and the like, are asked for. */
  readonly neuron: number;
}

/** Of each message by itself: what only some of them have is kept. */
type Body<Message> = Message extends unknown ? Omit<Message, "id" | "client"> : never;

/** One cell of the picture before pooling. */
export type Place = Readonly<Omit<Body<ReadValues>, "kind">>;

export type Command = Body<
  | Run
  | RunUntil
  | Pause
  | TakeSteps
  | Stop
  | SetSpeed
  | AddBreakpoint
  | ChangeBreakpoint
  | Complete
  | PlanRewind
  | Rewind
  | Edit
  | Undo
  | TryWeight
  | ReadVariables
  | ReadSettings
>;

export type Connection = "connecting" | "live" | "gone";

export interface FrameSource {
  readonly status: ReadonlySignal<Status | null>;
  readonly layers: ReadonlySignal<readonly LayerEntry[]>;
  readonly series: ReadonlySignal<SeriesData | null>;
  readonly frame: ReadonlySignal<FrameData | null>;
  readonly notice: ReadonlySignal<Notice | null>;
  readonly connection: ReadonlySignal<Connection>;
  /** Whether a command has been without an answer for so long that a person wonders. */
  readonly waiting: ReadonlySignal<boolean>;
  /** Says what is on screen; frames follow. Cheap: the newest call wins. */
  watch(wanted: Wanted): void;
  /** Says that a frame was drawn, which lets the next one come. */
  painted(seq: number): void;
  /** Asks for something; the promise fails with the reason as its message, and the `column` of what is no condition. */
  command(command: Command): Promise<Answer>;
  /** The exact value at a place, as text. */
  read(place: Place): Promise<string>;
  /** What is loaded when it is first asked for. */
  annex(): Promise<AnnexParts>;
  /** Shows a sentence until it is dismissed. */
  tell(level: Notice["level"], text: string): void;
  dismissNotice(): void;
}
