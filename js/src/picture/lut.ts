/** A colour for each of the 65,536 bfloat16 patterns, so that drawing a cell is one look-up, NaN or not. */

import { GUTTER_BITS } from "../protocol.gen.ts";
import { pageWide } from "../shared.ts";
import { type ColorMap, packRgb, parseHex, rampOf, SPECIAL } from "./colors.ts";
import type { Limits } from "./limits.ts";

/** 256 KiB each. */
const MOST_KEPT = 32;

const packHex = (hex: string): number => packRgb(...parseHex(hex));

function build(map: ColorMap, limits: Limits): Uint32Array {
  const ramp = rampOf(map);
  const colors = new Uint32Array(65_536);
  const patterns = new Uint32Array(1);
  const values = new Float32Array(patterns.buffer);
  const scale = 255 / (limits.high - limits.low || 1);
  for (let bits = 0; bits < 65_536; bits++) {
    patterns[0] = (bits << 16) >>> 0;
    const value = values[0] ?? 0;
    const place = Math.round((value - limits.low) * scale);
    colors[bits] = ramp[Math.min(Math.max(place, 0), 255)] ?? 0;
  }
  colors[0x7f80] = packHex(SPECIAL.posinf);
  colors[0xff80] = packHex(SPECIAL.neginf);
  colors.fill(packHex(SPECIAL.nan), 0x7f81, 0x8000);
  colors.fill(packHex(SPECIAL.nan), 0xff81, 0x1_0000);
  colors[GUTTER_BITS] = 0;
  return colors;
}

/** Returns the table for a map and its limits; packed RGBA, the gutter transparent. */
export function lutOf(map: ColorMap, limits: Limits): Uint32Array {
  const { luts } = pageWide();
  const key = `${map} ${limits.low} ${limits.high}`;
  const known = luts.get(key);
  const lut = known ?? build(map, limits);
  // Newest last, so that the first one is the one that was not used for longest.
  luts.delete(key);
  luts.set(key, lut);
  if (luts.size > MOST_KEPT) luts.delete(luts.keys().next().value ?? key);
  return lut;
}
