import { describe, expect, test } from "vitest";
import { nextBad } from "../src/picture/bad.ts";
import { bf16Value, bitsOf, toBf16Bits } from "../src/picture/bits.ts";
import { drawPicture } from "../src/picture/canvas.ts";
import { colorAt, packRgb, parseHex, SPECIAL } from "../src/picture/colors.ts";
import { createLayOut, heightFor, layOut, placeUnder } from "../src/picture/layout.ts";
import { hold, type Limits, limitsOf } from "../src/picture/limits.ts";
import { lutOf } from "../src/picture/lut.ts";
import { poolPlane } from "../src/picture/pool.ts";
import { linear } from "../src/picture/scale.ts";
import { GUTTER_BITS, NAN_BITS } from "../src/protocol.gen.ts";
import type { Theme } from "../src/theme.ts";
import { plane } from "./fakes.ts";

const LIGHT: Theme = {
  dark: false,
  text: "#000",
  muted: "#666",
  line: "#ddd",
  raw: "#ccc",
  accent: "#00f",
  second: "#0a0",
  select: "#f80",
  surface: "#fff",
  font: "sans-serif",
};

const ONE = linear({ low: -1, high: 1, diverging: true });
const packed = (hex: string) => packRgb(...parseHex(hex));

function patternOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

describe("bfloat16", () => {
  test.each([
    [0, 0],
    [-0, 0x8000],
    [1, 0x3f80],
    [-1, 0xbf80],
    [Number.POSITIVE_INFINITY, 0x7f80],
    [Number.NEGATIVE_INFINITY, 0xff80],
    [1e-45, 0],
  ])("%d", (value, bits) => {
    expect(toBf16Bits(patternOf(value))).toBe(bits);
  });

  test("rounds to the nearest, ties to even", () => {
    expect(toBf16Bits(0x3f80_8000)).toBe(0x3f80);
    expect(toBf16Bits(0x3f81_8000)).toBe(0x3f82);
    expect(toBf16Bits(0x3f80_8001)).toBe(0x3f81);
  });

  test("N01 a finite value never becomes infinite, a NaN never a number", () => {
    expect(bf16Value(toBf16Bits(patternOf(3.4028e38)))).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(bf16Value(toBf16Bits(patternOf(-3.4028e38)))).toBeGreaterThan(Number.NEGATIVE_INFINITY);
    expect(toBf16Bits(0x7f80_0001)).toBe(NAN_BITS);
    expect(toBf16Bits(0xffff_ffff)).toBe(NAN_BITS);
    expect(toBf16Bits(GUTTER_BITS * 0x1_0000)).toBe(GUTTER_BITS);
  });
});

describe("look-up table", () => {
  test("zero, both ends and what is beyond", () => {
    const lut = lutOf("diverging-light", ONE);
    const at = (value: number) => lut[toBf16Bits(patternOf(value))];
    expect(at(1)).toBe(colorAt("diverging-light", 1));
    expect(at(-1)).toBe(colorAt("diverging-light", 0));
    expect(at(1e12)).toBe(at(1));
    expect(at(0)).toBe(at(-0));
  });

  test("N01 NaN, the infinities and the gutter have colours of their own", () => {
    const lut = lutOf("sequential-dark", linear({ low: 0, high: 3, diverging: false }));
    expect(lut[NAN_BITS]).toBe(packed(SPECIAL.nan));
    expect(lut[0xffff]).toBe(packed(SPECIAL.nan));
    expect(lut[0x7f80]).toBe(packed(SPECIAL.posinf));
    expect(lut[0xff80]).toBe(packed(SPECIAL.neginf));
    expect(lut[GUTTER_BITS]).toBe(0);
  });

  test("is made once a page, and only so many are kept", () => {
    const first = lutOf("diverging-light", ONE);
    expect(lutOf("diverging-light", { ...ONE })).toBe(first);
    for (let i = 2; i < 60; i++) lutOf("diverging-dark", { ...ONE, low: -i, high: i });
    expect(lutOf("diverging-light", ONE)).not.toBe(first);
  });
});

