/** A colour for each of the 65,536 bfloat16 patterns, so that drawing a cell is one look-up, NaN or not. */

import { GUTTER_BITS } from "../protocol.gen.ts";
import { pageWide } from "../shared.ts";
import { type ColorMap, packRgb, parseHex, rampOf, SPECIAL } from "./colors.ts";
import { placing, type Scale } from "./scale.ts";

/** 256 KiB each. */
const MOST_KEPT = 32;

const packHex = (hex: string): number => packRgb(...parseHex(hex));

function build(map: ColorMap, scale: Scale): Uint32Array {
  const ramp = rampOf(map);
  const colors = new Uint32Array(65_536);
  const patterns = new Uint32Array(1);
  const values = new Float32Array(patterns.buffer);
  const place = placing(scale);
  for (let bits = 0; bits < 65_536; bits++) {
    patterns[0] = (bits << 16) >>> 0;
    const index = Math.round(place(values[0] ?? 0) * 255);
    colors[bits] = ramp[Math.min(Math.max(index, 0), 255)] ?? 0;
  }
  colors[0x7f80] = packHex(SPECIAL.posinf);
  colors[0xff80] = packHex(SPECIAL.neginf);
  colors.fill(packHex(SPECIAL.nan), 0x7f81, 0x8000);
  colors.fill(packHex(SPECIAL.nan), 0xff81, 0x1_0000);
  colors[GUTTER_BITS] = 0;
  return colors;
}

/** Tables of all copies of this module lie side by side; ranks are numbered within one copy. */
const COPY = Math.random().toString(36);

function keyOf(map: ColorMap, { norm, ranks, low, high }: Scale): string {
  return [map, norm, low, high, ...(ranks === null ? [] : [COPY, ranks.id])].join(" ");
}

/** Returns the table for a map and its scale; packed RGBA, the gutter transparent. */
export function lutOf(map: ColorMap, scale: Scale): Uint32Array {
  const { luts } = pageWide();
  const key = keyOf(map, scale);
  const known = luts.get(key);
  const lut = known ?? build(map, scale);
  // Newest last, so that the first one is the one that was not used for longest.
  luts.delete(key);
  luts.set(key, lut);
  if (luts.size > MOST_KEPT) luts.delete(luts.keys().next().value ?? key);
  return lut;
}
