import { weightsOf, wordsOf } from "./classes.ts";
import { Refused } from "./Refused.tsx";
import type { Editing } from "./settings.ts";
import { useTyped } from "./typed.ts";

/** How much the samples of each class count from the next epoch on; set with Enter, or by leaving it. */
export function ClassWeights({ editing }: { editing: Editing }) {
  const { settings, why, moment, ask } = editing;
  const text = wordsOf(settings?.class_weight ?? null);
  const typed = useTyped(text, `${why} ${moment}`, async (field) => {
    const weights = weightsOf(field.value);
    if (typeof weights === "string") return weights;
    if (wordsOf(weights) !== text) return ask({ name: "class_weight", class_weight: weights });
    field.value = text;
    return null;
  });
  return (
    <div class="nnv-edits-line">
      <label class="nnv-edit">
        <span>class weights</span>
        <input
          {...typed.attributes}
          type="text"
          class="nnv-number nnv-classes"
          placeholder="0: 1, 1: 5"
          disabled={why !== ""}
          title={why || "From the next epoch on; empty for none"}
        />
      </label>
      <Refused typed={typed} still={text} />
    </div>
  );
}
