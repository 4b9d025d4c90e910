import { SECOND_DASH } from "../picture/plot.ts";
import { namesOf, RUNS, runNames } from "../runs.ts";
import { useView } from "./context.ts";
import { Swatch } from "./NeuronSeries.tsx";

/** Which of two runs is shown, or their difference, and how their lines are drawn. */
export function Runs() {
  const { store } = useView();
  const names = namesOf(store);
  const titles = runNames(names);
  if (names.length === 0) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw itself
    <div class="nnv-runs" role="group" aria-label="runs">
      {RUNS.map((run, i) => (
        <button
          key={run}
          type="button"
          class="nnv-button"
          title={`${titles[i]} (R)`}
          aria-pressed={store.run.value === run}
          onClick={() => {
            store.run.value = run;
          }}
        >
          {i < 2 && <Swatch color="text" dash={i === 1 ? SECOND_DASH : []} />}
          <span>{names[i] ?? run}</span>
        </button>
      ))}
    </div>
  );
}
