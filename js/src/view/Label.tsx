import type { ReadonlySignal } from "@preact/signals";
import { Fragment } from "preact";
import { rowsAreSamples } from "../cell.ts";
import { formatLabel, plural, shapeWords } from "../format.ts";
import { groupOf } from "../group.ts";
import { SPECIAL } from "../picture/colors.ts";
import type { Kind, Order, Plane } from "../protocol.gen.ts";
import { namesOf } from "../runs.ts";
import type { PlaneData } from "../source/source.ts";
import { minusParts, orderWords, partWords, pooledWords } from "../words.ts";
import { useView } from "./context.ts";
import { ComplexChoice, OutputChoice, VariableChoice } from "./Variables.tsx";

function Count({ n, name, color }: { n: number; name: string; color: string }) {
  if (n === 0) return null;
  return (
    <span class="nnv-count">
      <i style={{ background: color }} />
      {`${n} ${name}`}
    </span>
  );
}

/** How many values are not finite; leads to the first of them. */
function Bad({ plane }: { plane: Plane }) {
  const { store } = useView();
  const { n_nan, n_posinf, n_neginf } = plane;
  if (n_nan + n_posinf + n_neginf === 0) return null;
  return (
    <button
      type="button"
      class="nnv-counts"
      title="Show the first one; N leads to the next"
      onClick={() => store.annex.use((parts) => parts.showFirstBad(store, plane.tensor))}
    >
      <Count n={n_nan} name="NaN" color={SPECIAL.nan} />
      <Count n={n_posinf} name="+Inf" color={SPECIAL.posinf} />
      <Count n={n_neginf} name={"\u2212Inf"} color={SPECIAL.neginf} />
    </button>
  );
}

/** Which part is shown, and the way back. */
function Zoomed({ plane }: { plane: Plane }) {
  const { store } = useView();
  const words = partWords(plane, store.order.value !== null, true);
  if (words.length === 0) return null;
  return (
    <button
      type="button"
      class="nnv-zoomed"
      title={`Zoomed into ${words.join(", ")}: press, or double-click the picture, to go back`}
      onClick={() => store.zoom.back()}
    >
      {words.map((part) => (
        <span class="nnv-part" key={part}>
          {part}
        </span>
      ))}
      <span class="nnv-part nnv-back">back</span>
    </button>
  );
}

/** Short: of which step the order is, is in the title. */
function Sorted({ order }: { order: Order | null }) {
  if (order === null) return null;
  return <span title={orderWords(order).join(" ")}>{`sorted by ${order.by}`}</span>;
}

/** From the smallest to the greatest finite value of the whole tensor. */
function rangeWords({ low, high }: Plane): string[] {
  if (low === null || high === null) return ["no finite", "values"];
  if (low === high) return [`all ${formatLabel(low)}`];
  return [`${formatLabel(low)} \u2026`, formatLabel(high)];
}

/** Which samples are drawn. */
export function sampleWords(plane: Plane, sample: number): string[] {
  if (groupOf(plane.tensor) === "parameters") return [];
  if (rowsAreSamples(plane)) return [plural(plane.full_rows, "sample"), "of this batch"];
  return plane.axes.includes("sample") ? [`sample ${sample}`] : [];
}

function Choice({ gradients, text }: { gradients: boolean; text: string }) {
  const shown = useView().store.outputGradients;
  return (
    <button
      type="button"
      class="nnv-choice"
      aria-pressed={shown.value === gradients}
      onClick={() => {
        shown.value = gradients;
      }}
    >
      {text}
    </button>
  );
}

/** The activations themselves, or the gradient of the loss with respect to them. */
function Switch() {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw itself
    <div class="nnv-switch" role="group" aria-label="activations or their gradients">
      <Choice gradients={false} text="values" />
      <Choice gradients text="gradients" />
    </div>
  );
}

interface LineProps {
  /** Each is a number or a few words that are never broken. */
  readonly parts: readonly string[];
  /** Whether a narrow place does with the first of them. */
  readonly short?: boolean;
}

function Line({ parts, short = false }: LineProps) {
  if (parts.length === 0) return null;
  return (
    <span title={parts.join(" ")} class={short ? "nnv-short" : undefined}>
      {parts.map((part, i) => (
        <Fragment key={i}>
          {i > 0 && " "}
          <span class="nnv-part">{part}</span>
        </Fragment>
      ))}
    </span>
  );
}

/** Of a step that a guard has refused, the weights are what it would make. */
function Untaken({ plane, step }: { plane: Plane; step: number | undefined }) {
  const refused = useView().store.source.status.value?.debugging?.refused ?? null;
  if (plane.tensor !== "weights" || refused === null || step !== refused) return null;
  return (
    <span title={`Step ${refused} is not taken: the model has the weights of step ${refused - 1}`}>
      what the step would make
    </span>
  );
}

/** What is drawn, line by line. */
function Words({ data }: { data: ReadonlySignal<PlaneData | null> }) {
  const { store } = useView();
  const told = store.told.value;
  const shown = data.value;
  if (shown === null || shown.cells === null) return null;
  const { plane } = shown;
  // Of a difference it says what is compared.
  const note = plane.note !== null && <span title={plane.note}>{plane.note}</span>;
  return (
    <>
      <Line parts={shapeWords(plane.shape)} />
      <Zoomed plane={plane} />
      {plane.compared === null && <Line parts={sampleWords(plane, told?.sample ?? 0)} short />}
      <Line parts={pooledWords(plane)} />
      {plane.compared !== null && <Line parts={minusParts(plane, namesOf(store))} />}
      {plane.compared !== null && note}
      {told?.order && <Sorted order={store.order.value} />}
      <Line parts={rangeWords(plane)} />
      <Bad plane={plane} />
      {plane.compared === null && note}
      <Untaken plane={plane} step={told?.step} />
    </>
  );
}

/** The name of a map and what is drawn in it. */
export function Label({ tensor, data }: { tensor: Kind; data: ReadonlySignal<PlaneData | null> }) {
  const outputs = groupOf(tensor) === "outputs";
  return (
    <div class="nnv-map-label">
      <b>{tensor === "activation_gradients" ? "activations" : tensor}</b>
      {outputs && <Switch />}
      {tensor === "weights" && <VariableChoice data={data} />}
      {outputs && <OutputChoice />}
      <ComplexChoice data={data} />
      <Words data={data} />
    </div>
  );
}
