import { batch } from "@preact/signals";
import { branchOf, forkOf } from "../branches.ts";
import { useView } from "../view/context.ts";
import { Pick } from "../view/Pick.tsx";

/** Which branch is shown, and which one beside it. */
export function Branches() {
  const { store } = useView();
  const { branch, beside, run } = store;
  const debugging = store.source.status.value?.debugging;
  const branches = debugging?.branches ?? [];
  const shown = branchOf(debugging, branch.value);
  if (debugging === undefined || debugging === null || shown === null) return null;
  const names = branches.map(({ name }) => name);
  const others = names.filter((name) => name !== shown.name);
  const other = branches.find(({ name }) => name === beside.value);
  const pick = (name: string | undefined) =>
    batch(() => {
      branch.value = name === undefined || name === debugging.branch ? null : name;
      if (beside.peek() === (name ?? null)) compare(undefined);
      store.cursor.move({ follow: true });
    });
  /** The step stays, also where following would be elsewhere now. */
  const compare = (name: string | undefined) =>
    batch(() => {
      const step = store.shownStep.peek();
      beside.value = name ?? null;
      if (name === undefined) run.value = "first";
      if (store.newest.peek() !== step) store.cursor.move({ step, follow: false });
    });
  return (
    <section class="nnv-debug-part" aria-label="Branches">
      <h3>Branches</h3>
      {names.length < 2 ? (
        <p class="nnv-hint">Go back and step on: what follows is a branch, and nothing is overwritten.</p>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noLabelWithoutControl: its control is in Pick */}
          <label class="nnv-tool">
            <span>shown</span>
            <Pick
              label="branch that is shown"
              names={names.map((name) => (name === debugging.branch ? `${name} (now)` : name))}
              chosen={names.indexOf(shown.name)}
              onPick={(index) => pick(names[index])}
            />
          </label>
          {/* biome-ignore lint/a11y/noLabelWithoutControl: its control is in Pick */}
          <label class="nnv-tool">
            <span>beside it</span>
            <Pick
              label="branch beside it"
              names={["none", ...others]}
              chosen={other === undefined ? 0 : others.indexOf(other.name) + 1}
              onPick={(index) => compare(others[index - 1])}
            />
          </label>
          {other !== undefined && (
            <p class="nnv-hint">{`They part after step ${forkOf(branches, shown, other)}.`}</p>
          )}
        </>
      )}
    </section>
  );
}
