/** The figures of a plane's header, for planes that the page makes itself. */

import { bf16Value, bitsOf, cellValue, isBad } from "../picture/bits.ts";
import { firstOf, sidesOf } from "../picture/side.ts";
import { GUTTER_BITS, type Plane } from "../protocol.gen.ts";
import type { Cells } from "./source.ts";

const BINS = 64;

/** Percentiles of float32 cells are those of a sample of this many values. */
const SAMPLE = 1 << 14;

type Measures = Pick<
  Plane,
  "low" | "high" | "clip_low" | "clip_high" | "n_nan" | "n_posinf" | "n_neginf" | "histogram" | "first_bad"
>;

/** The values of every so manieth cell, without those that are not finite. */
function sampleOf(cells: Cells): Float64Array {
  const every = Math.max(1, Math.ceil(cells.length / SAMPLE));
  const sample = new Float64Array(Math.ceil(cells.length / every));
  let n = 0;
  for (let i = 0; i < cells.length; i += every) {
    const value = cellValue(cells, i);
    if (Number.isFinite(value)) sample[n++] = value;
  }
  return sample.subarray(0, n).sort();
}

const counts = new Uint32Array(1 << 16);

/** Patterns as numbers in the order of their values, and back. */
const ordered = (bits: number): number => (bits & 0x8000 ? 0xffff - bits : bits + 0x8000);
const patternAt = (place: number): number => (place < 0x8000 ? 0xffff - place : place - 0x8000);

/** The same of all cells: to count 65,536 patterns takes a tenth of the time of sorting a sample. */
function clipOfPatterns(cells: Uint16Array): Pick<Plane, "clip_low" | "clip_high"> {
  counts.fill(0);
  let n = 0;
  for (const bits of cells) {
    if ((bits & 0x7f80) === 0x7f80) continue;
    const place = ordered(bits);
    counts[place] = (counts[place] ?? 0) + 1;
    n += 1;
  }
  const at = (share: number): number | null => {
    let left = Math.round((n - 1) * share);
    for (let place = 0; n > 0 && place < counts.length; place++) {
      left -= counts[place] ?? 0;
      if (left < 0) return bf16Value(patternAt(place));
    }
    return null;
  };
  return { clip_low: at(0.01), clip_high: at(0.99) };
}

/** The first and the 99th percentile of the finite values. */
export function clipOf(cells: Cells): Pick<Plane, "clip_low" | "clip_high"> {
  if (cells instanceof Uint16Array) return clipOfPatterns(cells);
  const sample = sampleOf(cells);
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

function rangeOf(cells: Cells): Pick<Plane, "low" | "high"> {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < cells.length; i++) {
    const value = cellValue(cells, i);
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? { low: null, high: null } : { low, high };
}

function countsOf(bits: Uint16Array): Pick<Plane, "n_nan" | "n_posinf" | "n_neginf"> {
  let [n_nan, n_posinf, n_neginf] = [0, 0, 0];
  for (const pattern of bits) {
    if (pattern === 0x7f80) n_posinf += 1;
    else if (pattern === 0xff80) n_neginf += 1;
    else if (isBad(pattern)) n_nan += 1;
  }
  return { n_nan, n_posinf, n_neginf };
}

/** What the header of a picture tells of its cells. */
export function measure(plane: Plane, cells: Cells): Measures {
  const range = rangeOf(cells);
  return {
    ...range,
    ...clipOf(cells),
    ...countsOf(bitsOf(cells)),
    histogram: histogramOf(cells, range.low, range.high),
    first_bad: firstBad(plane, cells),
  };
}

/** How much greater each cell is than the same one of another step; a gap stays one. */
export function difference(cells: Cells, before: Cells): Float32Array {
  const values = new Float32Array(cells.length);
  for (let i = 0; i < values.length; i++) values[i] = cellValue(cells, i) - cellValue(before, i);
  const [patterns, bits] = [new Uint32Array(values.buffer), bitsOf(cells)];
  for (let i = 0; i < bits.length; i++) if (bits[i] === GUTTER_BITS) patterns[i] = GUTTER_BITS * 0x1_0000;
  return values;
}
