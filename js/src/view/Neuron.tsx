import { computed, type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { formatValue, trueMinus } from "../format.ts";
import { sampleWords } from "../labels.ts";
import { type PartName, PICTURES, partOf, preActivation, SAMPLES } from "../neuron/parts.ts";
import { namedIndices, placeOfInput, placeWords, sameCells } from "../neuron/place.ts";
import { cellValue } from "../picture/bits.ts";
import { cellAt, sidesOf } from "../picture/side.ts";
import type { Plane } from "../protocol.gen.ts";
import { mapRequest } from "../requests.ts";
import type { FrameData, PlaneData } from "../source/source.ts";
import { pooledWords } from "../words.ts";
import { useView } from "./context.ts";
import { type Size, useSize, useVisible } from "./hooks.ts";
import { type Looked, NeuronPart, TALL, useSelectedInput } from "./NeuronPart.tsx";
import { NeuronLines, NeuronSamples } from "./NeuronSeries.tsx";

/** Asks for all parts while the panel is on screen. */
function useParts(size: Size, visible: boolean): void {
  const { store } = useView();
  const views = useMemo(() => [...PICTURES, SAMPLES].map((name) => ({ name, view: {} })), []);
  useEffect(() => {
    const rows = Math.round(TALL * size.pixelRatio);
    for (const { name, view } of views) {
      const shown = visible && size.width > 0;
      const { tensor, part } = name;
      store.requests.set(view, shown ? mapRequest(tensor, rows, size.width, { part }) : null);
    }
  }, [store, views, size.width, size.pixelRatio, visible]);
  useEffect(
    () => () => {
      for (const { view } of views) store.requests.set(view, null);
    },
    [store, views],
  );
}

const SHORT: Record<string, string> = {
  "weights incoming": "weight",
  "gradients incoming": "gradient",
  "activations input": "input",
  "weights product": "product",
  "activations output": "output",
};

const keyOf = ({ tensor, part }: PartName): string => `${tensor} ${part}`;

/** What is under a picture. */
function captionOf(name: PartName, data: PlaneData, frame: FrameData): string {
  const { plane } = data;
  const words = pooledWords(plane);
  const pooled = words.length === 0 ? "" : `, ${words.join(" ")}`;
  switch (keyOf(name)) {
    case "weights incoming":
      return `${plane.row_axes[0]?.name === "gate" ? "gates of the incoming weights" : "incoming weights"}${pooled}`;
    case "gradients incoming":
      return `their gradients${pooled}`;
    case "activations input":
      return `${plane.note === null ? "" : `${plane.note}, `}${sampleWords(frame.sample, frame.labels)}${pooled}`;
    case "weights product":
      return `${plane.row_axes.length === 0 && plane.col_axes[0]?.name === "place" ? "looked up" : "weight \u00d7 input"}${pooled}`;
    default:
      return `its output${pooled}`;
  }
}

function valueAt({ plane, cells }: PlaneData, row: number, column: number): number | null {
  if (cells === null) return null;
  const { rows, cols } = sidesOf(plane);
  return cellValue(cells, cellAt(rows, row) * plane.cols + cellAt(cols, column));
}

/** The place that is looked at and the values of all parts there; what the weights map selects, if nothing is. */
function placeLine(frame: FrameData | null, looked: Looked | null, input: number | null): string[] {
  const all = PICTURES.map((name) => ({ name, data: partOf(frame, name) }));
  const first = all.find(({ data }) => data !== null && data.cells !== null)?.data?.plane;
  const at = looked ?? (first === undefined || input === null ? null : selectedIn(first, input));
  if (at === null || namedIndices(at.plane, at.place) === null) return [];
  const { row, column } = at.place;
  const values = all.flatMap(({ name, data }) => {
    if (data === null || !sameCells(data.plane, at.plane)) return [];
    const value = valueAt(data, row, column);
    return value === null ? [] : [`${SHORT[keyOf(name)]} ${trueMinus(formatValue(value))}`];
  });
  return [...placeWords(at.plane, at.place), ...values];
}

function selectedIn(plane: Plane, input: number): Looked | null {
  const place = placeOfInput(plane, input);
  return place === null ? null : { plane, place };
}

function PlaceLine({ looked }: { looked: Signal<Looked | null> }) {
  const { store } = useView();
  const selected = useSelectedInput();
  const words = useComputed(() => placeLine(store.told.value, looked.value, selected.value)).value;
  return (
    <p class="nnv-part-place">
      {words.length === 0 && "point at a picture for the values there"}
      {words.map((each) => {
        const space = each.indexOf(" ");
        return (
          <span key={each}>
            {each.slice(0, space)} <b>{each.slice(space + 1)}</b>
          </span>
        );
      })}
    </p>
  );
}

/** The activation of the frame's sample, if the frame has that of each sample. */
function activationOf(frame: FrameData | null): number | null {
  const data = partOf(frame, SAMPLES);
  if (frame === null || data === null || data.plane.cols < data.plane.full_cols) return null;
  return valueAt(data, 0, Math.min(frame.sample, data.plane.cols - 1));
}

/** How the neuron comes to its activation, in numbers. */
function Sum() {
  const { store } = useView();
  const words = useComputed(() => {
    const told = store.told.value?.neuron ?? null;
    const total = told === null ? null : preActivation(told);
    if (told === null || told.weighted === null || total === null) return null;
    const number = (value: number) => trueMinus(formatValue(value));
    const bias =
      told.bias === null ? "" : ` ${told.bias < 0 ? "\u2212" : "+"} bias ${number(Math.abs(told.bias))}`;
    const activation = activationOf(store.told.value);
    return {
      sum: `${number(told.weighted)}${bias}`,
      total: number(total),
      activation: activation === null ? null : number(activation),
      step: told.weightsStep === store.told.value?.step ? null : told.weightsStep,
    };
  }).value;
  if (words === null) return null;
  return (
    <p
      class="nnv-neuron-sum"
      title={
        words.step === null
          ? undefined
          : `with the weights of step ${words.step}, which computed this activation`
      }
    >
      sum {words.sum} = <b>{words.total}</b>
      {words.activation !== null && (
        <>
          , activation <b>{words.activation}</b>
        </>
      )}
    </p>
  );
}

/** Why a part has no picture, each reason once. */
function Reasons() {
  const { store } = useView();
  const reasons = useComputed(() => {
    const found = PICTURES.map((name) => partOf(store.told.value, name)?.missing ?? "");
    return [...new Set(found.filter((reason) => reason !== ""))].join("\n");
  }).value;
  return <>{reasons.split("\n").map((reason) => reason && <p key={reason}>{reason}</p>)}</>;
}

interface CaptionedProps {
  readonly name: PartName;
  readonly looked: Signal<Looked | null>;
  readonly size: Size;
}

/** A picture with what is under it, where there is one. */
function Captioned({ name, looked, size }: CaptionedProps) {
  const { store } = useView();
  const caption = useMemo(
    () =>
      computed(() => {
        const frame = store.told.value;
        const data = partOf(frame, name);
        return frame === null || data === null || data.cells === null ? null : captionOf(name, data, frame);
      }),
    [store, name],
  ).value;
  if (caption === null) return null;
  return (
    <NeuronPart
      name={name}
      caption={caption}
      looked={looked}
      width={size.width}
      pixelRatio={size.pixelRatio}
    />
  );
}

/** What the selected neuron is made of. */
export function Neuron() {
  const { store } = useView();
  const section = useRef<HTMLElement>(null);
  const pictures = useRef<HTMLDivElement>(null);
  const size = useSize(pictures);
  const visible = useVisible(section);
  const looked = useSignal<Looked | null>(null);
  useParts(size, visible);
  const layer = store.layer.value;
  const neuron = Math.min(store.cursor.neuron.value, Math.max((layer?.n_neurons ?? 1) - 1, 0));
  const guess = useComputed(
    () => partOf(store.told.value, { tensor: "weights", part: "incoming" })?.plane.note,
  ).value;
  const waits = useComputed(() => (store.told.value?.neuron ?? null) === null).value;
  return (
    <section class="nnv-neuron" aria-label="Neuron" ref={section}>
      <h3>{layer === null ? "Neuron" : `Neuron ${neuron} of ${layer.path}`}</h3>
      <div class={waits ? "nnv-parts nnv-stale" : "nnv-parts"} ref={pictures}>
        {PICTURES.map((name) => (
          <Captioned key={keyOf(name)} name={name} looked={looked} size={size} />
        ))}
      </div>
      <div class="nnv-neuron-words">
        <Sum />
        <PlaceLine looked={looked} />
        {guess && <p>{guess}</p>}
        <Reasons />
      </div>
      <NeuronSamples />
      <NeuronLines />
    </section>
  );
}
