/** A run as it is watched: new frames of three maps, one in each frame of the screen, that nobody asks for. */

import { signal } from "@preact/signals";
import { createCursor } from "../src/cursor.ts";
import { mount } from "../src/mount.tsx";
import { createMemorySource } from "../src/source/memory.ts";
import type { RecordedRun } from "../src/source/recorded.ts";
import type { FrameData } from "../src/source/source.ts";
import { createStore } from "../src/store.ts";
import { status } from "../test/fakes.ts";

const WARM_UP = 60;
const PANELS = ["activations", "weights", "gradients"] as const;

/** The frames of a recording, as a kernel would send them to these maps. */
function framesOf(run: RecordedRun, maps: Parameters<ReturnType<typeof createMemorySource>["watch"]>[0]) {
  const source = createMemorySource(run);
  const steps = [...new Set(run.planes.map(({ step }) => step))];
  return steps.flatMap((step) => {
    source.watch({ ...maps, step });
    return source.frame.value ?? [];
  });
}

/** Opens the recording on the page as if it ran. `run(n)` shows `n` frames. */
export async function openLive(run: RecordedRun) {
  const running = status({ state: "running", step: 0 });
  const memory = createMemorySource({ ...run, status: running });
  const frame = signal<FrameData | null>(null);
  let frames: readonly FrameData[] = [];
  const source = {
    ...memory,
    frame,
    watch(wanted: Parameters<typeof memory.watch>[0]) {
      if (wanted.maps.length === PANELS.length && frames.length === 0) frames = framesOf(run, wanted);
    },
  };
  const end = new AbortController();
  const store = createStore(source, createCursor(), signal(PANELS), end.signal);
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const unmount = mount(store, el);
  await new Promise((resolve) => setTimeout(resolve, 300));
  let seq = 0;
  /** Milliseconds of script in each of them: what the frame sets going at once, and what is drawn. */
  async function show(n: number): Promise<number[]> {
    const times: number[] = [];
    for (let i = 0; i < n; i++) {
      const next = frames[seq % frames.length];
      if (next === undefined) throw new Error("no frames");
      seq += 1;
      let began = 0;
      // Asked for first: what the browser does to begin a frame of the screen is not ours.
      requestAnimationFrame(() => {
        began = performance.now();
      });
      const received = performance.now();
      frame.value = { ...next, seq, step: seq, newest: true };
      await Promise.resolve();
      const handled = performance.now() - received;
      await new Promise(requestAnimationFrame);
      times.push(handled + performance.now() - began);
    }
    return times;
  }
  await show(WARM_UP);
  const close = () => {
    unmount();
    end.abort();
  };
  return { show, close };
}
