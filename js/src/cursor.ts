/** Where everybody looks: one layer, step, neuron and sample, shared by all views and, where there is one, by Python. */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type CursorModel, type CursorTraits, listen } from "./model.ts";

export type CursorValues = CursorTraits;

const TRAITS = ["layer", "layer_index", "step", "neuron", "sample", "follow"] as const;

/** Two words for one thing. */
const LAYER: readonly (keyof CursorValues)[] = ["layer", "layer_index"];

export interface Cursor {
  readonly layer: ReadonlySignal<string>;
  readonly step: ReadonlySignal<number>;
  readonly neuron: ReadonlySignal<number>;
  readonly sample: ReadonlySignal<number>;
  readonly follow: ReadonlySignal<boolean>;
  /** Moves it because a person asked for it; tells the other views and Python. */
  move(change: Partial<CursorValues>): void;
  /** Says which layers there are, so that `layer` and `layer_index` stay one thing without a kernel. */
  setPaths(paths: readonly string[]): void;
  /** Joins the model that Python and the user's own sliders are linked to, until `signal` aborts. */
  attach(model: CursorModel, signal: AbortSignal): void;
}

type Signals = { [K in keyof CursorValues]: Signal<CursorValues[K]> };

function makeSignals(): Signals {
  return {
    layer: signal(""),
    layer_index: signal(0),
    step: signal(0),
    neuron: signal(0),
    sample: signal(0),
    follow: signal(true),
  };
}

function assign<K extends keyof CursorValues>(signals: Signals, name: K, value: CursorValues[K]): void {
  const target: Signal<CursorValues[K]> = signals[name];
  target.value = value;
}

/** Writes what differs to the model and answers whether anything did. */
function write<K extends keyof CursorValues>(model: CursorModel, signals: Signals, name: K): boolean {
  const value: CursorValues[K] = signals[name].peek();
  if (model.get(name) === value) return false;
  model.set(name, value);
  return true;
}

export function createCursor(): Cursor {
  const signals = makeSignals();
  let paths: readonly string[] = [];
  let attached: CursorModel | null = null;
  let writing = false;

  /** Only what is ours to say now: the model may hold news of other traits that were not heard yet. */
  function push(names: readonly (keyof CursorValues)[]): void {
    const model = attached;
    if (model === null) return;
    writing = true;
    const changed = names.map((name) => write(model, signals, name)).some(Boolean);
    writing = false;
    if (changed) model.save_changes();
  }

  /** The path rules, unless it is unknown: then the index does. */
  function reconcile(leading: "layer" | "layer_index"): void {
    if (paths.length === 0) return;
    const known = paths.indexOf(signals.layer.peek());
    if (leading === "layer" && known >= 0) {
      signals.layer_index.value = known;
      return;
    }
    const index = Math.min(Math.max(Math.trunc(signals.layer_index.peek()) || 0, 0), paths.length - 1);
    signals.layer_index.value = index;
    signals.layer.value = paths[index] ?? "";
  }

  function pull(model: CursorModel, name: keyof CursorValues): void {
    if (writing) return;
    batch(() => {
      assign(signals, name, model.get(name));
      if (name === "layer" || name === "layer_index") reconcile(name);
    });
    if (name === "layer" || name === "layer_index") push(LAYER);
  }

  return {
    ...signals,
    move(change) {
      batch(() => {
        for (const name of TRAITS) {
          const value = change[name];
          if (value !== undefined) assign(signals, name, value);
        }
        if (change.layer !== undefined) reconcile("layer");
        else if (change.layer_index !== undefined) reconcile("layer_index");
      });
      push(TRAITS.filter((name) => name in change || LAYER.includes(name)));
    },
    setPaths(next) {
      paths = next;
      batch(() => reconcile("layer"));
      push(LAYER);
    },
    attach(model, abort) {
      if (abort.aborted) return;
      attached = model;
      batch(() => {
        for (const name of TRAITS) assign(signals, name, model.get(name));
        reconcile("layer");
      });
      push(LAYER);
      for (const name of TRAITS) listen(model, `change:${name}`, abort, () => pull(model, name));
      abort.addEventListener("abort", () => {
        attached = null;
      });
    },
  };
}
