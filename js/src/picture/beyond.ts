/** How many of the drawn cells are beyond the ends of their scale. */

import type { Cells } from "../source/source.ts";
import { bf16Value } from "./bits.ts";
import type { Limits } from "./limits.ts";

export interface Beyond {
  readonly above: number;
  readonly below: number;
}

let known: Float32Array | null = null;

/** The value of each bfloat16 pattern. */
function values(): Float32Array {
  known ??= Float32Array.from({ length: 65_536 }, (_, bits) => bf16Value(bits));
  return known;
}

/** Counts finite cells; the others have marks of their own. */
export function countBeyond(cells: Cells, { low, high }: Limits): Beyond {
  const table = cells instanceof Uint16Array ? values() : null;
  // Rounded to bfloat16 the end itself may be beyond it.
  const slack = table === null ? 0 : 2 ** -8;
  const top = high + Math.abs(high) * slack;
  const bottom = low - Math.abs(low) * slack;
  let above = 0;
  let below = 0;
  for (let i = 0; i < cells.length; i++) {
    const value = table === null ? (cells[i] ?? 0) : (table[cells[i] ?? 0] ?? 0);
    if (value > top && value < Number.POSITIVE_INFINITY) above += 1;
    else if (value < bottom && value > Number.NEGATIVE_INFINITY) below += 1;
  }
  return { above, below };
}
