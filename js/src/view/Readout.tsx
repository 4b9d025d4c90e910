import { describeColumn, describeRow, rowsAreSamples } from "../cell.ts";
import type { Kind } from "../protocol.gen.ts";
import type { Reading } from "../readout.ts";
import type { Store } from "../store.ts";
import { useView } from "./context.ts";

const WORDS: Record<Kind, string> = {
  weights: "weight",
  gradients: "gradient",
  activations: "activation",
  activation_gradients: "activation gradient",
};

export interface Part {
  readonly name: string;
  readonly text: string;
}

/** What is looked at, in words: first where, then what is there. */
export function readoutParts(store: Store, readings: readonly Reading[]): Part[] {
  const layer = store.layer.value;
  const parts: Part[] = [];
  if (layer !== null && layer.n_neurons > 0) {
    const neuron = store.hover.value?.neuron ?? store.cursor.neuron.value;
    parts.push({ name: "neuron", text: String(Math.min(neuron, layer.n_neurons - 1)) });
  }
  const places = new Set<string>();
  for (const { tensor, row, column } of readings) {
    const plane = store.planeOf(tensor)?.plane;
    if (plane === undefined || rowsAreSamples(plane)) continue;
    const words = [describeRow(plane, row), describeColumn(plane, column)]
      .filter((text) => text !== "")
      .join(", ");
    if (words === "" || places.has(words)) continue;
    places.add(words);
    parts.push(...words.split(", ").map(splitPlace));
  }
  return [...parts, ...readings.map(({ tensor, text }) => ({ name: WORDS[tensor], text: text ?? "\u2026" }))];
}

function splitPlace(words: string): Part {
  const space = words.lastIndexOf(" ");
  return { name: words.slice(0, space), text: words.slice(space + 1) };
}

/** One line: the neuron, the place, and the values of all maps there. */
export function Readout() {
  const { store, readings } = useView();
  const parts = readoutParts(store, readings.value);
  return (
    <div class="nnv-readout">
      {parts.map(({ name, text }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts have no identity but their place
        <span key={i}>
          {name} <b>{text}</b>
        </span>
      ))}
    </div>
  );
}
