/** What is measured in the page: the whole view on a recording that it holds itself. */

import "../src/styles/all.css";
import { signal } from "@preact/signals";
import { createCursor } from "../src/cursor.ts";
import { mount } from "../src/mount.tsx";
import { bitsOf } from "../src/picture/bits.ts";
import type { Kind, Plane } from "../src/protocol.gen.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { emptyRun, type RecordedPlane, type RecordedRun, there } from "../src/source/recorded.ts";
import { recordedRun } from "../src/source/stored.ts";
import { createStore } from "../src/store.ts";
import { packed } from "../test/documents.ts";
import { layerEntry, plane, status } from "../test/fakes.ts";
import { measureScroll } from "./list.ts";
import { openLive } from "./live.ts";

const STEPS = 24;
const MOVES = 120;

function recorded(step: number, tensor: Kind, rows: number, cols: number): RecordedPlane {
  const values = Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i * (step + 1) * 0.37) * 0.1);
  const header: Plane = plane(rows, cols, { tensor, low: -0.1, high: 0.1, clip_low: -0.1, clip_high: 0.1 });
  return {
    layer: "hidden",
    step,
    sample: null,
    plane: { ...header, encoding: "bf16" },
    cells: there(bitsOf(values)),
  };
}

function runOf(rows: number, cols: number): RecordedRun {
  const steps = Array.from({ length: STEPS }, (_, step) => step);
  return {
    ...emptyRun(status({ source: "recording", state: "finished", step: STEPS - 1, total_steps: STEPS - 1 })),
    layers: [layerEntry("hidden", { n_neurons: cols })],
    planes: steps.flatMap((step) => [
      recorded(step, "weights", rows, cols),
      recorded(step, "gradients", rows, cols),
      recorded(step, "activations", 16, cols),
    ]),
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Number((sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(2));
}

/** The same as a shared file holds it, packed. */
async function fileOf(rows: number, cols: number): Promise<RecordedRun> {
  const { document, text } = await packed(runOf(rows, cols));
  return recordedRun(document, text);
}

/** A recording on the page, and what moves its step. */
async function open(run: RecordedRun) {
  const painted = { tell: () => {} };
  const source = { ...createMemorySource(run), painted: () => painted.tell() };
  const end = new AbortController();
  const panels = signal(["activations", "weights", "gradients"]);
  const store = createStore(source, createCursor(), panels, end.signal);
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const unmount = mount(store, el);
  await pause(300);
  const slider = el.querySelector<HTMLInputElement>("input[aria-label=step]");
  if (slider === null) throw new Error("no slider");
  const move = (i: number) => {
    slider.value = String((i * 7) % (STEPS - 1));
    slider.dispatchEvent(new InputEvent("input", { bubbles: true }));
  };
  const close = () => {
    unmount();
    end.abort();
  };
  return { painted, move, close };
}

/** Slider to picture: from the slider's event to the moment when all maps of that step are drawn. */
export async function measureLatency(rows: number, cols: number, inFile: boolean) {
  const run = inFile ? await fileOf(rows, cols) : runOf(rows, cols);
  const { painted, move, close } = await open(run);
  const latencies: number[] = [];
  const scripts: number[] = [];
  for (let i = 0; i < MOVES; i++) {
    const began = performance.now();
    const drawn = new Promise<void>((resolve) => {
      painted.tell = resolve;
    });
    move(i);
    // What is on screen is told in a microtask.
    await Promise.resolve();
    const handled = performance.now() - began;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const frameBegan = performance.now();
    await drawn;
    latencies.push(performance.now() - began);
    scripts.push(handled + (performance.now() - frameBegan));
    // At any phase of the screen's own clock.
    await pause(20 + ((i * 5) % 17));
  }
  close();
  return {
    size: `${rows}x${cols}`,
    maps: 3,
    moves: MOVES,
    median_ms: quantile(latencies, 0.5),
    p95_ms: quantile(latencies, 0.95),
    script_median_ms: quantile(scripts, 0.5),
  };
}

/** All three maps replaced in every frame of the screen. */
export async function measureRate(rows: number, cols: number, seconds: number) {
  const { painted, move, close } = await open(runOf(rows, cols));
  let n = 0;
  painted.tell = () => {
    n += 1;
  };
  const began = performance.now();
  for (let i = 0; performance.now() - began < seconds * 1000; i++) {
    move(i);
    // The view asks for its frame of the screen first, or every other one would go by unused.
    await Promise.resolve();
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  const elapsed = (performance.now() - began) / 1000;
  close();
  return { size: `${rows}x${cols}`, maps: 3, frames_per_second: Number((n / elapsed).toFixed(1)) };
}

/** Frames of three maps of that size that come by themselves. */
const watchRun = (rows: number, cols: number) => openLive(runOf(rows, cols));

Object.assign(globalThis, { watchRun, measureLatency, measureRate, measureScroll });
