/** A sheet as pixels. */

import type { Pen, Sheet } from "./sheet.ts";

const FONT = "system-ui, sans-serif";

const cssColor = (packed: number): string =>
  `rgb(${packed & 255} ${(packed >> 8) & 255} ${(packed >> 16) & 255})`;

function penOn(context: CanvasRenderingContext2D): Pen {
  return {
    text(x, y, words, { size, bold, color }) {
      context.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
      context.fillStyle = color;
      context.fillText(words, x, y);
    },
    image(canvas, { x, y, width, height }) {
      context.imageSmoothingEnabled = false;
      context.drawImage(canvas, x, y, width, height);
    },
    ramp(colors, { x, y, width, height }) {
      const gradient = context.createLinearGradient(0, y + height, 0, y);
      for (const [i, color] of colors.entries())
        gradient.addColorStop(i / (colors.length - 1), cssColor(color));
      context.fillStyle = gradient;
      context.fillRect(x, y, width, height);
    },
  };
}

/** Draws at so many device pixels a CSS pixel. */
export function toCanvas(sheet: Sheet, pixelRatio: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(sheet.width * pixelRatio);
  canvas.height = Math.round(sheet.height * pixelRatio);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser draws no more canvases: close other pages");
  context.scale(pixelRatio, pixelRatio);
  context.fillStyle = sheet.background;
  context.fillRect(0, 0, sheet.width, sheet.height);
  sheet.draw(penOn(context));
  return canvas;
}

export function toPng(sheet: Sheet, pixelRatio: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    toCanvas(sheet, pixelRatio).toBlob((blob) => {
      if (blob === null) reject(new Error("the picture could not be written as PNG"));
      else resolve(blob);
    }, "image/png");
  });
}
