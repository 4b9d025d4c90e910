import { send } from "../actions.ts";
import { plural } from "../format.ts";
import type { BreakpointEntry } from "../protocol.gen.ts";
import { useView } from "../view/context.ts";
import { ConditionField } from "./ConditionField.tsx";

/** What is not plain about it, and how often it was hit. */
function howWords({ for_steps, once, hits }: BreakpointEntry): string {
  const words = [for_steps > 1 && `${for_steps} in a row`, once && "once", hits > 0 && plural(hits, "hit")];
  return words.filter(Boolean).join(" \u00b7 ");
}

function Row({ entry }: { entry: BreakpointEntry }) {
  const { store } = useView();
  const { number, condition, enabled, broken, guard, told } = entry;
  const paused = store.source.status.value?.debugging?.paused_by === condition;
  const change = (to: "enabled" | "disabled" | "removed") =>
    void send(store, { kind: "change breakpoint", number, to });
  const where = guard ? "Pauses before the update of the step" : "Pauses after the step";
  return (
    <li class={paused ? "nnv-breakpoint nnv-is-hit" : "nnv-breakpoint"}>
      <label class="nnv-check" title={`${where}; ${told}`}>
        <input type="checkbox" checked={enabled} onChange={() => change(enabled ? "disabled" : "enabled")} />
        <code>{condition}</code>
      </label>
      <span class="nnv-hits">{howWords(entry)}</span>
      <button
        type="button"
        class="nnv-plain"
        aria-label={`remove ${condition}`}
        title="Remove"
        onClick={() => change("removed")}
      >
        {"\u00d7"}
      </button>
      {broken !== null && <p class="nnv-broken">{broken}</p>}
    </li>
  );
}

/** As a condition names a layer. */
const nameOf = (path = "dense"): string => (/^[A-Za-z_]\w*$/.test(path) ? path : `"${path}"`);

/** Conditions at which training pauses. */
export function Breakpoints() {
  const { source } = useView().store;
  const learning = source.layers.value.find(({ tensors }) => tensors.includes("gradients"));
  const listed = source.status.value?.debugging?.breakpoints ?? [];
  return (
    <section class="nnv-debug-part" aria-label="Breakpoints">
      <h3>Pause when</h3>
      <ConditionField />
      {listed.length === 0 && (
        <p class="nnv-hint">
          Such as <code>val_loss &gt; 2</code> or{" "}
          <code>{`l2(${nameOf(learning?.path)}.gradients) > 100`}</code>; with <code>nan</code> or a gradient
          it pauses before the update.
        </p>
      )}
      {listed.length > 0 && (
        <ul class="nnv-breakpoints">
          {listed.map((entry) => (
            <Row key={entry.number} entry={entry} />
          ))}
        </ul>
      )}
    </section>
  );
}
