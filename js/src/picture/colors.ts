/** The colour maps: one diverging around zero and one sequential, each for a light and a dark page. */

import { COLOR_MAPS, SPECIAL } from "../colors.gen.ts";

export type ColorMap = keyof typeof COLOR_MAPS;

export { SPECIAL };

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
  const stops: readonly string[] = COLOR_MAPS[map];
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
