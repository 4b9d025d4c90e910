/** Telling the source what is on screen. */

import { computed, effect, type ReadonlySignal } from "@preact/signals";
import type { Choices } from "./choices.ts";
import type { Cursor } from "./cursor.ts";
import type { Kind, MapRequest, Order, Watch } from "./protocol.gen.ts";
import type { Selection } from "./selection.ts";
import { drawnMaps, type ShownFrames } from "./shown.ts";
import type { FrameSource, Wanted } from "./source/source.ts";
import type { Zoom } from "./zoom.ts";

interface Asked {
  readonly requests: ReadonlySignal<readonly MapRequest[]>;
  readonly choices: Choices;
  readonly zoom: Zoom;
  readonly selection: Selection;
  readonly shown: ShownFrames;
  readonly cursor: Cursor;
  readonly order: ReadonlySignal<Order | null>;
  readonly compare: ReadonlySignal<number | null>;
  readonly run: ReadonlySignal<Watch["run"]>;
  readonly branch: ReadonlySignal<string | null>;
  readonly beside: ReadonlySignal<string | null>;
}

/**
 * The selected cells of the maps, whose values come with each frame while it runs: to ask for them all the time would
 * cost more than the frames. At rest the readout asks for a value by itself, and the cells stay as they were.
 */
function cellsToRead(source: FrameSource, { selection, shown }: Asked) {
  const running = computed(() => source.status.value?.state === "running");
  let last = new Map<Kind, MapRequest["cell"]>();
  return computed(() => {
    if (running.value)
      last = new Map(
        drawnMaps(shown.told.value).map(({ plane }) => [plane.tensor, selection.selectedIn(plane)]),
      );
    return last;
  });
}

/** The requests of the views with all that was chosen. */
function mapsOf(source: FrameSource, asked: Asked): ReadonlySignal<readonly MapRequest[]> {
  const { requests, choices, zoom } = asked;
  const cells = cellsToRead(source, asked);
  const chosen = computed(() =>
    requests.value.map((map) => ({
      ...choices.applyTo(map),
      window: map.part === "map" ? zoom.windowOf(map.tensor) : null,
    })),
  );
  return computed(() =>
    chosen.value.map((map) =>
      map.part === "map" ? { ...map, cell: cells.value.get(map.tensor) ?? null } : map,
    ),
  );
}

/** Tells the source what is on screen, once for all that changes together. Returns how to stop. */
export function watchWhatIsSeen(source: FrameSource, asked: Asked): () => void {
  const { shown, cursor, order, compare, run } = asked;
  const branches = () => ({ branch: asked.branch.value, beside: asked.beside.value });
  const maps = mapsOf(source, asked);
  let wanted: Wanted | null = null;
  return effect(() => {
    const entry = shown.layer.value;
    const step = cursor.follow.value ? -1 : Math.max(0, cursor.step.value);
    const sample = Math.max(0, Math.min(cursor.sample.value, (entry?.n_samples ?? 1) - 1));
    // Only the neuron panel draws another picture for another neuron: the maps are not asked for again.
    const ofOne = maps.value.some(({ part }) => part !== "map");
    const neuron = ofOne ? Math.max(0, Math.min(cursor.neuron.value, (entry?.n_neurons ?? 1) - 1)) : 0;
    const how = { order: order.value, compare: compare.value, run: run.value, neuron, ...branches() };
    const next = entry === null ? null : { layer: entry.path, step, sample, maps: maps.value, ...how };
    const scheduled = wanted !== null;
    wanted = next;
    if (scheduled || next === null) return;
    queueMicrotask(() => {
      if (wanted !== null) source.watch(wanted);
      wanted = null;
    });
  });
}
