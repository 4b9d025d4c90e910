import { useComputed } from "@preact/signals";
import { targetWords } from "../labels.ts";
import { useView } from "./context.ts";
import { FurtherSliders } from "./Further.tsx";
import { moveStep } from "./keys.ts";
import { Slider } from "./Slider.tsx";

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

function LayerSlider() {
  const { cursor, source } = useView().store;
  const layers = source.layers.value;
  const path = cursor.layer.value;
  return (
    <Slider
      name="layer"
      value={layers.findIndex((layer) => layer.path === path)}
      min={0}
      max={layers.length - 1}
      text={path}
      short={path.slice(path.lastIndexOf("/") + 1)}
      onMove={(at) => cursor.move({ layer_index: at })}
    />
  );
}

function StepSlider() {
  const { store } = useView();
  const [first, last] = store.steps.value;
  const live = useComputed(() => {
    const { source, state } = store.source.status.value ?? {};
    return source === "session" || state === "running";
  }).value;
  return (
    <Slider
      name="step"
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
      value={cursor.neuron.value}
      min={0}
      max={count - 1}
      onMove={(neuron) => cursor.move({ neuron })}
    />
  );
}

function SampleSlider({ count }: { count: number }) {
  const { store } = useView();
  const { cursor } = store;
  const label = useComputed(() => store.told.value?.labels[cursor.sample.value]).value;
  const sample = cursor.sample.value;
  return (
    <Slider
      name="sample"
      value={sample}
      min={0}
      max={count - 1}
      text={label === undefined ? undefined : `${sample}, ${targetWords(label)}`}
      onMove={(at) => cursor.move({ sample: at })}
    />
  );
}

/** Layer, step, neuron, sample and what else there is to move along, aligned with the maps. Each renders for itself: a new step moves only one of them. */
export function Sliders() {
  const layer = useView().store.layer.value;
  if (layer === null) return null;
  return (
    <div class="nnv-sliders">
      <LayerSlider />
      <StepSlider />
      {layer.n_neurons > 1 && <NeuronSlider count={layer.n_neurons} />}
      {layer.n_samples > 1 && <SampleSlider count={layer.n_samples} />}
      <FurtherSliders />
    </div>
  );
}
