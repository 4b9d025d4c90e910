import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useView } from "./context.ts";
import { moveStep } from "./keys.ts";

interface SliderProps {
  readonly name: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** What the value is called, where it is not a number. */
  readonly text?: string;
  readonly disabled: boolean;
  readonly onMove: (value: number) => void;
  readonly children?: ComponentChildren;
}

function Slider({ name, value, min, max, text, disabled, onMove, children }: SliderProps) {
  const shown = Math.min(Math.max(value, min), max);
  const filled = max > min ? (shown - min) / (max - min) : 0;
  const words = text ?? String(shown);
  return (
    <div class="nnv-slider">
      <span class="nnv-slider-name">
        {name}
        {children}
      </span>
      <input
        type="range"
        aria-label={name}
        min={min}
        max={max}
        value={shown}
        disabled={disabled || max <= min}
        aria-valuetext={words}
        style={{ "--nnv-filled": String(filled) }}
        onInput={(event) => onMove(Number(event.currentTarget.value))}
      />
      <b title={words}>{words}</b>
    </div>
  );
}

function Follow() {
  const { store } = useView();
  const follow = store.cursor.follow.value;
  return (
    <button
      type="button"
      class="nnv-choice"
      aria-pressed={follow}
      title={
        follow ? "Shows the newest step; press to stay at this one" : "Show the newest step and stay with it"
      }
      onClick={() =>
        store.cursor.move(follow ? { follow: false, step: store.shownStep.peek() } : { follow: true })
      }
    >
      {follow ? "following" : "follow"}
    </button>
  );
}

const useDisabled = (): boolean => useView().store.source.connection.value === "gone";

function LayerSlider() {
  const { cursor, source } = useView().store;
  const layers = source.layers.value;
  const path = cursor.layer.value;
  return (
    <Slider
      name="layer"
      disabled={useDisabled()}
      value={layers.findIndex((layer) => layer.path === path)}
      min={0}
      max={layers.length - 1}
      text={path}
      onMove={(at) => cursor.move({ layer_index: at })}
    />
  );
}

function StepSlider() {
  const { store } = useView();
  const [first, last] = store.steps.value;
  const live = useComputed(() => store.source.status.value?.source === "session").value;
  return (
    <Slider
      name="step"
      disabled={useDisabled()}
      value={store.shownStep.value}
      min={first}
      max={last}
      onMove={(at) => moveStep(store, at)}
    >
      {live && <Follow />}
    </Slider>
  );
}

function NeuronSlider({ count }: { count: number }) {
  const { cursor } = useView().store;
  return (
    <Slider
      name="neuron"
      disabled={useDisabled()}
      value={cursor.neuron.value}
      min={0}
      max={count - 1}
      onMove={(neuron) => cursor.move({ neuron })}
    />
  );
}

/** A class has a name, even if that is a digit; what one regresses on is a number. */
const targetWords = (label: string): string =>
  /[.e]/.test(label) && Number.isFinite(Number(label))
    ? `target ${label.replace("-", "\u2212")}`
    : `a \u201c${label}\u201d`;

function SampleSlider({ count }: { count: number }) {
  const { store } = useView();
  const { cursor } = store;
  const label = useComputed(() => store.told.value?.labels[cursor.sample.value]).value;
  const sample = cursor.sample.value;
  return (
    <Slider
      name="sample"
      disabled={useDisabled()}
      value={sample}
      min={0}
      max={count - 1}
      text={label === undefined ? undefined : `${sample}, ${targetWords(label)}`}
      onMove={(at) => cursor.move({ sample: at })}
    />
  );
}

/** Layer, step, neuron and sample, aligned with the maps. Each renders for itself: a new step moves only one of them. */
export function Sliders() {
  const layer = useView().store.layer.value;
  if (layer === null) return null;
  return (
    <div class="nnv-sliders">
      <LayerSlider />
      <StepSlider />
      {layer.n_neurons > 1 && <NeuronSlider count={layer.n_neurons} />}
      {layer.n_samples > 1 && <SampleSlider count={layer.n_samples} />}
    </div>
  );
}
