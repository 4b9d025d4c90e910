/** Which of the source's frames is shown, which one words tell of, and at which step that is. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { branchOf, followedOf, isCurrent } from "./branches.ts";
import type { Cursor } from "./cursor.ts";
import { paced } from "./paced.ts";
import type { Kind, LayerEntry } from "./protocol.gen.ts";
import type { FrameData, FrameSource, PlaneData } from "./source/source.ts";
import { minusWords } from "./words.ts";

export interface ShownFrames {
  readonly layer: ReadonlySignal<LayerEntry | null>;
  /** The newest frame of the selected layer. */
  readonly frame: ReadonlySignal<FrameData | null>;
  /** The frame that words tell of: the newest one, or while it runs one of a moment ago. */
  readonly told: ReadonlySignal<FrameData | null>;
  /** What counts and histograms tell of: a moment behind also at rest, so that a slider that is dragged does not wait. */
  readonly counted: ReadonlySignal<FrameData | null>;
  /** The steps that a slider may reach. */
  readonly steps: ReadonlySignal<readonly [number, number]>;
  /** The step of who follows: of a session that went back the one at which it stands. */
  readonly newest: ReadonlySignal<number>;
  readonly shownStep: ReadonlySignal<number>;
}

export const planeOf = (frame: FrameData | null, tensor: Kind): PlaneData | null =>
  frame?.planes.find(({ plane }) => plane.tensor === tensor && plane.part === "map") ?? null;

/** The whole tensors of a frame that are drawn, without the parts of one neuron. */
export const drawnMaps = (frame: FrameData | null): PlaneData[] =>
  (frame?.planes ?? []).filter(({ plane, cells }) => cells !== null && plane.part === "map");

const views = new WeakMap<FrameData, string>();

/** What a frame shows, whatever the step. */
function viewOf(frame: FrameData): string {
  const known = views.get(frame);
  if (known !== undefined) return known;
  const { layer, sample, newest, planes } = frame;
  const drawn = planes.map(({ plane }) => {
    const { tensor, variable, output, further, row_start, col_start } = plane;
    return [tensor, variable, output, further, row_start, col_start, minusWords(plane)];
  });
  const view = JSON.stringify([layer, sample, newest, drawn]);
  views.set(frame, view);
  return view;
}

/** Whether two frames show the same thing at two steps. */
function sameView(a: FrameData | null, b: FrameData | null): boolean {
  return a !== null && b !== null && viewOf(a) === viewOf(b);
}

export function createShownFrames(
  source: FrameSource,
  cursor: Cursor,
  branch: ReadonlySignal<string | null>,
  beside: ReadonlySignal<string | null>,
  abort: AbortSignal,
): ShownFrames {
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
    const debugging = status.value?.debugging;
    const shown = branchOf(debugging, branch.value);
    const followed = followedOf(debugging, branch.value, beside.value);
    const here = isCurrent(status.value, followed) ? (status.value?.step ?? series.value?.lastStep ?? 0) : 0;
    const other = beside.value === null ? null : branchOf(debugging, beside.value);
    const ends = [shown, other].map((each) => each?.last_step ?? 0);
    // A frame may be ahead of the status, which comes only a few times a second.
    return [first, Math.max(first, here, ...ends, drawnStep.value ?? 0)];
  });
  const newest = computed(() => {
    const { status } = source;
    const [first, last] = steps.value;
    const followed = followedOf(status.value?.debugging, branch.value, beside.value);
    if (status.value === null || followed === null) return last;
    if (!isCurrent(status.value, followed)) return beside.value === null ? last : followed.last_step;
    const stands = status.value.debugging?.refused ?? status.value.step;
    if (stands < followed.last_step) return Math.max(first, stands);
    return beside.value === null ? last : Math.max(followed.last_step, stands);
  });
  const shownStep = computed(() => {
    const [first, last] = steps.value;
    // Of two branches one may not have the step: then its picture is of another, which moves nothing.
    const drawn = beside.value === null ? drawnStep.value : Math.max(drawnStep.value ?? 0, newest.value);
    const step = cursor.follow.value ? (drawn ?? newest.value) : cursor.step.value;
    return Math.min(Math.max(step, first), last);
  });
  return { layer, frame, told, counted, steps, newest, shownStep };
}
