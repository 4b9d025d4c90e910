/** Tells a screen reader the values under the cursor, after something moved it and once they are known. */

import { computed, effect, type ReadonlySignal } from "@preact/signals";
import { PACE_MS } from "../paced.ts";
import type { Kind } from "../protocol.gen.ts";
import type { Reading } from "../readout.ts";
import type { Store } from "../store.ts";
import { readoutParts } from "./Readout.tsx";

/** Where the cursor is, but for the newest step, which moves by itself. */
function placeOf({ cursor }: Store): string {
  const step = cursor.follow.value ? "newest" : cursor.step.value;
  return JSON.stringify([cursor.layer.value, step, cursor.neuron.value, cursor.sample.value]);
}

/** Whether the frame is of the sample that the cursor is at. */
function isOfSample({ told, layer, cursor }: Store): boolean {
  const last = (layer.value?.n_samples ?? 1) - 1;
  return told.value?.sample === Math.max(0, Math.min(cursor.sample.value, last));
}

/**
 * What is said after a move of the cursor stays true: at rest it follows the values, while it runs it is said once after
 * each move. It waits until the cursor rests, so that a slider that is dragged is heard once.
 *
 * Returns how to say that a key moved the cell within one map: then that map alone is told of.
 */
export function createAnnouncer(
  store: Store,
  readings: ReadonlySignal<readonly Reading[]>,
  abort: AbortSignal,
): (tensor: Kind) => void {
  const running = computed(() => store.source.status.value?.state === "running");
  const words = computed(() => {
    const tensor = store.spokenOf.value;
    const told = readings.value.filter((each) => tensor === null || each.tensor === tensor);
    const unknown = told.length === 0 || told.some(({ text }) => text === null);
    // What the pointer is over is not where the cursor is.
    if (unknown || store.hover.value !== null || !isOfSample(store)) return null;
    return readoutParts(store, told)
      .map(({ name, text }) => `${name} ${text}`)
      .join(", ");
  });
  let moved = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function say(): void {
    timer = undefined;
    const now = words.peek();
    if (now === null) return;
    moved = false;
    store.spoken.value = now;
  }
  function move(tensor: Kind | null): void {
    moved = true;
    store.spokenOf.value = tensor;
    clearTimeout(timer);
    timer = setTimeout(say, PACE_MS);
  }

  let place: string | null = null;
  const stops = [
    effect(() => {
      // The first layer that is known is where the cursor starts from: nobody moved it there.
      const now = store.layer.value === null ? null : placeOf(store);
      if (place !== null && now !== null && now !== place) move(null);
      place = now ?? place;
    }),
    effect(() => {
      const follows = !running.value && store.spoken.peek() !== "";
      if (words.value !== null && (moved || follows)) timer ??= setTimeout(say, PACE_MS);
    }),
  ];
  abort.addEventListener("abort", () => {
    clearTimeout(timer);
    for (const stop of stops) stop();
  });
  return move;
}
