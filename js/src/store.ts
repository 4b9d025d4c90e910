/** What one widget's views share: the source, the cursor, the scales, the selected cell and one clock for painting. */

import { computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import { columnOf, type FullCell, rowOf, rowsAreSamples } from "./cell.ts";
import { type Choices, createChoices } from "./choices.ts";
import type { Cursor } from "./cursor.ts";
import { type Group, groupOf } from "./group.ts";
import { paced } from "./paced.ts";
import { type Places, placesOf } from "./places.ts";
import type { Kind, LayerEntry, MapRequest, Order, Plane } from "./protocol.gen.ts";
import { createRequests, type Requests } from "./requests.ts";
import { createScales, type Scales } from "./scales.ts";
import type { FrameData, FrameSource, PlaneData, Wanted } from "./source/source.ts";
import { createZoom, type Zoom } from "./zoom.ts";

export { type Group, groupOf } from "./group.ts";

/** A cell of the full picture: the row, and the column within its neuron. -1 is a row nobody chose. */
export interface Cell {
  readonly row: number;
  readonly offset: number;
  /** The name of the row, where rows have names: maps of one group need not have the same of them. */
  readonly name?: string | undefined;
}

/** What the pointer is over. */
export interface Hover {
  readonly group: Group;
  readonly row: number;
  readonly neuron: number;
  readonly offset: number;
  readonly name?: string | undefined;
}

export interface Store {
  readonly source: FrameSource;
  readonly cursor: Cursor;
  readonly panels: ReadonlySignal<readonly string[]>;
  readonly layer: ReadonlySignal<LayerEntry | null>;
  /** The newest frame of the selected layer. */
  readonly frame: ReadonlySignal<FrameData | null>;
  /** The frame that words tell of: the newest one, or while it runs one of a moment ago. */
  readonly told: ReadonlySignal<FrameData | null>;
  /** What counts and histograms tell of: a moment behind also at rest, so that a slider that is dragged does not wait. */
  readonly counted: ReadonlySignal<FrameData | null>;
  /** The steps that a slider may reach. */
  readonly steps: ReadonlySignal<readonly [number, number]>;
  readonly shownStep: ReadonlySignal<number>;
  readonly cells: Record<Group, Signal<Cell>>;
  readonly hover: Signal<Hover | null>;
  readonly choices: Choices;
  readonly scales: Scales;
  readonly zoom: Zoom;
  /** How the neurons of the layer are sorted. */
  readonly order: Signal<Order | null>;
  /** Where each neuron stands in the newest frame. */
  readonly places: ReadonlySignal<Places>;
  /** The step with which the shown one is compared. */
  readonly compare: Signal<number | null>;
  /** Paths of the nested models whose layers are folded away. */
  readonly folded: Signal<ReadonlySet<string>>;
  /** The maps that are shown as tables. */
  readonly tables: Signal<ReadonlySet<Kind>>;
  /** Whether the activations panel shows their gradients instead. */
  readonly outputGradients: Signal<boolean>;
  /** What a screen reader is told. */
  readonly spoken: Signal<string>;
  /** Of which map it is told; `null` for all of them. */
  readonly spokenOf: Signal<Kind | null>;
  readonly requests: Requests;
  /** Draws at the next frame of the screen, together with all others. Returns how to stop. */
  addPainter(paint: () => void): () => void;
  repaint(): void;
}

export const planeOf = (frame: FrameData | null, tensor: Kind): PlaneData | null =>
  frame?.planes.find(({ plane }) => plane.tensor === tensor && plane.part === "map") ?? null;

const views = new WeakMap<FrameData, string>();

/** What a frame shows, whatever the step. */
function viewOf(frame: FrameData): string {
  const known = views.get(frame);
  if (known !== undefined) return known;
  const { layer, sample, newest, planes } = frame;
  const drawn = planes.map(({ plane }) => {
    const { tensor, variable, output, further, row_start, col_start, compared } = plane;
    return [tensor, variable, output, further, row_start, col_start, compared];
  });
  const view = JSON.stringify([layer, sample, newest, drawn]);
  views.set(frame, view);
  return view;
}

/** Whether two frames show the same thing at two steps. */
function sameView(a: FrameData | null, b: FrameData | null): boolean {
  return a !== null && b !== null && viewOf(a) === viewOf(b);
}

/** Runs all painters in one animation frame and then tells the source that its frame is on screen. */
function createClock(source: FrameSource, abort: AbortSignal) {
  const painters = new Set<() => void>();
  let scheduled = 0;
  let paid: FrameData | null = null;

  function tick(): void {
    scheduled = 0;
    for (const paint of painters) paint();
    const frame = source.frame.peek();
    if (frame === null || frame === paid) return;
    paid = frame;
    source.painted(frame.seq);
  }
  function repaint(): void {
    if (scheduled === 0 && !abort.aborted) scheduled = requestAnimationFrame(tick);
  }
  abort.addEventListener("abort", () => cancelAnimationFrame(scheduled));
  return {
    repaint,
    addPainter(paint: () => void): () => void {
      painters.add(paint);
      repaint();
      return () => painters.delete(paint);
    },
  };
}

export function createStore(
  source: FrameSource,
  cursor: Cursor,
  panels: ReadonlySignal<readonly string[]>,
  abort: AbortSignal,
): Store {
  const layer = computed(() => source.layers.value.find(({ path }) => path === cursor.layer.value) ?? null);
  const frame = computed(() => {
    const newest = source.frame.value;
    return newest !== null && newest.layer === cursor.layer.value ? newest : null;
  });
  const told = paced(
    frame,
    (before, now) => source.status.peek()?.state !== "running" || !sameView(before, now),
    abort,
  );
  const counted = paced(frame, (before, now) => !sameView(before, now), abort);
  const drawnStep = computed(() => {
    const drawn = told.value;
    return drawn?.planes.some(({ cells }) => cells !== null) ? drawn.step : null;
  });
  const steps = computed((): readonly [number, number] => {
    const { series, status } = source;
    const first = series.value?.firstStep ?? 0;
    // A frame may be ahead of the status, which comes only a few times a second.
    return [first, Math.max(first, status.value?.step ?? series.value?.lastStep ?? 0, drawnStep.value ?? 0)];
  });
  const shownStep = computed(() => {
    const [first, last] = steps.value;
    const step = cursor.follow.value ? (drawnStep.value ?? last) : cursor.step.value;
    return Math.min(Math.max(step, first), last);
  });
  const order = signal<Order | null>(null);
  const compare = signal<number | null>(null);
  const requests = createRequests();
  const cells = { parameters: signal({ row: -1, offset: 0 }), outputs: signal({ row: -1, offset: 0 }) };
  const choices = createChoices(layer, abort);
  const zoom = createZoom(
    computed(() => JSON.stringify([layer.value?.path, choices.variable.value, choices.output.value])),
    tensorsOfOwnColumns(frame),
  );
  const chosen = computed(() =>
    requests.all.value.map((map) => ({
      ...choices.applyTo(map),
      window: map.part === "map" ? zoom.windowOf(map.tensor) : null,
    })),
  );
  const places = placesIn(frame);
  const maps = withCells(chosen, source, cursor, told, cells, places);
  const clock = createClock(source, abort);

  const stops = [
    effect(() => cursor.setPaths(source.layers.value.map(({ path }) => path))),
    effect(() => {
      if (source.frame.value !== null) clock.repaint();
    }),
    keepInSight(zoom, frame, cursor, cells, places),
    forgetNames(layer, cells),
    watchWhatIsSeen(source, cursor, layer, maps, order, compare),
  ];
  abort.addEventListener("abort", () => {
    for (const stop of stops) stop();
  });

  return {
    source,
    cursor,
    panels,
    layer,
    frame,
    told,
    counted,
    steps,
    shownStep,
    requests,
    cells,
    hover: signal(null),
    choices,
    scales: createScales(),
    zoom,
    order,
    places,
    compare,
    folded: signal<ReadonlySet<string>>(new Set()),
    tables: signal<ReadonlySet<Kind>>(new Set()),
    outputGradients: signal(false),
    spoken: signal(""),
    spokenOf: signal(null),
    addPainter: clock.addPainter,
    repaint: clock.repaint,
  };
}

/**
 * The maps with the selected cells, whose values come with each frame while it runs: to ask for them all the time would
 * cost more than the frames. At rest the readout asks for a value by itself, and the cells stay as they were.
 */
function withCells(
  requests: ReadonlySignal<readonly MapRequest[]>,
  source: FrameSource,
  cursor: Cursor,
  told: ReadonlySignal<FrameData | null>,
  cells: Record<Group, ReadonlySignal<Cell>>,
  places: ReadonlySignal<Places>,
): ReadonlySignal<readonly MapRequest[]> {
  const running = computed(() => source.status.value?.state === "running");
  let last = new Map<Kind, MapRequest["cell"]>();
  const selected = computed(() => {
    if (!running.value) return last;
    const planes = (told.value?.planes ?? []).filter(
      ({ plane, cells: drawn }) => drawn && plane.part === "map",
    );
    last = new Map(planes.map(({ plane }) => [plane.tensor, selectedCell(plane, cursor, cells, places)]));
    return last;
  });
  return computed(() =>
    requests.value.map((map) =>
      map.part === "map" ? { ...map, cell: selected.value.get(map.tensor) ?? null } : map,
    ),
  );
}

function selectedCell(
  plane: Plane,
  cursor: Cursor,
  cells: Record<Group, ReadonlySignal<Cell>>,
  places: ReadonlySignal<Places>,
): FullCell {
  const cell = cells[groupOf(plane.tensor)].value;
  return {
    row: rowOf(plane, cell, cursor.sample.value),
    column: columnOf(plane, places.value.placeOf(cursor.neuron.value), cell.offset),
  };
}

/** Where the neurons stand in the newest frame. The same object while they stand as they do. */
function placesIn(frame: ReadonlySignal<FrameData | null>): ReadonlySignal<Places> {
  let order: Int32Array | null = null;
  let places = placesOf(null);
  return computed(() => {
    const now = frame.value === null ? order : frame.value.order;
    if (String(now) !== String(order)) places = placesOf(now);
    order = now;
    return places;
  });
}

/** Tensors of the newest frame whose columns are not neurons. The same array while they are the same. */
function tensorsOfOwnColumns(frame: ReadonlySignal<FrameData | null>): ReadonlySignal<readonly Kind[]> {
  let last: readonly Kind[] = [];
  return computed(() => {
    const planes = (frame.value?.planes ?? []).filter(({ plane, cells }) => cells && plane.part === "map");
    const now = planes.filter(({ plane }) => plane.neuron_cols === 0).map(({ plane }) => plane.tensor);
    if (now.join() !== last.join()) last = now;
    return last;
  });
}

/** What is zoomed into follows the selected cell, by whatever it is moved. */
function keepInSight(
  zoom: Zoom,
  frame: ReadonlySignal<FrameData | null>,
  cursor: Cursor,
  cells: Record<Group, ReadonlySignal<Cell>>,
  places: ReadonlySignal<Places>,
): () => void {
  return effect(() => {
    const where = { neuron: cursor.neuron.value, sample: cursor.sample.value };
    const chosen = { parameters: cells.parameters.value, outputs: cells.outputs.value };
    untracked(() => {
      for (const { plane, cells: drawn } of frame.value?.planes ?? []) {
        if (drawn === null || plane.part !== "map") continue;
        const cell = chosen[groupOf(plane.tensor)];
        const row = rowsAreSamples(plane) || cell.row >= 0 ? rowOf(plane, cell, where.sample) : null;
        zoom.reveal(plane, row, columnOf(plane, places.value.placeOf(where.neuron), cell.offset));
      }
    });
  });
}

/** Names of rows are of one layer. */
function forgetNames(
  layer: ReadonlySignal<LayerEntry | null>,
  cells: Record<Group, Signal<Cell>>,
): () => void {
  const path = computed(() => layer.value?.path);
  return effect(() => {
    void path.value;
    for (const cell of Object.values(cells)) {
      const { row, offset, name } = cell.peek();
      if (name !== undefined) cell.value = { row, offset };
    }
  });
}

/** Tells the source what is on screen, once for all that changes together. */
function watchWhatIsSeen(
  source: FrameSource,
  cursor: Cursor,
  layer: ReadonlySignal<LayerEntry | null>,
  maps: ReadonlySignal<readonly MapRequest[]>,
  order: ReadonlySignal<Order | null>,
  compare: ReadonlySignal<number | null>,
): () => void {
  let wanted: Wanted | null = null;
  return effect(() => {
    const entry = layer.value;
    const step = cursor.follow.value ? -1 : Math.max(0, cursor.step.value);
    const sample = Math.max(0, Math.min(cursor.sample.value, (entry?.n_samples ?? 1) - 1));
    // Only the neuron panel draws another picture for another neuron: the maps are not asked for again.
    const ofOne = maps.value.some(({ part }) => part !== "map");
    const neuron = ofOne ? Math.max(0, Math.min(cursor.neuron.value, (entry?.n_neurons ?? 1) - 1)) : 0;
    const how = { order: order.value, compare: compare.value, neuron };
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
