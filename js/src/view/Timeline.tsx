import { computed, type ReadonlySignal, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { treeOf } from "../branches.ts";
import { comesLater } from "../later.ts";
import { resize } from "../picture/canvas.ts";
import { xOf } from "../picture/lines.ts";
import { type Plot, plotOf } from "../picture/plot.ts";
import { drawPlot, frameOf } from "../picture/timeline.ts";
import type { Event as Mark } from "../protocol.gen.ts";
import type { SeriesData } from "../source/source.ts";
import { BranchEnds } from "./BranchEnds.tsx";
import { useView } from "./context.ts";
import { type Size, useDrawing, useSize } from "./hooks.ts";
import { moveStep } from "./keys.ts";

/** The share of the box's width at which a step lies. */
function placeOf(step: number, plot: Plot, size: Size): number {
  const frame = frameOf(plot, size.width, size.height, size.pixelRatio);
  return xOf(step, frame, plot) / size.width;
}

function stepAt(event: PointerEvent, plot: Plot, size: Size): number {
  const bounds = event.currentTarget instanceof Element ? event.currentTarget.getBoundingClientRect() : null;
  if (bounds === null) return 0;
  const frame = frameOf(plot, size.width, size.height, size.pixelRatio);
  const x = ((event.clientX - bounds.left) / bounds.width) * size.width;
  const [from, to] = plot.x;
  return from + ((x - frame.left) / (frame.right - frame.left)) * (to - from);
}

function Marks({ marks, plot, size }: { marks: readonly Mark[]; plot: Plot; size: Size }) {
  const words = ({ step, text }: Mark): string => (text.startsWith("step") ? text : `step ${step}: ${text}`);
  return marks.map((mark) => (
    <i
      key={`${mark.step} ${mark.name} ${mark.text}`}
      class={`nnv-mark nnv-at-${mark.name}`}
      role="img"
      aria-label={words(mark)}
      title={words(mark)}
      style={{ left: `${placeOf(mark.step, plot, size) * 100}%` }}
    />
  ));
}

function CursorMark({ plot, size }: { plot: Plot; size: Size }) {
  const { store } = useView();
  const [first, last] = store.steps.value;
  const step = store.shownStep.value;
  const keys: Record<string, number> = {
    ArrowLeft: step - 1,
    ArrowDown: step - 1,
    ArrowRight: step + 1,
    ArrowUp: step + 1,
    PageDown: step - 10,
    PageUp: step + 10,
    Home: first,
    End: last,
  };
  return (
    <div
      class="nnv-cursor"
      role="slider"
      tabIndex={0}
      aria-label="step"
      aria-valuemin={first}
      aria-valuemax={last}
      aria-valuenow={step}
      style={{ left: `${placeOf(step, plot, size) * 100}%` }}
      onKeyDown={(event) => {
        const to = keys[event.key];
        if (to === undefined) return;
        event.preventDefault();
        moveStep(store, to);
      }}
    />
  );
}

const LATER = "loss and metrics appear when the cell has ended";
const NOTHING: SeriesData = { firstStep: 0, lastStep: 0, lines: [], events: [], health: [] };

/** The same object while it says the same. */
function sameWhile<T>(now: ReadonlySignal<T>): ReadonlySignal<T> {
  let last = now.peek();
  return computed(() => {
    if (JSON.stringify(now.value) !== JSON.stringify(last)) last = now.value;
    return last;
  });
}

/** What the timeline shows; made anew with a new series, not with each status. */
function usePlot(): ReadonlySignal<Plot> {
  const { source, branch, beside } = useView().store;
  return useMemo(() => {
    const debugging = sameWhile(computed(() => source.status.value?.debugging));
    const total = computed(() => source.status.value?.total_steps ?? null);
    const each = computed(() => source.status.value?.steps_per_epoch ?? null);
    const epochs = computed(() => source.status.value?.epochs ?? 0);
    const later = computed(() => comesLater(source.status.value));
    return computed(() => {
      const series = source.series.value;
      const length = { total_steps: total.value, steps_per_epoch: each.value, epochs: epochs.value };
      const plot = plotOf(treeOf(series ?? NOTHING, debugging.value, branch.value, beside.value), length);
      return later.value && series === null ? { ...plot, missing: LATER } : plot;
    });
  }, [source, branch, beside]);
}

/** Loss and metrics over the whole run; drag to go to a step. */
export function Timeline() {
  const { store, theme } = useView();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const { source } = store;
  const plot = usePlot();
  const held = useSignal<readonly string[]>([]);
  useDrawing(() => {
    const now = plot.value;
    const colors = theme.value;
    if (canvas.current === null || size.width === 0) return;
    resize(canvas.current, size.width, size.height, size.pixelRatio);
    drawPlot(canvas.current, now, colors, colors.font, size.pixelRatio, held.value);
  });
  const drag = (event: PointerEvent) => {
    if (event.buttons !== 1 || size.width === 0) return;
    if (event.type === "pointerdown" && event.currentTarget instanceof Element) {
      event.currentTarget.setPointerCapture(event.pointerId);
    }
    moveStep(store, stepAt(event, plot.peek(), size));
  };
  const marks = (source.series.value?.events ?? []).filter(({ name }) => name !== "epoch");
  return (
    <div class="nnv-timeline" ref={box} onPointerDown={drag} onPointerMove={drag}>
      <canvas ref={canvas} />
      {size.width > 0 && (
        <>
          <Marks marks={marks} plot={plot.value} size={size} />
          <CursorMark plot={plot.value} size={size} />
          <BranchEnds plot={plot.value} size={size} held={held} />
        </>
      )}
    </div>
  );
}
