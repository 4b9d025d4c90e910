/** The values themselves, written into their cells where there is room for all of them. */

import { formatValue, trueMinus } from "../format.ts";
import { GUTTER_BITS } from "../protocol.gen.ts";
import { cellValue } from "./bits.ts";
import type { Picture } from "./layout.ts";

/** The smallest cell that takes a number. CSS pixels. */
const LEAST = { width: 40, height: 14 } as const;
const TEXT_PX = 11;
const PADDING = 3;

/** Digits that are tried, most first: either all cells have that many or none. */
const DIGITS = [3, 2, 1] as const;

/** Relative luminance at which black and white stand out equally. */
const MIDDLE = 0.179;
const DARK_INK = "#000000";
const LIGHT_INK = "#ffffff";

function luminance(packed: number): number {
  const channel = (shift: number) => {
    const share = ((packed >>> shift) & 255) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(0) + 0.7152 * channel(8) + 0.0722 * channel(16);
}

/** Black or white, whichever is read better on a packed colour. */
export const inkOn = (packed: number): string => (luminance(packed) > MIDDLE ? DARK_INK : LIGHT_INK);

/** Whether the cells are large enough for numbers: the narrowest one decides. */
export function hasRoom({ rowEdges, colEdges, pixelRatio }: Picture): boolean {
  return (
    narrowest(rowEdges) >= LEAST.height * pixelRatio && narrowest(colEdges) >= LEAST.width * pixelRatio - 1
  );
}

function narrowest(edges: Int32Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < edges.length; i++) {
    const size = (edges[i] ?? 0) - (edges[i - 1] ?? 0);
    // The gap after the last tile has no pixels.
    if (size > 0) least = Math.min(least, size);
  }
  return least;
}

/** The text of every cell with as many digits as fit `width`, empty in gaps; `null` if not even one digit does. */
function textsOf({ data, bits }: Picture, width: number, charWidth: number): string[] | null {
  const { cells } = data;
  if (cells === null) return null;
  for (const digits of DIGITS) {
    const texts = Array.from(bits, (pattern, i) =>
      pattern === GUTTER_BITS ? "" : trueMinus(formatValue(cellValue(cells, i), digits)),
    );
    const longest = texts.reduce((most, { length }) => Math.max(most, length), 0);
    if (longest * charWidth <= width) return texts;
  }
  return null;
}

export function printValues(context: CanvasRenderingContext2D, picture: Picture, lut: Uint32Array): void {
  if (!hasRoom(picture)) return;
  const { bits, rowEdges, colEdges, pixelRatio } = picture;
  context.font = `${TEXT_PX * pixelRatio}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const room = narrowest(colEdges) - 2 * PADDING * pixelRatio;
  const texts = textsOf(picture, room, context.measureText("0").width);
  if (texts === null) return;
  const cols = colEdges.length - 1;
  for (const [i, text] of texts.entries()) {
    if (text === "") continue;
    const [row, col] = [Math.floor(i / cols), i % cols];
    const x = ((colEdges[col] ?? 0) + (colEdges[col + 1] ?? 0)) / 2;
    const y = ((rowEdges[row] ?? 0) + (rowEdges[row + 1] ?? 0)) / 2;
    context.fillStyle = inkOn(lut[bits[i] ?? 0] ?? 0);
    context.fillText(text, x, y);
  }
}
