/** The colour maps: one diverging around zero and one sequential, each for a light and a dark page. */

export type ColorMap = "diverging-light" | "diverging-dark" | "sequential-light" | "sequential-dark";

/** Evenly spaced colours. The diverging ones are as light at one end as at the other, so neither sign looks larger. */
const STOPS: Record<ColorMap, readonly string[]> = {
  "diverging-light": [
    "#053061",
    "#2166ac",
    "#4393c3",
    "#92c5de",
    "#d1e5f0",
    "#f7f7f7",
    "#fddbc7",
    "#f4a582",
    "#d6604d",
    "#b2182b",
    "#67001f",
  ],
  "diverging-dark": [
    "#62abff",
    "#3f7cc4",
    "#264d7e",
    "#1b2a40",
    "#17191d",
    "#38231b",
    "#77412a",
    "#bb653f",
    "#ff9663",
  ],
  "sequential-light": ["#f7f7f7", "#dbe3ef", "#b3c3dd", "#7d97c3", "#4a6ba6", "#22468a", "#0a2a66"],
  "sequential-dark": ["#17191d", "#2b3558", "#4a5272", "#6f7178", "#9c9466", "#cdba50", "#ffe84d"],
};

/** Cells that are no number on the scale; none of these colours is in a map. RGB. */
export const SPECIAL = { nan: "#ff00e5", posinf: "#7ee000", neginf: "#00d9c0" } as const;

export function parseHex(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** As canvas pixels are stored on every machine with a browser: the lowest byte is red. */
export function packRgb(red: number, green: number, blue: number): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** The colour at `t` from 0 to 1, packed. */
export function colorAt(map: ColorMap, t: number): number {
  const stops = STOPS[map];
  const place = Math.min(Math.max(t, 0), 1) * (stops.length - 1);
  const index = Math.min(Math.floor(place), stops.length - 2);
  const from = parseHex(stops[index] ?? "#000000");
  const to = parseHex(stops[index + 1] ?? "#000000");
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(from[channel] + (to[channel] - from[channel]) * (place - index));
  return packRgb(mix(0), mix(1), mix(2));
}

const ramps = new Map<ColorMap, Uint32Array>();

/** 256 colours from the low end to the high one. */
export function rampOf(map: ColorMap): Uint32Array {
  const known = ramps.get(map);
  if (known !== undefined) return known;
  const ramp = Uint32Array.from({ length: 256 }, (_, i) => colorAt(map, i / 255));
  ramps.set(map, ramp);
  return ramp;
}