describe("limits", () => {
  test("weights are symmetric, activations begin at zero", () => {
    expect(limitsOf(plane(1, 1, { clip_low: -0.2, clip_high: 0.1 }))).toEqual({
      low: -0.2,
      high: 0.2,
      diverging: true,
    });
    const relu = plane(1, 1, { tensor: "activations", low: 0, high: 5, clip_low: 0, clip_high: 3 });
    expect(limitsOf(relu)).toEqual({ low: 0, high: 3, diverging: false });
    const tanh = plane(1, 1, { tensor: "activations", low: -1, high: 1, clip_low: -0.9, clip_high: 0.8 });
    expect(limitsOf(tanh)).toEqual({ low: -0.9, high: 0.9, diverging: true });
  });

  test("N02 zeros and nearly only zeros", () => {
    const zeros = plane(1, 1, { low: 0, high: 0, clip_low: 0, clip_high: 0 });
    expect(limitsOf(zeros)).toEqual({ low: -1, high: 1, diverging: true });
    const sparse = plane(1, 1, { low: -0.01, high: 0.02, clip_low: 0, clip_high: 0 });
    expect(limitsOf(sparse)).toEqual({ low: -0.02, high: 0.02, diverging: true });
  });

  test("N01 nothing finite has none", () => {
    expect(limitsOf(plane(1, 1, { low: null, high: null }))).toBeNull();
  });

  test("are held against flicker, grow clearly and shrink late", () => {
    const at = (high: number): Limits => ({ low: -high, high, diverging: true });
    expect(hold(at(1), at(1.05))).toEqual(at(1));
    expect(hold(at(1), at(0.5))).toEqual(at(1));
    expect(hold(at(1), at(2))?.high).toBeGreaterThanOrEqual(2);
    expect(hold(at(1), at(0.1))).toEqual(at(0.1));
    expect(hold(at(1), null)).toEqual(at(1));
  });
});

/** The drawn pixel, packed. */
function pixelOf(canvas: HTMLCanvasElement, x: number, y: number): number {
  const data = canvas.getContext("2d")?.getImageData(x, y, 1, 1).data ?? new Uint8ClampedArray(4);
  return new Uint32Array(data.buffer)[0] ?? 0;
}

describe("N01 real pixels", () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const cells = Float32Array.of(1, -1, nan, inf, -inf, 0);
  const picture = layOut({ plane: plane(2, 3), cells, missing: null }, 30, 20, 1);

  function drawn(): HTMLCanvasElement {
    if (picture === null) throw new Error("nothing to draw");
    const canvas = document.createElement("canvas");
    canvas.width = picture.width;
    canvas.height = picture.height;
    drawPicture(canvas, picture, ONE, LIGHT);
    return canvas;
  }

  test("each cell fills its own device pixels, edge to edge", () => {
    const canvas = drawn();
    expect([canvas.width, canvas.height]).toEqual([30, 20]);
    const lut = lutOf("diverging-light", ONE);
    const bits = bitsOf(cells);
    for (let row = 0; row < 2; row++) {
      for (let col = 0; col < 3; col++) {
        const color = lut[bits[row * 3 + col] ?? 0];
        expect(pixelOf(canvas, col * 10, row * 10)).toBe(color);
        expect(pixelOf(canvas, col * 10 + 9, row * 10 + 9)).toBe(color);
      }
    }
  });

  test("NaN and the infinities are seen", () => {
    const canvas = drawn();
    expect(pixelOf(canvas, 25, 5)).toBe(packed(SPECIAL.nan));
    expect(pixelOf(canvas, 5, 15)).toBe(packed(SPECIAL.posinf));
    expect(pixelOf(canvas, 15, 15)).toBe(packed(SPECIAL.neginf));
  });
});

describe("pooling", () => {
  test("N06 one NaN among many survives, then an infinity, then the extreme with its sign", () => {
    const cells = new Float32Array(784 * 4);
    cells[400 * 4] = Number.NaN;
    cells[401 * 4 + 1] = Number.NEGATIVE_INFINITY;
    cells[402 * 4 + 2] = -7;
    cells[403 * 4 + 2] = 6;
    const pooled = poolPlane({ plane: plane(784, 4), cells, missing: null }, 200, 100);
    expect([pooled.plane.rows, pooled.plane.row_factor, pooled.plane.reduce]).toEqual([196, 4, "absmax"]);
    const row = bitsOf(pooled.cells ?? new Uint16Array()).slice(400, 404);
    expect(row[0]).toBe(NAN_BITS);
    expect(Array.from(row.slice(1), bf16Value)).toEqual([Number.NEGATIVE_INFINITY, -7, 0]);
  });

  test("activations keep the greatest value", () => {
    const cells = Float32Array.of(-5, 1, -3, -2);
    const data = { plane: plane(4, 1, { tensor: "activations" }), cells, missing: null };
    const pooled = poolPlane(data, 2, 1);
    expect(Array.from(bitsOf(pooled.cells ?? new Uint16Array()), bf16Value)).toEqual([1, -2]);
  });

  test("never crosses a gutter, and drops gutters only when tiles of one cell do not fit", () => {
    const g = GUTTER_BITS;
    const bits = Uint16Array.of(0x3f80, 0x4000, g, 0x4040, 0x4080, g);
    const header = plane(1, 6, {
      encoding: "bf16",
      gutter: true,
      neuron_cols: 3,
      col_axes: [
        { name: "filter", size: 2, labels: [] },
        { name: "x", size: 2, labels: [] },
      ],
    });
    const data = { plane: header, cells: bits, missing: null };
    expect(Array.from(poolPlane(data, 1, 5).cells ?? [])).toEqual([0x4000, g, 0x4080, g]);
    expect(Array.from(poolPlane(data, 1, 2).cells ?? [])).toEqual([0x4000, 0x4080]);
    expect(Array.from(poolPlane(data, 1, 1).cells ?? [])).toEqual([0x4080]);
  });

  test("what fits is not touched", () => {
    const data = { plane: plane(2, 2), cells: new Float32Array(4), missing: null };
    expect(poolPlane(data, 2, 2)).toBe(data);
  });
});

