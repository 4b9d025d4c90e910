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

/** Layer, step, neuron and sample, aligned with the maps. */
export function Sliders() {
  const { store } = useView();
  const { cursor, source } = store;
  const layers = source.layers.value;
  const layer = store.layer.value;
  const index = layers.findIndex(({ path }) => path === cursor.layer.value);
  const [first, last] = store.steps.value;
  const samples = layer?.n_samples ?? 0;
  const label = store.frame.value?.labels[cursor.sample.value];
  const sample = label === undefined ? undefined : `${cursor.sample.value}, a \u201c${label}\u201d`;
  const disabled = source.connection.value === "gone";
  if (layer === null) return null;
  return (
    <div class="nnv-sliders">
      <Slider
        name="layer"
        disabled={disabled}
        value={index}
        min={0}
        max={layers.length - 1}
        text={layer.path}
        onMove={(at) => cursor.move({ layer_index: at })}
      />
      <Slider
        name="step"
        disabled={disabled}
        value={store.shownStep.value}
        min={first}
        max={last}
        onMove={(at) => moveStep(store, at)}
      >
        {source.status.value?.source === "session" && <Follow />}
      </Slider>
      {layer.n_neurons > 1 && (
        <Slider
          name="neuron"
          disabled={disabled}
          value={cursor.neuron.value}
          min={0}
          max={layer.n_neurons - 1}
          onMove={(neuron) => cursor.move({ neuron })}
        />
      )}
      {samples > 1 && (
        <Slider
          name="sample"
          disabled={disabled}
          value={cursor.sample.value}
          min={0}
          max={samples - 1}
          text={sample}
          onMove={(at) => cursor.move({ sample: at })}
        />
      )}
    </div>
  );
}
