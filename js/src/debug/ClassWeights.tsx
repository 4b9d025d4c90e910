import { useEffect, useRef } from "preact/hooks";
import { weightsOf, wordsOf } from "./classes.ts";
import type { Editing } from "./settings.ts";

/** How much the samples of each class count from the next epoch on; set with Enter, or by leaving it. */
export function ClassWeights({ editing }: { editing: Editing }) {
  const { settings, why, edit, refuse } = editing;
  const field = useRef<HTMLInputElement>(null);
  const text = wordsOf(settings?.class_weight ?? null);
  const reset = () => {
    if (field.current !== null) field.current.value = text;
  };
  useEffect(reset, [text]);
  const set = async () => {
    const typed = weightsOf(field.current?.value ?? "");
    if (typeof typed === "string") {
      refuse(typed);
      return;
    }
    const granted = wordsOf(typed) !== text && (await edit({ name: "class_weight", class_weight: typed }));
    if (!granted) reset();
  };
  return (
    <label class="nnv-edit">
      <span>class weights</span>
      <input
        ref={field}
        type="text"
        class="nnv-number nnv-classes"
        placeholder="0: 1, 1: 5"
        disabled={why !== ""}
        title={why || "From the next epoch on; empty for none"}
        onChange={() => void set()}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          reset();
          event.stopPropagation();
        }}
      />
    </label>
  );
}
