import { useComputed, useSignal } from "@preact/signals";
import { comesLater } from "../later.ts";
import { ancestorsOf, foundRows, rowsOf } from "../tree.ts";
import { useView } from "./context.ts";
import { LayerTree } from "./LayerTree.tsx";

const SEARCH_FROM = 13;

/** Folds every nested model, or opens all. */
function FoldAll({ paths }: { paths: readonly string[] }) {
  const { folded } = useView().store;
  const open = paths.some((path) => !folded.value.has(path));
  return (
    <button
      type="button"
      class="nnv-choice"
      onClick={() => {
        folded.value = new Set(open ? paths : []);
      }}
    >
      {open ? "fold all" : "unfold all"}
    </button>
  );
}

/** The layers in call order, each with the health of its gradient. */
export function LayerList() {
  const { store } = useView();
  const search = useSignal("");
  const layers = store.source.layers.value;
  const searching = search.value.trim() !== "";
  const rows = searching ? foundRows(layers, search.value) : rowsOf(layers, store.folded.value);
  const nested = useComputed(() => [
    ...new Set(store.source.layers.value.flatMap(({ path }) => ancestorsOf(path))),
  ]);
  return (
    <nav class="nnv-layers" aria-label="Layers">
      <div class="nnv-layers-head">
        <h3>Layers</h3>
        {!searching && nested.value.length > 0 && <FoldAll paths={nested.value} />}
      </div>
      {layers.length >= SEARCH_FROM && (
        <input
          type="search"
          class="nnv-search"
          placeholder={`find in ${layers.length} layers`}
          aria-label="find a layer"
          onInput={(event) => {
            search.value = event.currentTarget.value;
          }}
        />
      )}
      {layers.length === 0 && (
        <p class="nnv-empty">
          The layers appear{" "}
          {comesLater(store.source.status.value) ? "when the cell has ended" : "with the first step"}.
        </p>
      )}
      {layers.length > 0 && rows.length === 0 && <p class="nnv-empty">No layer has that name.</p>}
      {rows.length > 0 && <LayerTree rows={rows} />}
    </nav>
  );
}
