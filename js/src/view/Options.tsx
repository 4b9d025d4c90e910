import { groupOf } from "../group.ts";
import { NORMS } from "../picture/scale.ts";
import type { Kind, Order } from "../protocol.gen.ts";
import { useView } from "./context.ts";
import { Pick } from "./Pick.tsx";
import type { Shown } from "./picture.ts";
import { toggleTable } from "./tables.ts";

/** How the colours spread over the values, for the maps of one group. */
export function Scaling({ tensor }: { tensor: Kind }) {
  const norm = useView().store.scales.norms[groupOf(tensor)];
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: its control is in Pick
    <label class="nnv-tool">
      <span>colours</span>
      <Pick
        label="colours"
        names={NORMS.map((each) => (each === "rank" ? "percentile" : each))}
        chosen={NORMS.indexOf(norm.value)}
        onPick={(index) => {
          norm.value = NORMS[index] ?? "linear";
        }}
        local
      />
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

const ORDERS: readonly Order["by"][] = ["norm", "activity", "similarity"];

/** In all maps alike. The order is that of the step shown now and stands still when it moves on. */
export function Sorting() {
  const { store } = useView();
  const { order } = store;
  if ((store.layer.value?.n_neurons ?? 0) < 2) return null;
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: its control is in Pick
    <label class="nnv-tool">
      <span>neurons</span>
      <Pick
        label="neurons"
        names={["as they are", ...ORDERS.map((by) => `by ${by}`)]}
        chosen={order.value === null ? 0 : ORDERS.indexOf(order.value.by) + 1}
        onPick={(index) => {
          const by = ORDERS[index - 1];
          order.value = by === undefined ? null : { by, step: store.shownStep.peek() };
        }}
      />
    </label>
  );
}

/** All maps as differences to one step. */
export function Compare({ shown }: { shown: Shown }) {
  const { store } = useView();
  const { compare } = store;
  const [first, last] = store.steps.value;
  const { compared: kept = null, other = null } = shown.told.value?.plane ?? {};
  // By how much two runs differ is one difference already.
  if (other !== null) return null;
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
