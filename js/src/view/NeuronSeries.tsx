import { useComputed } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { formatLabel, plural } from "../format.ts";
import { linesOf, partOf, SAMPLES } from "../neuron/parts.ts";
import { barAt, drawBars } from "../picture/bars.ts";
import { cellValue } from "../picture/bits.ts";
import { resize } from "../picture/canvas.ts";
import { drawNormLines, type NormLine, normLines, valueAtStep } from "../picture/normLines.ts";
import { namesOf } from "../runs.ts";
import type { PlaneData } from "../source/source.ts";
import { minusWords } from "../words.ts";
import { useView } from "./context.ts";
import { useDrawing, useSize } from "./hooks.ts";

const FONT = 10;

/** What the note says of a neuron with an activation at each of several places. */
export const MEAN = "mean over all places";

function valuesOf(data: PlaneData | null): number[] {
  const { cells, plane } = data ?? { cells: null, plane: null };
  if (cells === null || plane === null) return [];
  return Array.from({ length: plane.cols }, (_, i) => cellValue(cells, i));
}

/** The neuron's activation for each sample; a press on a bar selects its sample. */
export function NeuronSamples() {
  const { store, theme } = useView();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const told = useComputed(() => partOf(store.told.value, SAMPLES)?.plane ?? null).value;
  const count = told?.col_axes[0]?.size ?? 1;
  const known = told !== null && told.missing === null;
  const samples = plural(count, "sample");
  const minus = told !== null && minusWords(told, namesOf(store));
  useDrawing(() => {
    const data = partOf(store.frame.value, SAMPLES);
    const labels = store.frame.value?.labels ?? [];
    const selected = store.cursor.sample.value;
    const colors = theme.value;
    if (canvas.current === null || size.width === 0 || data === null) return;
    const pooled = data.plane.cols < data.plane.full_cols;
    resize(canvas.current, size.width, size.height, size.pixelRatio);
    const font = `${FONT * size.pixelRatio}px ${colors.font}`;
    const place = pooled ? Math.floor(selected / data.plane.col_factor) : selected;
    const bars = { values: valuesOf(data), selected: place, labels: pooled ? [] : labels, font };
    drawBars(canvas.current, bars, colors, size.pixelRatio);
  });
  const pick = (event: PointerEvent) => {
    if (event.buttons !== 1 || !(event.currentTarget instanceof Element)) return;
    const bounds = event.currentTarget.getBoundingClientRect();
    store.cursor.move({ sample: barAt(event.clientX - bounds.left, bounds.width, count) });
  };
  return (
    <section class="nnv-neuron-samples" hidden={!known}>
      <h4>
        {[
          told?.note?.startsWith(MEAN) ? "Mean activation" : "Activation",
          `on ${samples}${(told?.other ?? null) === null ? "" : ","}`,
          minus,
        ]
          .filter(Boolean)
          .join(" ")}
      </h4>
      <div class="nnv-bars" ref={box} onPointerDown={pick} onPointerMove={pick}>
        <canvas ref={canvas} role="img" aria-label={`activation for each of ${samples}`} />
      </div>
    </section>
  );
}

/** A short piece of a line, to tell it from the others without its colour. */
export function Swatch({ color, dash }: Pick<NormLine, "color" | "dash">) {
  return (
    <svg class="nnv-swatch" viewBox="0 0 16 6" aria-hidden="true">
      <path
        d="M0 3H16"
        stroke={`var(--nnv-${color})`}
        stroke-width="1.5"
        stroke-linecap="round"
        stroke-dasharray={dash.join(" ")}
      />
    </svg>
  );
}

function Legend({ lines }: { lines: readonly NormLine[] }) {
  const { store } = useView();
  const step = store.shownStep.value;
  return (
    <p class="nnv-neuron-legend" title="Each line has its own scale; those of the norms are logarithmic">
      {lines.map(({ line, name, color, dash }) => {
        const value = valueAtStep(line, step);
        return (
          <span key={name}>
            <Swatch color={color} dash={dash} /> {name}{" "}
            <b>{value === null ? "\u2026" : formatLabel(value)}</b>
          </span>
        );
      })}
      <span>each on its own scale</span>
    </p>
  );
}

/** Norms of the neuron's weights and gradients and its mean activation, over the steps. */
export function NeuronLines() {
  const { store, theme } = useView();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const held = useMemo(() => linesOf(store.told), [store]);
  const lines = useComputed(() => normLines(held.value)).value;
  useDrawing(() => {
    const now = normLines(held.value);
    const steps = store.steps.value;
    const shown = store.shownStep.value;
    const colors = theme.value;
    if (canvas.current === null || size.width === 0) return;
    resize(canvas.current, size.width, size.height, size.pixelRatio);
    drawNormLines(canvas.current, now, steps, shown, colors, size.pixelRatio);
  });
  return (
    <section class="nnv-neuron-lines" hidden={lines.length === 0}>
      <h4>Over the steps</h4>
      <div class="nnv-norms" ref={box}>
        <canvas
          ref={canvas}
          role="img"
          aria-label="norms of the neuron's weights and gradients over the steps"
        />
      </div>
      <Legend lines={lines} />
    </section>
  );
}
