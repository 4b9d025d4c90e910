/** What one widget's views share: the source, the cursor, the scales, the selected cell and one clock for painting. */

import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Annex, createAnnex } from "./annex.ts";
import { forgetBranches } from "./branches.ts";
import { type Choices, createChoices } from "./choices.ts";
import { type Clock, createClock } from "./clock.ts";
import type { Cursor } from "./cursor.ts";
import type { Kind, Order, Plan, Watch } from "./protocol.gen.ts";
import { createRequests, type Requests } from "./requests.ts";
import { createScales, type Scales } from "./scales.ts";
import { createSelection, forgetNames, type Hover, keepInSight, type Selection } from "./selection.ts";
import { createShownFrames, drawnMaps, type ShownFrames } from "./shown.ts";
import type { FrameSource } from "./source/source.ts";
import { watchWhatIsSeen } from "./watching.ts";
import { createZoom, type Zoom } from "./zoom.ts";

export { type Group, groupOf } from "./group.ts";
export type { Cell, Hover } from "./selection.ts";
export { planeOf } from "./shown.ts";

export interface Store extends ShownFrames, Selection, Clock {
  readonly source: FrameSource;
  readonly annex: Annex;
  readonly cursor: Cursor;
  readonly panels: ReadonlySignal<readonly string[]>;
  readonly hover: Signal<Hover | null>;
  readonly choices: Choices;
  readonly scales: Scales;
  readonly zoom: Zoom;
  /** How the neurons of the layer are sorted. */
  readonly order: Signal<Order | null>;
  /** The step with which the shown one is compared. */
  readonly compare: Signal<number | null>;
  /** Which of two runs is shown, or their difference. */
  readonly run: Signal<Watch["run"]>;
  /** Of a session with branches the one that is shown; `null` is the current one. */
  readonly branch: Signal<string | null>;
  /** The one that is compared with it. */
  readonly beside: Signal<string | null>;
  /** What is to be known of going back before a person decides; `null` where nobody is asked. */
  readonly plan: Signal<Plan | null>;
  /** Whether the debugger is open. */
  readonly debugging: Signal<boolean>;
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
}

export function createStore(
  source: FrameSource,
  cursor: Cursor,
  panels: ReadonlySignal<readonly string[]>,
  abort: AbortSignal,
): Store {
  const branch = signal<string | null>(null);
  const beside = signal<string | null>(null);
  const shown = createShownFrames(source, cursor, branch, beside, abort);
  const selection = createSelection(shown, cursor);
  const choices = createChoices(shown.layer, abort);
  const zoom = createZoom(
    computed(() => JSON.stringify([shown.layer.value?.path, choices.variable.value, choices.output.value])),
    tensorsOfOwnColumns(shown),
  );
  const requests = createRequests();
  const order = signal<Order | null>(null);
  const compare = signal<number | null>(null);
  const run = signal<Watch["run"]>("first");
  const clock = createClock(source, abort);
  const asked = {
    requests: requests.all,
    choices,
    zoom,
    selection,
    shown,
    cursor,
    order,
    compare,
    run,
    branch,
    beside,
  };

  const stops = [
    effect(() => cursor.setPaths(source.layers.value.map(({ path }) => path))),
    effect(() => {
      if (source.frame.value !== null) clock.repaint();
    }),
    keepInSight(selection, zoom, shown, cursor),
    forgetNames(selection, shown),
    forgetBranches(source.status, branch, beside, run),
    watchWhatIsSeen(source, asked),
  ];
  abort.addEventListener("abort", () => {
    for (const stop of stops) stop();
  });

  return {
    ...shown,
    ...selection,
    ...clock,
    source,
    annex: createAnnex(source.annex, (fault) => source.tell("error", fault)),
    cursor,
    panels,
    hover: signal(null),
    choices,
    scales: createScales(),
    zoom,
    order,
    compare,
    run,
    branch,
    beside,
    plan: signal(null),
    debugging: signal(false),
    folded: signal<ReadonlySet<string>>(new Set()),
    tables: signal<ReadonlySet<Kind>>(new Set()),
    outputGradients: signal(false),
    spoken: signal(""),
    spokenOf: signal(null),
    requests,
  };
}

/** Tensors of the newest frame whose columns are not neurons. The same array while they are the same. */
function tensorsOfOwnColumns({ frame }: ShownFrames): ReadonlySignal<readonly Kind[]> {
  let last: readonly Kind[] = [];
  return computed(() => {
    const own = drawnMaps(frame.value).filter(({ plane }) => plane.neuron_cols === 0);
    const now = own.map(({ plane }) => plane.tensor);
    if (now.join() !== last.join()) last = now;
    return last;
  });
}
