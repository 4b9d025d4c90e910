import { describe, expect, test } from "vitest";
import { toBf16Bits } from "../src/picture/bits.ts";
import { GUTTER_BITS, NAN_BITS } from "../src/protocol.gen.ts";
import { clipOf } from "../src/source/measure.ts";

const patterns = (values: readonly number[]): Uint16Array =>
  Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), toBf16Bits);

describe("percentiles", () => {
  // Whole numbers up to 256 are exact as bfloat16.
  const values = Array.from({ length: 401 }, (_, i) => ((i * 137) % 401) - 200);

  test("are the same of cells in either encoding", () => {
    expect(clipOf(Float32Array.from(values))).toEqual({ clip_low: -196, clip_high: 196 });
    expect(clipOf(patterns(values))).toEqual({ clip_low: -196, clip_high: 196 });
  });

  test("of bfloat16 cells are those of all of them", () => {
    const many = new Uint16Array(40_000).fill(patterns([1])[0] ?? 0);
    // A sample of every third cell would not meet one of these.
    for (let i = 1; i < 3000; i += 3) many[i] = patterns([-5])[0] ?? 0;
    expect(clipOf(many)).toEqual({ clip_low: -5, clip_high: 1 });
  });

  test("leave out what is not finite, and gaps", () => {
    const bad = [NAN_BITS, GUTTER_BITS, 0x7f80, 0xff80];
    expect(clipOf(Uint16Array.from([...bad, ...patterns([2]), ...bad]))).toEqual({
      clip_low: 2,
      clip_high: 2,
    });
    expect(clipOf(Uint16Array.from(bad))).toEqual({ clip_low: null, clip_high: null });
    expect(clipOf(new Uint16Array(0))).toEqual({ clip_low: null, clip_high: null });
  });
});
