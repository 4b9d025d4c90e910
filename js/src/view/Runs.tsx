import { branchOf, endWords } from "../branches.ts";
import { SECOND_DASH } from "../picture/plot.ts";
import { namesOf, RUNS, runNames } from "../runs.ts";
import { useView } from "./context.ts";
import { Swatch } from "./NeuronSeries.tsx";

/** Where one of two branches ends before the step. */
function Ends() {
  const { source, branch, beside, shownStep } = useView().store;
  const debugging = source.status.value?.debugging;
  if (!debugging || beside.value === null) return null;
  const pair = [branch.value, beside.value].map((name) => branchOf(debugging, name));
  return (
    <p class="nnv-hint" role="status">
      {endWords(pair, shownStep.value)}
    </p>
  );
}

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
      <Ends />
    </div>
  );
}
