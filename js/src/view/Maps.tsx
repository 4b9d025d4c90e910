import { useView } from "./context.ts";
import { Heatmap } from "./Heatmap.tsx";
import { Readout } from "./Readout.tsx";
import { Sliders } from "./Sliders.tsx";

function idleWords(epochs: number, steps: number | null): string {
  const length = steps === null ? "" : ` of ${steps} ${steps === 1 ? "step" : "steps"}`;
  return `Press Run to train ${epochs} ${epochs === 1 ? "epoch" : "epochs"}${length}.`;
}

/** What to do or what is going on, when there is no picture yet. */
function Before() {
  const { store } = useView();
  const status = store.source.status.value;
  if (store.layer.value === null) {
    const text = status?.activity ?? "No layer to show yet.";
    return (
      <p class="nnv-before">
        {status?.state === "idle" ? idleWords(status.epochs, status.steps_per_epoch) : text}
      </p>
    );
  }
  if (status?.state !== "idle" || status.source !== "session") return null;
  return <p class="nnv-before">{idleWords(status.epochs, status.steps_per_epoch)}</p>;
}

/** A neuron is a column: activations above, weights in the middle, gradients beneath. */
export function Maps() {
  const { store } = useView();
  const panels = store.panels.value;
  const known = store.layer.value !== null;
  const outputs = store.outputGradients.value ? "activation_gradients" : "activations";
  return (
    <section class="nnv-maps" aria-label="Maps">
      <Before />
      {known && panels.includes("activations") && (
        <Heatmap key={outputs} tensor={outputs} wishedHeight={112} />
      )}
      {known && panels.includes("weights") && <Heatmap tensor="weights" wishedHeight={200} />}
      {known && panels.includes("gradients") && <Heatmap tensor="gradients" wishedHeight={200} />}
      {known && <Readout />}
      <Sliders />
    </section>
  );
}
