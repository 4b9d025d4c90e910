import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useView } from "../view/context.ts";
import { onEscape } from "../view/escape.ts";
import { Choose } from "./Choose.tsx";
import { shown } from "./NumberField.tsx";
import type { Editing } from "./settings.ts";
import { useTrying } from "./trying.ts";

const said = (loss: number | null): string => (loss === null ? "not finite" : loss.toPrecision(5));

/** How far the slider goes to either side of a weight. */
const reach = (value: number): number => Math.max(1, 2 * Math.abs(value));

/**
 * A weight to drag, and the loss of the last batch beside it. The model stays as it is: only Keep makes it so, and Escape
 * brings the slider back.
 */
function Drag({ editing }: { editing: Editing }) {
  const { store } = useView();
  const { settings, why, moment, edit } = editing;
  const { tried, fault, ask, forget } = useTrying();
  const chosen = useSignal("");
  const place = useSignal<readonly number[]>([]);
  const value = useSignal<number | null>(null);
  const layer = store.layer.value?.path ?? "";
  const variables = settings?.weights ?? {};
  const names = Object.keys(variables);
  const variable = names.includes(chosen.value) ? chosen.value : (names[0] ?? "");
  const shape = variables[variable] ?? [];
  const neuron = store.cursor.neuron.value;
  const index = shape.map((size, axis) => {
    const own = axis === shape.length - 1 ? neuron : (place.value[axis] ?? 0);
    return Math.min(own, size - 1);
  });
  const at = `${layer} ${variable} ${index.join()} ${moment}`;
  const try_ = (wanted: number) => ask({ layer, variable, index: [...index], value: wanted });
  const back = () => {
    value.value = null;
    forget();
    if (why === "" && variable !== "" && shape.every((size) => size > 0)) try_(0);
  };
  useEffect(back, [at, why]);
  if (variable === "") return <p class="nnv-hint">{`${layer} has no weights.`}</p>;
  const is = tried?.value ?? 0;
  const drawn = value.value ?? is;
  const move = (wanted: number) => {
    value.value = wanted;
    try_(wanted);
  };
  const differs = value.value !== null && value.value !== tried?.value;
  const keep = async () => {
    if (value.value === null) return;
    await edit({ name: "weights", layer, variable, index: [...index], value: value.value });
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw itself
    <div role="group" aria-label="what if" class="nnv-what-if" onKeyDown={onEscape(back)}>
      <div class="nnv-edits-line">
        <Choose
          label="variable"
          names={names}
          chosen={variable}
          why={why}
          onChoose={(each) => {
            chosen.value = each;
          }}
        />
        {shape.map((size, axis) => (
          <input
            key={axis}
            type="number"
            class="nnv-number nnv-index"
            aria-label={`index on axis ${axis}`}
            title={`0 to ${size - 1}`}
            min={0}
            max={size - 1}
            disabled={why !== ""}
            value={index[axis] ?? 0}
            onChange={(event) => {
              const typed = Math.min(
                size - 1,
                Math.max(0, Math.round(event.currentTarget.valueAsNumber || 0)),
              );
              if (axis === shape.length - 1) store.cursor.move({ neuron: typed });
              else place.value = shape.map((_, i) => (i === axis ? typed : (index[i] ?? 0)));
            }}
          />
        ))}
      </div>
      <div class="nnv-edits-line">
        <input
          type="range"
          class="nnv-what-if-slider"
          aria-label={`${variable}[${index.join(", ")}]`}
          aria-valuetext={shown(drawn)}
          min={is - reach(is)}
          max={is + reach(is)}
          step={reach(is) / 100}
          disabled={why !== "" || tried === null}
          value={drawn}
          style={{ "--nnv-filled": String((drawn - is + reach(is)) / (2 * reach(is))) }}
          onInput={(event) => move(event.currentTarget.valueAsNumber)}
        />
        <output class="nnv-tabular">{shown(drawn)}</output>
        <button
          type="button"
          class="nnv-tool-button"
          disabled={why !== "" || !differs}
          title={why || "Make it so: an edit, which can be undone"}
          onClick={() => void keep()}
        >
          Keep
        </button>
      </div>
      {tried !== null && (
        <p class="nnv-tabular" aria-live="polite">
          {differs
            ? `loss of the batch ${said(tried.before)} → ${said(tried.after)}`
            : `loss of the batch ${said(tried.before)}`}
        </p>
      )}
      {fault !== null && (
        <p class="nnv-wrong" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}

/** Folded until somebody asks: each look runs the batch through the model. */
export function WhatIf({ editing }: { editing: Editing }) {
  const open = useSignal(false);
  return (
    <details
      class="nnv-fold"
      open={open.value}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>What if a weight were another?</summary>
      {open.value && <Drag editing={editing} />}
    </details>
  );
}
