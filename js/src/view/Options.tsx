import { groupOf } from "../group.ts";
import { NORMS, type Norm } from "../picture/scale.ts";
import type { Kind, Order } from "../protocol.gen.ts";
import { useView } from "./context.ts";
import type { Shown } from "./picture.ts";
import { toggleTable } from "./tables.ts";

const NORM_WORDS: Record<Norm, string> = {
  linear: "linear",
  symlog: "symlog",
  rank: "percentile",
};

const isNorm = (text: string): text is Norm => NORMS.some((norm) => norm === text);

/** How the colours spread over the values, for the maps of one group. */
export function Scaling({ tensor }: { tensor: Kind }) {
  const norm = useView().store.scales.norms[groupOf(tensor)];
  return (
    <label class="nnv-tool">
      <span>colours</span>
      <select
        class="nnv-pick"
        value={norm.value}
        onChange={(event) => {
          const { value } = event.currentTarget;
          if (isNorm(value)) norm.value = value;
        }}
      >
        {NORMS.map((each) => (
          <option key={each} value={each}>
            {NORM_WORDS[each]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Otherwise each step has colours of its own. */
export function SameScale() {
  const { locked } = useView().store.scales;
  return (
    <label class="nnv-check">
      <input
        type="checkbox"
        checked={locked.value}
        onChange={(event) => {
          locked.value = event.currentTarget.checked;
        }}
      />
      <span>one scale for all steps</span>
    </label>
  );
}

export function Reset({ shown }: { shown: Shown }) {
  const { scales } = useView().store;
  const plane = shown.told.value?.plane;
  if (plane === undefined || !scales.isSet(plane)) return null;
  return (
    <button type="button" class="nnv-tool-button" onClick={() => scales.setEnds(plane, null)}>
      leave the ends to the data
    </button>
  );
}

const ORDERS: readonly (readonly [Order["by"], string])[] = [
  ["norm", "by norm"],
  ["activity", "by activity"],
  ["similarity", "by similarity"],
];

/** In all maps alike. The order is that of the step shown now and stands still when it moves on. */
export function Sorting() {
  const { store } = useView();
  if ((store.layer.value?.n_neurons ?? 0) < 2) return null;
  return (
    <label class="nnv-tool">
      <span>neurons</span>
      <select
        class="nnv-pick"
        value={store.order.value?.by ?? ""}
        onChange={(event) => {
          const by = ORDERS.find(([name]) => name === event.currentTarget.value)?.[0];
          store.order.value = by === undefined ? null : { by, step: store.shownStep.peek() };
        }}
      >
        <option value="">as they are</option>
        {ORDERS.map(([by, words]) => (
          <option key={by} value={by}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** All maps as differences to one step. */
export function Compare({ shown }: { shown: Shown }) {
  const { store } = useView();
  const { compare } = store;
  const [first, last] = store.steps.value;
  const kept = shown.told.value?.plane.compared ?? null;
  return (
    <div class="nnv-tool">
      <label class="nnv-check">
        <input
          type="checkbox"
          checked={compare.value !== null}
          onChange={(event) => {
            compare.value = event.currentTarget.checked ? first : null;
          }}
        />
        <span>minus step</span>
      </label>
      <input
        type="number"
        class="nnv-number"
        aria-label="step to compare with"
        min={first}
        max={last}
        value={compare.value ?? first}
        onChange={(event) => {
          const field = event.currentTarget;
          const step = Math.round(field.valueAsNumber);
          if (Number.isFinite(step)) compare.value = Math.max(first, Math.min(step, last));
          // What was typed may be no step.
          field.value = String(compare.value ?? first);
        }}
      />
      {kept !== null && kept !== compare.value && <span>{`kept: ${kept}`}</span>}
    </div>
  );
}

/** Numbers instead of colours. */
export function AsTable({ tensor }: { tensor: Kind }) {
  const { store } = useView();
  return (
    <label class="nnv-check">
      <input
        type="checkbox"
        checked={store.tables.value.has(tensor)}
        onChange={() => toggleTable(store, tensor)}
      />
      <span>as a table (T)</span>
    </label>
  );
}
