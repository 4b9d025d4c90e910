/** Which share of the values is smaller, by magnitude: the scale on which every colour is used equally often. */

import { bf16Value } from "./bits.ts";

/** Finite bfloat16 patterns without their sign; they sort like their values. */
const PATTERNS = 0x7f80;

export interface Ranks {
  /** Tells tables of colours apart. */
  readonly id: number;
  /** For each pattern the share of values of smaller magnitude, from 0 to 1. */
  readonly shares: Float32Array;
}

let made = 0;

export function ranksOf(bits: Uint16Array): Ranks {
  const counts = new Uint32Array(PATTERNS);
  for (let i = 0; i < bits.length; i++) {
    const pattern = (bits[i] ?? 0) & 0x7fff;
    if (pattern < PATTERNS) counts[pattern] = (counts[pattern] ?? 0) + 1;
  }
  let largest = PATTERNS - 1;
  while (largest > 0 && counts[largest] === 0) largest -= 1;
  const shares = new Float32Array(PATTERNS);
  let smaller = 0;
  for (let pattern = 0; pattern < PATTERNS; pattern++) {
    shares[pattern] = smaller;
    if (pattern < largest) smaller += counts[pattern] ?? 0;
  }
  // What is as large as the largest one has rank 1, also where many are.
  for (let pattern = 0; pattern < PATTERNS; pattern++) {
    shares[pattern] = (shares[pattern] ?? 0) / Math.max(smaller, 1);
  }
  made += 1;
  return { id: made, shares };
}

const word = new Float32Array(1);
const pattern = new Uint32Array(word.buffer);

/** From -1 to 1, with the value's sign. */
export function rankOf({ shares }: Ranks, value: number): number {
  word[0] = Math.abs(value);
  return Math.sign(value) * (shares[Math.min((pattern[0] ?? 0) >>> 16, PATTERNS - 1)] ?? 1);
}

/** The smallest value that has the rank. */
export function valueOfRank({ shares }: Ranks, rank: number): number {
  const wanted = Math.min(Math.abs(rank), 1);
  let low = 0;
  let high = PATTERNS - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((shares[middle] ?? 1) >= wanted) high = middle;
    else low = middle + 1;
  }
  return Math.sign(rank) * bf16Value(low);
}
