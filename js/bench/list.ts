/** Scrolling through the list of a model with a thousand layers, each with its strip and figures. */

import { signal } from "@preact/signals";
import { createCursor } from "../src/cursor.ts";
import { mount } from "../src/mount.tsx";
import type { Health } from "../src/protocol.gen.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { emptyRun, there } from "../src/source/recorded.ts";
import type { Line } from "../src/source/source.ts";
import { createStore } from "../src/store.ts";
import { layerEntry, status } from "../test/fakes.ts";

const LAYERS = 1000;
const READINGS = 200;
const PIXELS_A_FRAME = 120;

const steps = Float64Array.from({ length: READINGS }, (_, i) => i);
const paths = Array.from({ length: LAYERS }, (_, i) => `block_${Math.floor(i / 10)}/dense_${i}`);

const lineOf = (layer: string, i: number): Line => ({
  name: "|g|",
  layer,
  steps,
  values: Float32Array.from(steps, (step) => 1 + Math.sin(step * 0.1 + i)),
});

const healthOf = (layer: string): Health => ({
  layer,
  gradient_l2: 0.71,
  update_ratio: 0.011,
  dead_share: 0.09,
  non_finite: [],
});

/** Time between frames of the screen while the list moves in every one of them, and how many rows have elements. */
export async function measureScroll(seconds: number) {
  const run = {
    ...emptyRun(status({ source: "recording", state: "finished" })),
    layers: paths.map((path) => layerEntry(path)),
    series: there({
      firstStep: 0,
      lastStep: READINGS,
      lines: paths.map(lineOf),
      events: [],
      health: paths.map(healthOf),
    }),
  };
  const end = new AbortController();
  const store = createStore(createMemorySource(run), createCursor(), signal(["layers"]), end.signal);
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const unmount = mount(store, el);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const tree = el.querySelector<HTMLElement>("[role=tree]");
  if (tree === null) throw new Error("no list");
  const frames: number[] = [];
  let rows = 0;
  let last = await new Promise<number>(requestAnimationFrame);
  const until = last + seconds * 1000;
  for (let towards = 1; last < until; ) {
    const before = tree.scrollTop;
    tree.scrollTop += PIXELS_A_FRAME * towards;
    if (tree.scrollTop === before) towards = -towards;
    const now = await new Promise<number>(requestAnimationFrame);
    frames.push(now - last);
    last = now;
    rows = Math.max(rows, tree.querySelectorAll("[role=treeitem]").length);
  }
  unmount();
  end.abort();
  const sorted = frames.sort((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1));
  return {
    layers: LAYERS,
    rows_with_elements: rows,
    frames_per_second: Number((frames.length / seconds).toFixed(1)),
    median_ms: at(0.5),
    p95_ms: at(0.95),
    worst_ms: at(1),
  };
}
