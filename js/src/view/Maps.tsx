import { useRef } from "preact/hooks";
import { plural } from "../format.ts";
import { comesLater } from "../later.ts";
import type { Status } from "../protocol.gen.ts";
import { useNamesWidth } from "./Blocks.tsx";
import { useView } from "./context.ts";
import { Heatmap } from "./Heatmap.tsx";
import { useMatch, useVisible } from "./hooks.ts";
import { Readout } from "./Readout.tsx";
import { Sliders } from "./Sliders.tsx";

function idleWords({ epochs, steps_per_epoch: steps }: Status): string {
  const length = steps === null ? "" : ` of ${plural(steps, "step")}`;
  return `Press Run to train ${plural(epochs, "epoch")}${length}.`;
}

/** What to do or what is going on, when there is no picture yet. */
function Before() {
  const { store } = useView();
  const status = store.source.status.value;
  const known = store.layer.value !== null;
  if (known && (status?.state !== "idle" || status.source !== "session")) return null;
  const later = comesLater(status) ? "The maps come when the cell has ended." : "No layer to show yet.";
  return (
    <p class="nnv-before">{status?.state === "idle" ? idleWords(status) : (status?.activity ?? later)}</p>
  );
}

/** Less high than this, all maps and their sliders would not be seen together. */
const LOW_WINDOW = "(max-height: 860px)";

/** A neuron is a column: activations above, weights in the middle, gradients beneath. */
export function Maps() {
  const { store } = useView();
  const section = useRef<HTMLElement>(null);
  const visible = useVisible(section);
  const panels = store.panels.value;
  const outputs = store.outputGradients.value ? "activation_gradients" : "activations";
  const known = store.layer.value !== null;
  const shows = (name: string) => known && panels.includes(name);
  const names = useNamesWidth().value;
  const [low, high] = useMatch(LOW_WINDOW) ? [100, 144] : [112, 200];
  return (
    <section class="nnv-maps" aria-label="Maps" ref={section} style={{ "--nnv-names": `${names}px` }}>
      <Before />
      {shows("activations") && <Heatmap key={outputs} tensor={outputs} height={low} visible={visible} />}
      {shows("weights") && <Heatmap tensor="weights" height={high} visible={visible} />}
      {shows("gradients") && <Heatmap tensor="gradients" height={high} visible={visible} />}
      {known && <Readout />}
      <Sliders />
    </section>
  );
}
