import type { ReadonlySignal } from "@preact/signals";
import { type ComplexPart, mainVariable } from "../choices.ts";
import type { PlaneData } from "../source/source.ts";
import { kindWords } from "../words.ts";
import { useView } from "./context.ts";
import { Pick } from "./Pick.tsx";

/** Which of the layer's variables is drawn as weights, and with it which gradient. */
export function VariableChoice({ data }: { data: ReadonlySignal<PlaneData | null> }) {
  const { layer, choices } = useView().store;
  const entry = layer.value;
  if (entry === null) return null;
  const { together, variables } = entry;
  const main = together || (data.value?.plane.variable ?? mainVariable(entry) ?? "");
  const names = together ? [together, ...variables] : variables;
  return (
    <Pick
      label={`variable of ${entry.path}`}
      names={names}
      chosen={names.indexOf(choices.variable.value ?? main)}
      onPick={(index) => choices.chooseVariable(together && index === 0 ? null : (names[index] ?? null))}
    />
  );
}

const PARTS: readonly ComplexPart[] = ["abs", "real", "imag", "phase"];

/** What is drawn of complex numbers; nothing where there are none. */
export function ComplexChoice({ data }: { data: ReadonlySignal<PlaneData | null> }) {
  const { complex } = useView().store.choices;
  const plane = data.value?.plane;
  if (!plane?.dtype.startsWith("complex")) return null;
  return (
    <Pick
      label={`part of the complex ${kindWords(plane.tensor)}`}
      names={PARTS}
      chosen={PARTS.indexOf(complex.value)}
      onPick={(index) => {
        complex.value = PARTS[index] ?? "abs";
      }}
    />
  );
}

/** Which of the outputs of a layer that has several. */
export function OutputChoice() {
  const { layer, choices } = useView().store;
  const entry = layer.value;
  if (entry === null) return null;
  return (
    <Pick
      label={`output of ${entry.path}`}
      names={entry.outputs}
      chosen={choices.output.value}
      onPick={(index) => choices.chooseOutput(index)}
    />
  );
}
