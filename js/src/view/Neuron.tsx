import { computed, type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { afterKey } from "../cell.ts";
import { formatValue, trueMinus } from "../format.ts";
import { sampleWords } from "../labels.ts";
import { firstDrawn, type Looked, lookedAt, placeLine, valueAt } from "../neuron/look.ts";
import { keyOf, type PartName, PICTURES, partOf, preActivation, SAMPLES } from "../neuron/parts.ts";
import type { Plane } from "../protocol.gen.ts";
import { mapRequest } from "../requests.ts";
import { namesOf } from "../runs.ts";
import type { FrameData, PlaneData } from "../source/source.ts";
import { minusWords, pooledWords } from "../words.ts";
import { useView } from "./context.ts";
import { type Size, useSize, useVisible } from "./hooks.ts";
import { NeuronPart, selectInput, TALL, useSelectedInput } from "./NeuronPart.tsx";
import { MEAN, NeuronLines, NeuronSamples } from "./NeuronSeries.tsx";

/** From this width on four pictures stand side by side. CSS pixels. */
const MANY = 440;

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

/** What a picture is of. */
function nameOf(name: PartName, plane: Plane, frame: FrameData): string {
  switch (keyOf(name)) {
    case "weights incoming":
      return plane.row_axes[0]?.name === "variable" ? "its weights" : "incoming weights";
    case "gradients incoming":
      return "their gradients";
    case "activations input":
      return `${plane.note === null ? "" : `${plane.note}, `}${sampleWords(frame.sample, frame.labels)}`;
    case "weights product":
      return plane.row_axes.length === 0 && plane.col_axes[0]?.name === "place"
        ? "looked up"
        : "weight \u00d7 input";
    default:
      return "its output";
  }
}

/** What is under a picture. */
function captionOf(name: PartName, { plane }: PlaneData, frame: FrameData, runs: readonly string[]): string {
  const words = [nameOf(name, plane, frame), pooledWords(plane).join(" "), minusWords(plane, runs)];
  return words.filter((each) => each !== "").join(", ");
}

function PlaceLine({ looked }: { looked: Signal<Looked | null> }) {
  const { store } = useView();
  const selected = useSelectedInput();
  const words = useComputed(() =>
    placeLine(store.told.value, lookedAt(store.told.value, looked.value, selected.value)),
  ).value;
  if (useComputed(() => firstDrawn(store.told.value) === null).value) return null;
  return (
    <p class="nnv-facet-place">
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
  // Another step's is taken off.
  if (data.plane.compared !== null) return null;
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
    const bias = told.bias === null ? "" : ` + bias ${number(told.bias)}`;
    const activation = activationOf(store.told.value);
    return {
      sum: `${number(told.weighted)}${bias}`,
      total: number(total),
      activation: activation === null ? null : number(activation),
      equals: told.rounded ? "\u2248" : "=",
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
      sum {words.sum} {words.equals} <b>{words.total}</b>
      {words.activation !== null && (
        <>
          , activation <b>{words.activation}</b>
        </>
      )}
    </p>
  );
}

/** Each text once, and those that begin alike up to a colon as one. */
function joinAlike(texts: readonly string[]): string[] {
  const groups = new Map<string, Set<string>>();
  for (const text of texts) {
    const colon = text.indexOf(": ");
    const head = colon < 0 ? text : text.slice(0, colon + 2);
    groups.set(head, (groups.get(head) ?? new Set()).add(text.slice(head.length)));
  }
  return [...groups].map(([head, rests]) => head + [...rests].join(", "));
}

/** What a reader must know of the parts, and why one has no picture, each once. */
function Remarks() {
  const { store } = useView();
  const remarks = useComputed(() => {
    const found = [...PICTURES, SAMPLES].flatMap((name) => {
      const { note = null, missing = null } = partOf(store.told.value, name)?.plane ?? {};
      // That of the input is in its caption, and that of a mean in its heading.
      const notes = name.part === "input" ? [] : (note ?? "").split("; ");
      return [...notes.filter((each) => each !== MEAN), name === SAMPLES ? "" : (missing ?? "")];
    });
    return joinAlike(found.filter((remark) => remark !== "")).join("\n");
  }).value;
  return <>{remarks.split("\n").map((remark) => remark && <p key={remark}>{remark}</p>)}</>;
}

interface CaptionedProps {
  readonly name: PartName;
  readonly looked: Signal<Looked | null>;
  readonly size: Size;
  readonly columns: number;
}

/** A picture with what is under it, where there is one. */
function Captioned({ name, looked, size, columns }: CaptionedProps) {
  const { store } = useView();
  const caption = useMemo(
    () =>
      computed(() => {
        const frame = store.told.value;
        const data = partOf(frame, name);
        return frame === null || data === null || data.cells === null
          ? null
          : captionOf(name, data, frame, namesOf(store));
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
      columns={columns}
    />
  );
}

/** One tab stop for all pictures: keys move the place that is looked at, Enter selects it in the maps. */
function usePlaceKeys(looked: Signal<Looked | null>): (event: KeyboardEvent) => void {
  const { store } = useView();
  const selected = useSelectedInput();
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const frame = store.frame.peek();
    const plane = firstDrawn(frame);
    if (plane === null) return;
    const middle = { row: Math.floor(plane.full_rows / 2), column: Math.floor(plane.full_cols / 2) };
    const now = lookedAt(frame, looked.peek(), selected.peek()) ?? { plane, place: middle };
    if (event.key === "Enter") selectInput(store, now);
    const place = event.key === "Enter" ? now.place : afterKey(now.plane, now.place, event.key);
    if (place === null) return;
    event.preventDefault();
    looked.value = { plane: now.plane, place };
    store.spoken.value = placeLine(frame, looked.peek()).join(", ");
  };
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
  const columns = size.width < MANY * size.pixelRatio ? 2 : 4;
  const onKeyDown = usePlaceKeys(looked);
  const layer = store.layer.value;
  const neuron = Math.min(store.cursor.neuron.value, Math.max((layer?.n_neurons ?? 1) - 1, 0));
  const waits = useComputed(() => (store.told.value?.neuron ?? null) === null).value;
  return (
    <section class="nnv-neuron" aria-label="Neuron" ref={section}>
      <h3>{layer === null ? "Neuron" : `Neuron ${neuron} of ${layer.path}`}</h3>
      <div
        class={waits ? "nnv-facets nnv-stale" : "nnv-facets"}
        ref={pictures}
        style={{ "--nnv-facets": String(columns) }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keys
        tabIndex={0}
        role="application"
        aria-roledescription="pictures"
        aria-label={`what neuron ${neuron} is made of`}
        onKeyDown={onKeyDown}
        onBlur={() => {
          looked.value = null;
        }}
      >
        {PICTURES.map((name) => (
          <Captioned key={keyOf(name)} name={name} looked={looked} size={size} columns={columns} />
        ))}
      </div>
      <div class="nnv-neuron-words">
        <Sum />
        <PlaceLine looked={looked} />
        <Remarks />
      </div>
      <NeuronSamples />
      <NeuronLines />
    </section>
  );
}
