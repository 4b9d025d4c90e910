/** Which rows of a long list are on screen. */

/** Where each row begins, and the end: one number more than there are rows. CSS pixels. */
export function offsetsOf(heights: readonly number[]): Float64Array {
  const offsets = new Float64Array(heights.length + 1);
  for (const [i, height] of heights.entries()) offsets[i + 1] = (offsets[i] ?? 0) + height;
  return offsets;
}

/** The row that holds a place. */
export function rowAt(offsets: Float64Array, y: number): number {
  let low = 0;
  let high = Math.max(0, offsets.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The first row and the end of those to draw, with `spare` rows beyond each edge, which a quick hand scrolls into. */
export function shownRows(
  offsets: Float64Array,
  top: number,
  height: number,
  spare: number,
): readonly [number, number] {
  const rows = offsets.length - 1;
  if (rows === 0) return [0, 0];
  return [Math.max(0, rowAt(offsets, top) - spare), Math.min(rows, rowAt(offsets, top + height) + 1 + spare)];
}

/** Where to scroll to, so that a row is seen whole; where it was if it is. */
export function scrollTo(offsets: Float64Array, row: number, top: number, height: number): number {
  const from = offsets[row] ?? 0;
  const to = offsets[row + 1] ?? from;
  if (from < top) return from;
  return to > top + height ? to - height : top;
}
