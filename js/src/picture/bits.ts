/** bfloat16: the high half of a float32, the unit in which every picture is coloured. */

import { GUTTER_BITS, NAN_BITS } from "../protocol.gen.ts";
import type { Cells } from "../source/source.ts";

const GUTTER_F32 = (GUTTER_BITS << 16) >>> 0;
const INFINITE_F32 = 0x7f80_0000;
const LARGEST_BF16 = 0x7f7f;

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The bfloat16 pattern of a float32 pattern: nearest even; a finite value stays finite, a NaN stays a NaN. */
export function toBf16Bits(pattern: number): number {
  const size = pattern & 0x7fff_ffff;
  if (size > INFINITE_F32) return pattern >>> 0 === GUTTER_F32 ? GUTTER_BITS : NAN_BITS;
  const rounded = (pattern + 0x7fff + ((pattern >>> 16) & 1)) >>> 16;
  const overflowed = size < INFINITE_F32 && (rounded & 0x7fff) > LARGEST_BF16;
  return overflowed ? ((pattern >>> 16) & 0x8000) | LARGEST_BF16 : rounded;
}

/** The bfloat16 patterns of cells in either encoding; bfloat16 cells are returned as they are. */
export function bitsOf(cells: Cells): Uint16Array {
  if (cells instanceof Uint16Array) return cells;
  const patterns = new Uint32Array(cells.buffer, cells.byteOffset, cells.length);
  const bits = new Uint16Array(cells.length);
  for (let i = 0; i < bits.length; i++) bits[i] = toBf16Bits(patterns[i] ?? 0);
  return bits;
}

/** The value of one bfloat16 pattern; the gutter's is NaN. */
export function bf16Value(bits: number): number {
  word[0] = (bits << 16) >>> 0;
  return float[0] ?? 0;
}

/** The value of one cell. */
export function cellValue(cells: Cells, index: number): number {
  const cell = cells[index];
  if (cell === undefined) return Number.NaN;
  return cells instanceof Uint16Array ? bf16Value(cell) : cell;
}

/** Whether a pattern is NaN or infinite; a gap is neither. */
export function isBad(bits: number): boolean {
  return (bits & 0x7f80) === 0x7f80 && bits !== GUTTER_BITS;
}
