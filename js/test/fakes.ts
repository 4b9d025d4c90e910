/** Stand-ins for what a notebook gives a widget. */

import script from "virtual:annex";
import { expect } from "vitest";
import type { CursorModel, CursorTraits, InspectorModel, InspectorTraits } from "../src/model.ts";
import type {
  BranchEntry,
  BreakpointEntry,
  ClientMessage,
  Debugging,
  Frame,
  LayerEntry,
  Pause,
  Plane,
  Reply,
  ServerMessage,
  Status,
} from "../src/protocol.gen.ts";

const NOTHING_TOLD = {
  error: null,
  values: null,
  column: null,
  completion: null,
  plan: null,
  settings: null,
  tried: null,
  variables: null,
};

/** The answer to a message: that it was done, or what `changes` says. */
export function replyTo({ client, id }: Pick<Pause, "client" | "id">, changes: Partial<Reply> = {}): Reply {
  const ok = (changes.error ?? null) === null;
  return { kind: "reply", client, id, ok, ...NOTHING_TOLD, ...changes };
}

const ANNEX = new DataView(new TextEncoder().encode(script).buffer);

type Handler = (...args: never[]) => void;

/** A model that keeps its traits in memory and counts its listeners. */
export class FakeModel<Traits extends object> {
  readonly handlers = new Map<string, Set<Handler>>();
  saves = 0;

  constructor(readonly traits: Traits) {}

  get<K extends keyof Traits & string>(name: K): Traits[K] {
    return this.traits[name];
  }

  set<K extends keyof Traits & string>(name: K, value: Traits[K]): void {
    if (this.traits[name] === value) return;
    this.traits[name] = value;
    this.fire(`change:${name}`);
  }

  save_changes(): void {
    this.saves += 1;
  }

  on(event: string, handler: Handler): void {
    const known = this.handlers.get(event) ?? new Set();
    this.handlers.set(event, known.add(handler));
  }

  off(event: string, handler: Handler): void {
    this.handlers.get(event)?.delete(handler);
  }

  fire(event: string, ...args: unknown[]): void {
    for (const handler of [...(this.handlers.get(event) ?? [])]) Reflect.apply(handler, undefined, args);
  }

