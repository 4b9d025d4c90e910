import { computed, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { blocksOf } from "../picture/blocks.ts";
import type { Layout } from "../picture/layout.ts";
import type { Plane } from "../protocol.gen.ts";
import { useView } from "./context.ts";

/** Smaller blocks have no room for a name, and still smaller ones none for a line. CSS pixels. */
const NAME_HEIGHT = 11;
const CHARACTER = 6;
const LEAST = 3;

/** The names of blocks of rows beside the picture, of columns above it, and hairlines where no gap is between them. */
export function Blocks({ layout }: { layout: ReadonlySignal<Layout | null> }) {
  const now = layout.value;
  if (now === null) return null;
  const css = (pixels: number) => `${pixels / now.pixelRatio}px`;
  const rows = blocksOf(now.rows, now.rowEdges);
  const columns = blocksOf(now.cols, now.colEdges);
  const sizeOf = ({ from, to }: { from: number; to: number }) => (to - from) / now.pixelRatio;
  return (
    <div class="nnv-blocks" aria-hidden="true" style={{ height: css(now.height) }}>
      {rows.map(({ name, from, to }, i) => (
        <div key={from} class="nnv-row-block" style={{ top: css(from), height: css(to - from) }}>
          {i > 0 && now.rows.tile === 0 && sizeOf({ from, to }) >= LEAST && <i />}
          {sizeOf({ from, to }) >= NAME_HEIGHT && <span title={name}>{name}</span>}
        </div>
      ))}
      {columns.map(({ name, from, to }, i) => (
        <div key={from} class="nnv-column-block" style={{ left: css(from), width: css(to - from) }}>
          {i > 0 && now.cols.tile === 0 && sizeOf({ from, to }) >= LEAST && <i />}
          {sizeOf({ from, to }) >= name.length * CHARACTER && <span title={name}>{name}</span>}
        </div>
      ))}
    </div>
  );
}

/** What the maps of a layer leave for names: all of them the same, so that a neuron stays one line. CSS pixels. */
const MOST_NAMES = 108;
const NAMES_GAP = 14;

/** Room for the longest name of a block of rows; 0 if they have none. CSS pixels. */
export function namesWidth({ row_axes }: Plane): number {
  if (row_axes[0]?.labels.length === 0) return 0;
  const most = row_axes.map(({ labels }) => Math.max(0, ...labels.map(({ length }) => length)));
  const longest = most.reduce((sum, length) => sum + length + (sum > 0 && length > 0 ? 1 : 0), 0);
  return longest === 0 ? 0 : Math.min(MOST_NAMES, longest * CHARACTER + NAMES_GAP);
}

export function useNamesWidth(): ReadonlySignal<number> {
  const { store } = useView();
  return useMemo(() => {
    let last = 0;
    return computed(() => {
      const told = store.told.value;
      if (told === null) return last;
      const maps = told.planes.filter(({ plane }) => plane.part === "map");
      last = Math.max(0, ...maps.map(({ plane }) => namesWidth(plane)));
      return last;
    });
  }, [store]);
}
