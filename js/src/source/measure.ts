/** The figures of a plane's header, for planes that the page makes itself. */

import { bitsOf, cellValue, isBad } from "../picture/bits.ts";
import { firstOf, sidesOf } from "../picture/side.ts";
import { GUTTER_BITS, type Plane } from "../protocol.gen.ts";
import type { Cells } from "./source.ts";

const BINS = 64;

/** Percentiles are those of a sample of this many values. */
const SAMPLE = 1 << 14;

type Measures = Pick<
  Plane,
  "low" | "high" | "clip_low" | "clip_high" | "n_nan" | "n_posinf" | "n_neginf" | "histogram" | "first_bad"
>;

function finiteOf(cells: Cells): Float64Array {
  return Float64Array.from(cells, (_, i) => cellValue(cells, i)).filter(Number.isFinite);
}

export function clipOf(cells: Cells): Pick<Plane, "clip_low" | "clip_high"> {
  const finite = finiteOf(cells);
  const every = Math.max(1, Math.ceil(finite.length / SAMPLE));
  const sample = finite.filter((_, i) => i % every === 0).sort();
  const at = (share: number) => sample[Math.round((sample.length - 1) * share)] ?? null;
  return { clip_low: at(0.01), clip_high: at(0.99) };
}

export function histogramOf(cells: Cells, low: number | null, high: number | null): number[] {
  if (low === null || high === null || high <= low) return [];
  const counts = new Array<number>(BINS).fill(0);
  for (let i = 0; i < cells.length; i++) {
    const value = cellValue(cells, i);
    if (!Number.isFinite(value)) continue;
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * BINS)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

export function firstBad(plane: Plane, cells: Cells): Plane["first_bad"] {
  const index = bitsOf(cells).findIndex(isBad);
  if (index < 0) return null;
  const { rows, cols } = sidesOf(plane);
  return { row: firstOf(rows, Math.floor(index / plane.cols)), column: firstOf(cols, index % plane.cols) };
}

export function measure(plane: Plane, cells: Cells): Measures {
  const finite = finiteOf(cells);
  const low = finite.length === 0 ? null : finite.reduce((a, b) => Math.min(a, b));
  const high = finite.length === 0 ? null : finite.reduce((a, b) => Math.max(a, b));
  const bits = bitsOf(cells);
  const count = (is: (pattern: number) => boolean) => bits.reduce((n, pattern) => n + Number(is(pattern)), 0);
  return {
    low,
    high,
    ...clipOf(cells),
    n_nan: count((pattern) => isBad(pattern) && (pattern & 0x7f) !== 0),
    n_posinf: count((pattern) => pattern === 0x7f80),
    n_neginf: count((pattern) => pattern === 0xff80),
    histogram: histogramOf(cells, low, high),
    first_bad: firstBad(plane, cells),
  };
}

/** How much greater each cell is than the same one of another step; a gap stays one. */
export function difference(cells: Cells, before: Cells): Float32Array {
  const values = Float32Array.from(cells, (_, i) => cellValue(cells, i) - cellValue(before, i));
  const patterns = new Uint32Array(values.buffer);
  for (const [i, pattern] of bitsOf(cells).entries()) {
    if (pattern === GUTTER_BITS) patterns[i] = GUTTER_BITS * 0x1_0000;
  }
  return values;
}
