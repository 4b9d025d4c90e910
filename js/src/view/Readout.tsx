import { describeColumn, describeRow, rowsAreSamples } from "../cell.ts";
import { shorten, trueMinus } from "../format.ts";
import type { Kind } from "../protocol.gen.ts";
import type { Reading } from "../readout.ts";
import { planeOf, type Store } from "../store.ts";
import { kindWords } from "../words.ts";
import { useView } from "./context.ts";

/** `weights` are one `weight` each. */
const oneOf = (tensor: Kind): string => kindWords(tensor).slice(0, -1);

export interface Part {
  readonly name: string;
  readonly text: string;
  /** To copy: with all digits and a plain minus. */
  readonly exact?: string;
  /** Beside the line, which is as long as before: nothing beneath moves while the step does. */
  readonly aside?: boolean;
}

/** What is looked at, in words: the neuron, and for each map the place in its rows and the value there. */
export function readoutParts(store: Store, readings: readonly Reading[]): Part[] {
  const layer = store.layer.value;
  const parts: Part[] = [];
  const step = store.told.value?.step;
  // Older steps are thinned out, and a branch may have ended: the picture is of the nearest one before.
  const rests = store.source.status.value?.state !== "running";
  const stays = !store.cursor.follow.value || (store.beside.value !== null && rests);
  if (step !== undefined && stays && step !== store.shownStep.value)
    parts.push({ name: "as kept at step", text: String(step), aside: true });
  if (layer !== null && layer.n_neurons > 0) {
    const neuron = store.hover.value?.neuron ?? store.cursor.neuron.value;
    parts.push({ name: "neuron", text: String(Math.min(neuron, layer.n_neurons - 1)) });
  }
  let last = "";
  for (const reading of readings) {
    const place = placeOf(store, reading);
    // Weights and their gradients are at the same place: it is said once.
    if (place.length > 0 && place.join() !== last) parts.push(...place.map(splitPlace));
    if (reading.row !== null) last = place.join();
    const exact = reading.text ?? "\u2026";
    const compared = planeOf(store.told.value, reading.tensor)?.plane.compared ?? null;
    parts.push({
      name: (compared === null ? "" : "\u0394 ") + oneOf(reading.tensor),
      text: trueMinus(shorten(exact)),
      exact,
    });
  }
  return parts;
}

function placeOf(store: Store, { tensor, row, column }: Reading): string[] {
  const plane = planeOf(store.told.value, tensor)?.plane;
  if (plane === undefined || row === null || rowsAreSamples(plane)) return [];
  return [...describeRow(plane, row), ...describeColumn(plane, column)];
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
      {parts.map(({ name, text, exact, aside }, i) => (
        <span key={i} title={exact} class={aside ? "nnv-aside" : undefined}>
          {name} <b>{text}</b>
        </span>
      ))}
    </div>
  );
}
