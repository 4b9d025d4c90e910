import type { JournalEntry } from "../protocol.gen.ts";
import { useView } from "../view/context.ts";
import { ClassWeights } from "./ClassWeights.tsx";
import { NumberField } from "./NumberField.tsx";
import { OptimizerEdits } from "./OptimizerEdits.tsx";
import { type Editing, useEditing } from "./settings.ts";
import { WhatIf } from "./WhatIf.tsx";

function LayerEdits({ editing }: { editing: Editing }) {
  const { store } = useView();
  const { settings, why, ask, edit } = editing;
  const entry = store.layer.value;
  if (entry === null) return null;
  const { path: layer, n_neurons, variables } = entry;
  const neuron = Math.min(store.cursor.neuron.value, Math.max(0, n_neurons - 1));
  const one = n_neurons > 1 ? neuron : null;
  return (
    <>
      <div class="nnv-edits-line">
        <b class="nnv-edits-of" title={layer}>
          {layer}
        </b>
        {variables.length > 0 && (
          <label class="nnv-check" title={why}>
            <input
              type="checkbox"
              checked={settings?.trainable ?? false}
              disabled={why !== "" || (settings?.trainable ?? null) === null}
              onChange={(event) =>
                void edit({ name: "trainable", layer, value: event.currentTarget.checked })
              }
            />
            <span>trainable</span>
          </label>
        )}
        {(settings?.dropout ?? null) !== null && (
          <NumberField
            key={layer}
            label="dropout"
            value={settings?.dropout ?? null}
            editing={editing}
            onSet={(value) => ask({ name: "dropout", layer, value })}
          />
        )}
      </div>
      {variables.length > 0 && (
        <div class="nnv-edits-line">
          <b class="nnv-edits-of">{one === null ? "its weights" : `neuron ${one}`}</b>
          <button
            type="button"
            class="nnv-tool-button"
            disabled={why !== ""}
            title={why || "Set its kernel to zero"}
            onClick={() => void edit({ name: "weights", layer, value: 0, neuron: one })}
          >
            Set to zero
          </button>
          <button
            type="button"
            class="nnv-tool-button"
            disabled={why !== ""}
            title={why || "Draw its variables anew with the layer's own initializers"}
            onClick={() => void edit({ name: "reinitialize", layer, neuron: one })}
          >
            Re-initialise
          </button>
        </div>
      )}
    </>
  );
}

/** What was changed, the newest first. */
function Journal({ entries }: { entries: readonly JournalEntry[] }) {
  if (entries.length === 0) return null;
  const newest = [...entries].reverse();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <ol class="nnv-journal" aria-label="journal" reversed tabIndex={0}>
      {newest.map(({ step, branch, text, undone }, i) => (
        <li key={entries.length - i} class={undone ? "nnv-is-undone" : undefined}>
          <span title={`after step ${step} of ${branch}`}>{step}</span>
          {undone ? <s title="undone">{text}</s> : <span>{text}</span>}
        </li>
      ))}
    </ol>
  );
}

/** What can be changed between two steps, and what was. */
export function Edits() {
  const { store } = useView();
  const editing = useEditing();
  const { settings, why, fault, ask, undo } = editing;
  const { journal = [], n_to_undo = 0 } = store.source.status.value?.debugging ?? {};
  return (
    <section class="nnv-debug-part" aria-label="Edits">
      <div class="nnv-debug-head">
        <h3>Edit</h3>
        <button
          type="button"
          class="nnv-choice"
          disabled={why !== "" || n_to_undo === 0}
          title={
            why || (n_to_undo === 0 ? "Nothing was changed since the last step" : "Take the last edit back")
          }
          onClick={() => void undo()}
        >
          undo
        </button>
      </div>
      <div class="nnv-edits-line">
        <NumberField
          label="learning rate"
          value={settings?.learning_rate ?? null}
          editing={editing}
          onSet={(value) => ask({ name: "learning_rate", value })}
        />
        <NumberField
          label="batch size"
          value={settings?.batch_size ?? null}
          editing={editing}
          onSet={(value) => ask({ name: "batch_size", value })}
        />
      </div>
      {(settings?.batch_size ?? null) !== null && <ClassWeights editing={editing} />}
      <OptimizerEdits editing={editing} />
      <LayerEdits editing={editing} />
      <WhatIf editing={editing} />
      {fault !== null && (
        <p class="nnv-wrong" role="alert">
          {fault}
        </p>
      )}
      {why !== "" && <p class="nnv-hint">{`${why}.`}</p>}
      <Journal entries={journal} />
    </section>
  );
}
