import { useSignal } from "@preact/signals";
import { Choose } from "./Choose.tsx";
import { NumberField } from "./NumberField.tsx";
import type { Editing } from "./settings.ts";

const OFF = ["clipnorm", "global_clipnorm", "clipvalue", "weight_decay"];

/** Any other number of the optimizer than its learning rate, one at a time. */
export function OptimizerEdits({ editing }: { editing: Editing }) {
  const { settings, why, ask } = editing;
  const chosen = useSignal("");
  const numbers = settings?.hyperparameters ?? {};
  const names = Object.keys(numbers);
  const name = names.includes(chosen.value) ? chosen.value : names[0];
  if (name === undefined) return null;
  return (
    <div class="nnv-edits-line">
      <Choose
        label="hyperparameter of the optimizer"
        names={names}
        chosen={name}
        why={why}
        wide
        onChoose={(each) => {
          chosen.value = each;
        }}
      />
      <NumberField
        label={name}
        isNamed
        value={numbers[name] ?? null}
        editing={editing}
        turnsOff={OFF.includes(name)}
        onSet={(value) => ask({ name: "hyperparameter", hyperparameter: name, value })}
      />
    </div>
  );
}
