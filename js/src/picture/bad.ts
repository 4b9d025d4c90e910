/** Where the cells are that are not finite. */

import type { FullCell } from "../cell.ts";
import type { PlaneData } from "../source/source.ts";
import { bitsOf, isBad } from "./bits.ts";
import { cellAt, firstOf, holds, sidesOf } from "./side.ts";

/**
 * The next bad cell among those drawn, row by row and around the end; `null` if there is none.
 *
 * Args:
 *   from: Where to begin; that cell itself comes last. `null` begins before the first one.
 *   towards: 1 for the next one, -1 for the one before.
 */
export function nextBad(data: PlaneData, from: FullCell | null, towards: 1 | -1): FullCell | null {
  if (data.cells === null || data.cells.length === 0) return null;
  const bits = bitsOf(data.cells);
  const { rows, cols } = sidesOf(data.plane);
  const at = from === null ? -1 : cellAt(rows, from.row) * cols.cells + cellAt(cols, from.column);
  for (let i = 1; i <= bits.length; i++) {
    const index = (at + towards * i + bits.length) % bits.length;
    if (!isBad(bits[index] ?? 0)) continue;
    const known = data.plane.first_bad;
    const drawn = known !== null && holds(rows, known.row) && holds(cols, known.column);
    // Of many values in one cell only that one is known to be bad.
    if (drawn && cellAt(rows, known.row) * cols.cells + cellAt(cols, known.column) === index) return known;
    return { row: firstOf(rows, Math.floor(index / cols.cells)), column: firstOf(cols, index % cols.cells) };
  }
  return null;
}
