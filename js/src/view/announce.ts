/** Tells a screen reader the value under the cursor, after a key moved it and once the value is known. */

import { effect, type ReadonlySignal, signal } from "@preact/signals";
import type { Kind } from "../protocol.gen.ts";
import type { Reading } from "../readout.ts";
import type { Store } from "../store.ts";
import { readoutParts } from "./Readout.tsx";

export function createAnnouncer(
  store: Store,
  readings: ReadonlySignal<readonly Reading[]>,
  abort: AbortSignal,
): (tensor: Kind) => void {
  const asked = signal<Kind | null>(null);
  const stop = effect(() => {
    const tensor = asked.value;
    const reading = readings.value.find((each) => each.tensor === tensor);
    if (reading === undefined || reading.text === null) return;
    const parts = readoutParts(store, [reading]);
    store.spoken.value = parts.map(({ name, text }) => `${name} ${text}`).join(", ");
    asked.value = null;
  });
  abort.addEventListener("abort", stop);
  return (tensor) => {
    asked.value = tensor;
  };
}
