/** A sheet as SVG: words stay words and the colour bar a gradient; the cells are an embedded PNG. */

import type { Pen, Sheet } from "./sheet.ts";

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escaped = (words: string): string => words.replaceAll(/[&<>"]/g, (char) => ESCAPES[char] ?? char);

const rgb = (packed: number): string => `rgb(${packed & 255},${(packed >> 8) & 255},${(packed >> 16) & 255})`;

/** Of a ramp of 256 colours so many are enough: between them it is straight. */
const STOPS = 32;

export function toSvg(sheet: Sheet): string {
  const parts: string[] = [];
  const box = ({ x, y, width, height }: { x: number; y: number; width: number; height: number }) =>
    `x="${x}" y="${y}" width="${width}" height="${height}"`;
  const pen: Pen = {
    text(x, y, words, { size, bold, color }) {
      const weight = bold ? ' font-weight="600"' : "";
      parts.push(
        `<text x="${x}" y="${y}" font-size="${size}"${weight} fill="${color}">${escaped(words)}</text>`,
      );
    },
    image(canvas, where) {
      const data = canvas.toDataURL("image/png");
      parts.push(`<image ${box(where)} style="image-rendering:pixelated" href="${data}"/>`);
    },
    ramp(colors, where) {
      const stops = Array.from({ length: STOPS + 1 }, (_, i) => {
        const color = colors[Math.round((i / STOPS) * (colors.length - 1))] ?? 0;
        return `<stop offset="${i / STOPS}" stop-color="${rgb(color)}"/>`;
      });
      parts.push(`<linearGradient id="ramp" x1="0" y1="1" x2="0" y2="0">${stops.join("")}</linearGradient>`);
      parts.push(`<rect ${box(where)} fill="url(#ramp)"/>`);
    },
  };
  sheet.draw(pen);
  const size = `width="${sheet.width}" height="${sheet.height}" viewBox="0 0 ${sheet.width} ${sheet.height}"`;
  const ground = `<rect width="100%" height="100%" fill="${sheet.background}"/>`;
  const start = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="system-ui, sans-serif">`;
  return [start, ground, ...parts, "</svg>", ""].join("\n");
}
