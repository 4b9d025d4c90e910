/** A map as a figure of its own: title, picture, colour bar and words, drawn by any pen. In CSS pixels. */

import { formatLabel } from "../format.ts";
import { drawPicture, mapFor } from "../picture/canvas.ts";
import { rampOf } from "../picture/colors.ts";
import { type Content, linesOf, titleOf } from "./content.ts";

export interface Pen {
  text(x: number, y: number, words: string, look: TextLook): void;
  /** A canvas of device pixels in a box. */
  image(canvas: HTMLCanvasElement, box: Box): void;
  /** Packed colours from the bottom to the top. */
  ramp(colors: Uint32Array, box: Box): void;
}

export interface TextLook {
  readonly size: number;
  readonly bold: boolean;
  readonly color: string;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Sheet {
  readonly width: number;
  readonly height: number;
  readonly background: string;
  draw(pen: Pen): void;
}

const MARGIN = 16;
const TITLE = { size: 14, height: 22 } as const;
const LINE = { size: 11, height: 16 } as const;
const BAR = { width: 11, gap: 10, labels: 56, least: 60 } as const;

/** About as wide as a letter is for its size, to keep long words on the sheet. */
const LETTER = 0.6;

export function sheetOf(content: Content): Sheet {
  const { picture, scale, theme } = content;
  // Whole device pixels, so that cells stay sharp.
  const snap = (at: number) => Math.round(at * picture.pixelRatio) / picture.pixelRatio;
  const [width, height] = [picture.width / picture.pixelRatio, picture.height / picture.pixelRatio];
  const title = titleOf(content);
  const lines = linesOf(content);
  const top = snap(MARGIN + TITLE.height + lines.length * LINE.height + 6);
  const bar: Box = {
    x: MARGIN + width + BAR.gap,
    y: top,
    width: BAR.width,
    height: Math.max(height, BAR.least),
  };
  const longest = Math.max(
    title.length * TITLE.size * LETTER,
    ...lines.map((words) => words.length * LINE.size * LETTER),
  );
  const small = { size: LINE.size, bold: false, color: theme.muted };
  const label = (y: number, words: string, pen: Pen) => pen.text(bar.x + BAR.width + 5, y, words, small);
  return {
    width: Math.ceil(MARGIN + Math.max(width + BAR.gap + BAR.width + BAR.labels, longest) + MARGIN),
    height: Math.ceil(top + bar.height + MARGIN),
    background: theme.surface,
    draw(pen) {
      pen.text(MARGIN, MARGIN + TITLE.size, title, { size: TITLE.size, bold: true, color: theme.text });
      for (const [i, words] of lines.entries())
        pen.text(MARGIN, MARGIN + TITLE.height + i * LINE.height + LINE.size, words, small);
      const canvas = document.createElement("canvas");
      canvas.width = picture.width;
      canvas.height = picture.height;
      drawPicture(canvas, picture, scale, theme);
      pen.image(canvas, { x: snap(MARGIN), y: top, width, height });
      pen.ramp(rampOf(mapFor(scale, theme)), bar);
      label(top + LINE.size - 2, formatLabel(scale.high), pen);
      if (scale.diverging) label(top + bar.height / 2 + 4, "0", pen);
      label(top + bar.height - 1, formatLabel(scale.low), pen);
    },
  };
}