  get listenerCount(): number {
    return [...this.handlers.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

export class FakeCursorModel extends FakeModel<CursorTraits> implements CursorModel {
  comm_live = true;

  constructor(traits: Partial<CursorTraits> = {}) {
    super({ layer: "", layer_index: 0, step: 0, neuron: 0, sample: 0, follow: true, ...traits });
  }

  /** The kernel was restarted, or came back. */
  setLive(live: boolean): void {
    this.comm_live = live;
    this.fire("comm_live_update");
  }
}

/** A model with a kernel behind it that answers `ready` and `watch`; other messages wait for the test. */
export class FakeKernel extends FakeModel<InspectorTraits> implements InspectorModel {
  readonly sent: ClientMessage[] = [];
  readonly cursor: FakeCursorModel;
  readonly widget_manager = { get_model: (): Promise<unknown> => Promise.resolve(this.cursor) };
  answering = true;
  layers: LayerEntry[] = [layerEntry("hidden"), layerEntry("digits", { n_neurons: 10 })];

  constructor(traits: Partial<InspectorTraits> = {}, cursor = new FakeCursorModel()) {
    super({ _status: status(), _panels: null, cursor: "IPY_MODEL_1", ...traits });
    this.cursor = cursor;
  }

  get client(): string {
    return this.sent[0]?.client ?? "";
  }

  send(content: unknown): void {
    const message = content as ClientMessage;
    this.sent.push(message);
    if (this.answering && ["ready", "watch", "annex"].includes(message.kind)) {
      queueMicrotask(() => this.answer(message));
    }
  }

  answer(message: ClientMessage): void {
    if (!("id" in message)) return;
    this.say(replyTo(message), message.kind === "annex" ? [ANNEX] : []);
    if (message.kind === "ready") this.say({ kind: "layers", layers: this.layers });
  }

  /** Answers the newest message of a kind, once it has come. */
  async reply(kind: ClientMessage["kind"], changes: Partial<Reply> = {}): Promise<void> {
    await expect.poll(() => this.of(kind).length).toBeGreaterThan(0);
    this.say(replyTo(this.of(kind).at(-1) as Pause, changes));
  }

  say(message: ServerMessage, buffers: unknown[] = []): void {
    this.fire("msg:custom", message, buffers);
  }

  of<K extends ClientMessage["kind"]>(kind: K): Extract<ClientMessage, { kind: K }>[] {
    return this.sent.filter((each): each is Extract<ClientMessage, { kind: K }> => each.kind === kind);
  }
}

export function status(changes: Partial<Status> = {}): Status {
  return {
    name: "a run",
    source: "session",
    state: "paused",
    step: 412,
    total_steps: 1565,
    epoch: 1,
    epochs: 5,
    batch: 98,
    steps_per_epoch: 313,
    logs: { loss: 0.286, accuracy: 0.906 },
    steps_per_second: 612,
    watch_cost: 0.03,
    speed: null,
    activity: null,
    failure: null,
    samples: 16,
    stopped: false,
    controls: true,
    runs: [],
    debugging: null,
    ...changes,
  };
}

export function breakpoint(number: number, changes: Partial<BreakpointEntry> = {}): BreakpointEntry {
  const plain = { condition: "loss > 3", told: "0 hits", enabled: true, hits: 0, broken: null, guard: false };
  return { number, ...plain, for_steps: 1, once: false, ...changes };
}

export const MAIN: BranchEntry = { name: "main", parent: null, step: 0, last_step: 412 };

export function debugging(changes: Partial<Debugging> = {}): Debugging {
  const plain = { breakpoints: [], paused_by: null, refused: null, branches: [MAIN], branch: "main" };
  return { ...plain, rewinds: true, journal: [], n_to_undo: 0, ...changes };
}

export function layerEntry(path: string, changes: Partial<LayerEntry> = {}): LayerEntry {
  return {
    path,
    name: path,
    class_name: "Dense",
    summary: "Dense 784 → 128",
    n_neurons: 128,
    n_params: 100,
    n_samples: 16,
    tensors: ["weights", "activations", "gradients", "activation_gradients"],
    reasons: {},
    variables: ["kernel", "bias"],
    outputs: [],
    together: "",
    ...changes,
  };
}

/** The header of a `rows` x `cols` matrix that is not pooled, one column a neuron. */
export function plane(rows: number, cols: number, changes: Partial<Plane> = {}): Plane {
  return {
    tensor: "weights",
    variable: "kernel",
    dtype: "float32",
    shape: [rows, cols],
    axes: ["in", "neuron"],
    row_axes: [{ name: "in", size: rows, labels: [] }],
    col_axes: [{ name: "neuron", size: cols, labels: [] }],
    gutter: false,
    full_rows: rows,
    full_cols: cols,
    rows,
    cols,
    row_factor: 1,
    col_factor: 1,
    neuron_cols: 1,
    reduce: "none",
    encoding: "f32",
    buffer: 0,
    missing: null,
    note: null,
    low: -1,
    high: 1,
    clip_low: -1,
    clip_high: 1,
    n_nan: 0,
    n_posinf: 0,
    n_neginf: 0,
    value: null,
    output: 0,
    part: "map",
    row_start: 0,
    col_start: 0,
    shown_rows: changes.full_rows ?? rows,
    shown_cols: changes.full_cols ?? cols,
    further: [],
    compared: null,
    other: null,
    histogram: [],
    first_bad: null,
    ...changes,
  };
}

/** A kernel `(y 3, x 3, in 2, filter 4)`: tiles of 3 x 3, a gap after each. */
export const CONV = plane(8, 16, {
  shape: [3, 3, 2, 4],
  axes: ["y", "x", "in", "filter"],
  row_axes: [
    { name: "in", size: 2, labels: [] },
    { name: "y", size: 3, labels: [] },
  ],
  col_axes: [
    { name: "filter", size: 4, labels: [] },
    { name: "x", size: 3, labels: [] },
  ],
  gutter: true,
  neuron_cols: 4,
});

export function frame(client: string, seq: number, planes: Plane[], changes: Partial<Frame> = {}): Frame {
  return {
    kind: "frame",
    client,
    seq,
    layer: "hidden",
    step: 412,
    newest: true,
    sample: 0,
    labels: [],
    planes,
    acknowledge: true,
    nth: 0,
    order_buffer: -1,
    neuron: null,
    ...changes,
  };
}

export const view = (cells: Float32Array<ArrayBuffer>): DataView => new DataView(cells.buffer);
