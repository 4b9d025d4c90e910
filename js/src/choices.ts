/** What is drawn of a layer beyond the cursor: which variable, which output, and where along further axes. */

import { batch, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Group, groupOf } from "./group.ts";
import type { LayerEntry, MapRequest } from "./protocol.gen.ts";

/** Indices along the axes that do not lie on the picture, by name; 0 for those that are not named. */
export type At = Readonly<Record<string, number>>;

export type ComplexPart = MapRequest["complex"];

export interface Choices {
  /** `null` is what stands for the layer: one variable, or several in one picture. */
  readonly variable: ReadonlySignal<string | null>;
  readonly output: ReadonlySignal<number>;
  /** What is drawn of complex numbers, in all maps. */
  readonly complex: Signal<ComplexPart>;
  readonly at: Readonly<Record<Group, ReadonlySignal<At>>>;
  chooseVariable(name: string | null): void;
  chooseOutput(index: number): void;
  /** Moves along an axis of the maps of these groups. */
  moveAlong(axis: string, groups: readonly Group[], index: number): void;
  /** The request with what was chosen. Gradients follow their weights. */
  applyTo(map: MapRequest): MapRequest;
}

/** The variable that stands for a layer. */
export const mainVariable = ({ variables }: LayerEntry): string | undefined =>
  variables.includes("kernel") ? "kernel" : variables[0];

/** Choices are of one layer: with another one they begin anew. */
export function createChoices(layer: ReadonlySignal<LayerEntry | null>, abort: AbortSignal): Choices {
  const variable = signal<string | null>(null);
  const output = signal(0);
  const complex = signal<ComplexPart>("abs");
  const at: Record<Group, Signal<At>> = { parameters: signal({}), outputs: signal({}) };
  let path: string | null = null;
  const stop = effect(() => {
    const now = layer.value?.path ?? null;
    if (now === path) return;
    path = now;
    batch(() => {
      variable.value = null;
      output.value = 0;
      complex.value = "abs";
      at.parameters.value = {};
      at.outputs.value = {};
    });
  });
  abort.addEventListener("abort", stop);
  return {
    variable,
    output,
    complex,
    at,
    chooseVariable(name) {
      batch(() => {
        variable.value = name;
        at.parameters.value = {};
      });
    },
    chooseOutput(index) {
      batch(() => {
        output.value = index;
        at.outputs.value = {};
      });
    },
    moveAlong(axis, groups, index) {
      batch(() => {
        for (const group of groups) at[group].value = { ...at[group].peek(), [axis]: index };
      });
    },
    applyTo(map) {
      const group = groupOf(map.tensor);
      const known = layer.value?.variables.includes(variable.value ?? "") ?? false;
      const of =
        group === "parameters" ? { variable: known ? variable.value : null } : { output: output.value };
      return { ...map, ...of, at: at[group].value, complex: complex.value };
    },
  };
}
