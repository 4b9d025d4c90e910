import type { Signal } from "@preact/signals";
import { onEscape } from "../view/escape.ts";

/** As `session.breakpoints.add` takes them. */
const MOST_STEPS = 1_000_000;

interface Props {
  readonly steps: Signal<number>;
  readonly once: Signal<boolean>;
  readonly onEnter: () => void;
}

/** At how many steps in a row a condition must hold, and whether its breakpoint goes after the first hit. */
export function HowOften({ steps, once, onEnter }: Props) {
  const take = (field: HTMLInputElement) => {
    steps.value = Math.min(MOST_STEPS, Math.max(1, Math.round(field.valueAsNumber || 1)));
    // What was typed may be no number of steps.
    field.value = String(steps.value);
  };
  return (
    <>
      <label class="nnv-edit" title="Pause only when it has held at so many steps, one after the other">
        <span>for</span>
        <input
          type="number"
          class="nnv-number nnv-how-many"
          aria-label="steps in a row at which it holds"
          min={1}
          max={MOST_STEPS}
          value={steps.value}
          onChange={(event) => take(event.currentTarget)}
          onKeyDown={(event) => {
            if (event.key === "Enter") {
              take(event.currentTarget);
              onEnter();
            }
            onEscape(() => {
              event.currentTarget.value = String(steps.peek());
            })(event);
          }}
        />
        {/* The same for one: else what stands beside it would move away from who leaves the field by pressing it. */}
        <span>steps in a row</span>
      </label>
      <label class="nnv-check" title="Remove the breakpoint after its first hit">
        <input
          type="checkbox"
          checked={once.value}
          onChange={(event) => {
            once.value = event.currentTarget.checked;
          }}
        />
        <span>once</span>
      </label>
    </>
  );
}
