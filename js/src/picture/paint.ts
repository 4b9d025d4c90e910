/** Cells to pixels. */

/**
 * Fills `pixels` (`width` to a row) with the cells, each over the device pixels between its edges.
 *
 * The edges are whole device pixels and no cell is narrower than one: nothing is lost and nothing is blurred.
 */
export function paintCells(
  pixels: Uint32Array,
  width: number,
  bits: Uint16Array,
  rowEdges: Int32Array,
  colEdges: Int32Array,
  lut: Uint32Array,
): void {
  const cols = colEdges.length - 1;
  for (let row = 0; row < rowEdges.length - 1; row++) {
    const top = rowEdges[row] ?? 0;
    const bottom = rowEdges[row + 1] ?? 0;
    if (bottom <= top) continue;
    const start = top * width;
    let x = colEdges[0] ?? 0;
    for (let col = 0; col < cols; col++) {
      const color = lut[bits[row * cols + col] ?? 0] ?? 0;
      const right = colEdges[col + 1] ?? 0;
      for (; x < right; x++) pixels[start + x] = color;
    }
    for (let y = top + 1; y < bottom; y++) pixels.copyWithin(y * width, start, start + width);
  }
}
