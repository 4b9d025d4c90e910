import type { Signal } from "@preact/signals";
import { endsOf } from "../picture/ends.ts";
import type { Plot } from "../picture/plot.ts";
import { frameOf } from "../picture/timeline.ts";
import type { BranchEntry } from "../protocol.gen.ts";
import { useView } from "./context.ts";
import type { Size } from "./hooks.ts";

/** Ends that are so near to each other are one to point at. CSS pixels. */
const NEAR = 6;

interface Dot {
  readonly left: number;
  readonly top: number;
  readonly names: string[];
}

/** Where branches that are not shown end. CSS pixels. */
function dotsOf(plot: Plot, { width, height, pixelRatio }: Size): Dot[] {
  const dots: Dot[] = [];
  for (const { curve, x, y } of endsOf(plot, frameOf(plot, width, height, pixelRatio))) {
    if (!curve.faint) continue;
    const [left, top] = [x / pixelRatio, y / pixelRatio];
    const near = dots.find((dot) => Math.hypot(dot.left - left, dot.top - top) < NEAR);
    if (near !== undefined) near.names.push(curve.name);
    else dots.push({ left, top, names: [curve.name] });
  }
  return dots;
}

function wordsOf(name: string, branches: readonly BranchEntry[]): string {
  const { parent = null, step = 0, last_step = 0 } = branches.find((branch) => branch.name === name) ?? {};
  const from = parent === null ? "" : `leaves ${parent} after step ${step}, `;
  return `${name}: ${from}ends at step ${last_step}`;
}

interface Props {
  readonly plot: Plot;
  readonly size: Size;
  /** The branches that are pointed at. */
  readonly held: Signal<readonly string[]>;
}

/** A dot where each branch ends that is not shown: it says what it is, also where its name has no room. */
export function BranchEnds({ plot, size, held }: Props) {
  const branches = useView().store.source.status.value?.debugging?.branches ?? [];
  return dotsOf(plot, size).map(({ left, top, names }) => {
    const words = names.map((name) => wordsOf(name, branches)).join("\n");
    return (
      <i
        key={names.join()}
        class="nnv-branch-end"
        role="img"
        aria-label={words}
        title={words}
        style={{ left: `${left}px`, top: `${top}px` }}
        onPointerEnter={() => {
          held.value = names;
        }}
        onPointerLeave={() => {
          held.value = [];
        }}
      />
    );
  });
}
