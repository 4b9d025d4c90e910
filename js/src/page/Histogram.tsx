import type { ReadonlySignal } from "@preact/signals";
import { formatLabel } from "../format.ts";
import type { Plane } from "../protocol.gen.ts";
import type { PlaneData } from "../source/source.ts";

/** A stair of one unit a bin, as high as 1, on a logarithmic scale: most gradients are nearly zero, and few are not. */
function stairs(counts: readonly number[]): string {
  const most = Math.log1p(Math.max(...counts));
  const height = (count: number) => (most === 0 ? 0 : Math.log1p(count) / most);
  const steps = counts.map((count) => `V${(1 - height(count)).toFixed(4)}h1`);
  return `M0 1${steps.join("")}V1z`;
}

function badWords({ n_nan, n_posinf, n_neginf }: Plane): string {
  const parts = [`${n_nan} NaN`, `${n_posinf} +Inf`, `${n_neginf} \u2212Inf`];
  return parts.filter((words) => !words.startsWith("0 ")).join(", ");
}

const countWords = (total: number): string =>
  `${total.toLocaleString("en-US")} ${total === 1 ? "value" : "values"}`;

function Bins({ plane }: { plane: Plane }) {
  const { histogram, low, high } = plane;
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const ends = `from ${formatLabel(low ?? 0)} to ${formatLabel(high ?? 0)}`;
  const bad = badWords(plane);
  return (
    <>
      <svg
        viewBox={`0 0 ${histogram.length} 1`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`how often each value is, ${ends}`}
      >
        <path d={stairs(histogram)} />
      </svg>
      <div class="nnv-bins-words">
        <span>{formatLabel(low ?? 0)}</span>
        <span>{[countWords(total), bad, "log scale"].filter((words) => words !== "").join(", ")}</span>
        <span>{formatLabel(high ?? 0)}</span>
      </div>
    </>
  );
}

/** Why there is no picture, and how the values are spread where that is told. */
export function Missing({ words, data }: { words: string; data: ReadonlySignal<PlaneData | null> }) {
  const plane = data.value?.plane ?? null;
  const told = plane !== null && data.value?.cells === null && plane.histogram.length > 0;
  if (plane === null || !told) return <p class="nnv-missing">{words}</p>;
  return (
    <div class="nnv-bins">
      <p>{words}</p>
      <Bins plane={plane} />
    </div>
  );
}
