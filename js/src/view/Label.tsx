import { formatShape } from "../format.ts";
import { SPECIAL } from "../picture/colors.ts";
import type { Kind, Plane } from "../protocol.gen.ts";
import type { PlaneData } from "../source/source.ts";
import { useView } from "./context.ts";

const NAMES: Record<Kind, string> = {
  weights: "weights",
  gradients: "gradients",
  activations: "activations",
  activation_gradients: "activations",
};

const SYMBOLS: Record<Kind, string> = {
  weights: "|w|",
  gradients: "|g|",
  activations: "a",
  activation_gradients: "|g|",
};

/** What one cell stands for: `max |w| of 4 rows`. */
export function pooledWords(plane: Plane): string | null {
  const { row_factor: rows, col_factor: cols, tensor, reduce } = plane;
  if (rows <= 1 && cols <= 1) return null;
  const what = reduce === "max" ? `max ${SYMBOLS[tensor].replaceAll("|", "")}` : `max ${SYMBOLS[tensor]}`;
  if (cols <= 1) return `${what} of ${rows} rows`;
  return rows <= 1 ? `${what} of ${cols} columns` : `${what} of ${rows} \u00d7 ${cols}`;
}

function Count({ n, name, color }: { n: number; name: string; color: string }) {
  if (n === 0) return null;
  return (
    <span class="nnv-count">
      <i style={{ background: color }} />
      {`${n} ${name}`}
    </span>
  );
}

/** Values between these limits fill the colour scale; whoever is outside has its end's colour. */
function beyond(plane: Plane): string | null {
  const { low, high, clip_low, clip_high } = plane;
  if (low === null || high === null || clip_low === null || clip_high === null) return null;
  if (low === high) return `all values ${plane.full_rows * plane.full_cols === 1 ? "" : "= "}${low}`;
  return null;
}

function Switch() {
  const { store } = useView();
  const gradients = store.outputGradients.value;
  return (
    <button
      type="button"
      class="nnv-switch"
      aria-pressed={gradients}
      title="Show the gradient of the loss with respect to the activations"
      onClick={() => {
        store.outputGradients.value = !gradients;
      }}
    >
      {gradients ? "their gradients" : "values"}
    </button>
  );
}

/** The name of a map and what is drawn in it. */
export function Label({ tensor, data }: { tensor: Kind; data: PlaneData | null }) {
  const output = tensor === "activations" || tensor === "activation_gradients";
  const plane = data?.cells ? data.plane : null;
  const pooled = plane === null ? null : pooledWords(plane);
  const constant = plane === null ? null : beyond(plane);
  return (
    <div class="nnv-map-label">
      <b>{NAMES[tensor]}</b>
      {output && <Switch />}
      {plane !== null && <span>{formatShape(plane.shape)}</span>}
      {plane !== null && output && plane.row_axes.length === 1 && plane.row_axes[0]?.name === "sample" && (
        <span>samples of this batch</span>
      )}
      {pooled !== null && <span>{pooled}</span>}
      {constant !== null && <span>{constant}</span>}
      {plane !== null && plane.note !== null && <span title={plane.note}>{plane.note}</span>}
      {plane !== null && <Count n={plane.n_nan} name="NaN" color={SPECIAL.nan} />}
      {plane !== null && <Count n={plane.n_posinf} name="+Inf" color={SPECIAL.posinf} />}
      {plane !== null && <Count n={plane.n_neginf} name={"\u2212Inf"} color={SPECIAL.neginf} />}
      {plane !== null && plane.low === null && <span>no finite values</span>}
    </div>
  );
}