describe("layout", () => {
  test("planes of one shape share one layout, whatever their values", () => {
    const lay = createLayOut(300, 200, 1);
    const of = (rows: number, start = 0) =>
      lay({
        plane: plane(rows, 3, { row_start: start, full_rows: 40, shown_rows: rows, low: -rows }),
        cells: new Float32Array(rows * 3).fill(start),
        missing: null,
      })?.layout;
    const first = of(20);
    expect(first).toBeDefined();
    expect(of(20)).toBe(first);
    expect(of(20, 5)).not.toBe(first);
    expect(of(10)?.rowEdges).toHaveLength(11);
  });

  test("rows are whole device pixels where that fills the place, and never higher than it", () => {
    expect([heightFor(196, 200, 18), heightFor(16, 112, 18), heightFor(31, 200, 18)]).toEqual([
      196, 112, 186,
    ]);
    expect(heightFor(128, 200, 18)).toBe(200);
    expect([heightFor(1, 200, 18), heightFor(3, 400, 40.5)]).toEqual([18, 120]);
  });

  test("no cell is drawn as a bar", () => {
    const heightOf = (rows: number, cols: number) => {
      const cells = new Float32Array(rows * cols);
      return layOut({ plane: plane(rows, cols), cells, missing: null }, 600, 200, 1)?.height;
    };
    expect([heightOf(1, 128), heightOf(3, 20), heightOf(1, 1), heightOf(4, 10)]).toEqual([18, 90, 50, 200]);
  });

  test("cells of tiles are square where that fits, and never higher than the place", () => {
    const tiles = (side: number, filters: number, room: number) => {
      const axes = [{ name: "filter", size: filters, labels: [] }];
      const cols = filters * (side + 1);
      const changes = { gutter: true, col_axes: [...axes, { name: "x", size: side, labels: [] }] };
      const cells = new Float32Array(side * cols);
      return layOut({ plane: plane(side, cols, changes), cells, missing: null }, 924, room, 1);
    };
    const map = tiles(24, 14, 112);
    expect(map?.width).toBe(924);
    expect(map?.height).toBe(Math.round((24 * 924) / (14 * 25)));
    expect(tiles(24, 4, 112)?.height).toBe(112);
    expect(tiles(5, 200, 200)?.height).toBe(24);
  });

  test("of a pooled cell the value that is known to be bad is found, not the cell's first one", () => {
    const cells = Float32Array.of(0, Number.NaN, Number.NaN, 0);
    const pooled = { full_rows: 8, full_cols: 8, row_factor: 4, col_factor: 4 };
    const header = plane(2, 2, { ...pooled, n_nan: 2, first_bad: { row: 2, column: 5 } });
    const data = { plane: header, cells, missing: null };
    expect(nextBad(data, null, 1)).toEqual({ row: 2, column: 5 });
    expect(nextBad(data, { row: 2, column: 5 }, 1)).toEqual({ row: 4, column: 0 });
    expect(nextBad(data, { row: 4, column: 0 }, 1)).toEqual({ row: 2, column: 5 });
  });

  test("a picture is never larger than its place wants, in cells", () => {
    const cells = new Float32Array(1000 * 1000);
    const picture = layOut({ plane: plane(1000, 1000), cells, missing: null }, 300, 200, 1);
    expect(picture?.rows.cells).toBeLessThanOrEqual(200);
    expect(picture?.cols.cells).toBeLessThanOrEqual(300);
  });

  test("a pixel leads back to its cell", () => {
    const cells = new Float32Array(20 * 7);
    const picture = layOut({ plane: plane(20, 7), cells, missing: null }, 100, 100, 1);
    if (picture === null) throw new Error("nothing to draw");
    expect(placeUnder(picture, 0, 0)).toEqual({ row: 0, column: 0 });
    expect(placeUnder(picture, 99, picture.height - 1)).toEqual({ row: 19, column: 6 });
  });

  test("N05 an empty tensor is not drawn", () => {
    expect(layOut({ plane: plane(0, 5), cells: new Float32Array(), missing: null }, 100, 100, 1)).toBeNull();
  });
});
