import { describe, expect, test } from "vitest";
import { allowedIn } from "../src/actions.ts";
import {
  formatLabel,
  formatMetric,
  formatRate,
  formatValue,
  shapeWords,
  shorten,
  trueMinus,
} from "../src/format.ts";
import { MAX_FRAME_BYTES } from "../src/protocol.gen.ts";
import { createRequests, mapRequest } from "../src/requests.ts";
import { sampleWords } from "../src/view/Label.tsx";
import { pooledWords } from "../src/words.ts";
import { plane, status } from "./fakes.ts";

describe("numbers", () => {
  test.each([
    [0.0199, "0.0199"],
    [-0.00092, "-9.2e-4"],
    [0.24219, "0.242"],
    [0, "0"],
    [-0, "0"],
    [128, "128"],
    [1234.5, "1235"],
    [-98765.4, "-98765"],
    [1e-45, "1e-45"],
    [65504, "65504"],
    [1e300, "1e300"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
  ])("N02 N03 %d", (value, text) => {
    expect(formatValue(value)).toBe(text);
  });

  test("N03 exact texts are shortened only if they are plain numbers", () => {
    expect(shorten("-0.019912345")).toBe("-0.0199");
    expect([shorten("0.0"), shorten("65504.0"), shorten("1e-45")]).toEqual(["0", "65504", "1e-45"]);
    for (const text of ["18446744073709551615", "True", "(1.5+2.25j)", "nan"])
      expect(shorten(text)).toBe(text);
  });

  test("figures", () => {
    expect([formatMetric(0.28612), formatMetric(null), formatMetric(123.4)]).toEqual(["0.286", "NaN", "123"]);
    expect([formatRate(612.4), formatRate(0.25)]).toEqual(["612 /s", "0.25 /s"]);
    expect([shapeWords([784, 128]), shapeWords([])]).toEqual([["784", "× 128"], ["one number"]]);
  });

  test("for the eye a minus is a minus, and a hyphen stays one", () => {
    expect([formatLabel(-0.13), formatLabel(-9.2e-4)]).toEqual(["−0.13", "−9.2e−4"]);
    expect([-1234.5, -12.3, -0.5, -2e-7].map(formatMetric)).toEqual(["−1235", "−12.30", "−0.500", "−2.0e−7"]);
    expect(["-Inf", "(1.5-2.25j)", "re-read"].map(trueMinus)).toEqual(["−Inf", "(1.5−2.25j)", "re-read"]);
  });
});

describe("what a cell stands for", () => {
  test.each([
    [{}, ""],
    [{ row_factor: 4, reduce: "absmax" as const }, "max |w| of 4 rows"],
    [{ col_factor: 2, reduce: "max" as const, tensor: "activations" as const }, "max a of 2 columns"],
    [
      { row_factor: 4, col_factor: 8, reduce: "absmax" as const, tensor: "gradients" as const },
      "max |g| of 4 × 8",
    ],
  ])("%j", (changes, words) => {
    expect(pooledWords(plane(2, 2, changes)).join(" ")).toBe(words);
  });

  test("samples are counted as they are drawn", () => {
    const rows = { tensor: "activations" as const, row_axes: [{ name: "sample", size: 16, labels: [] }] };
    expect(sampleWords(plane(16, 4, rows), 3)).toEqual(["16 samples", "of this batch"]);
    expect(
      sampleWords(plane(1, 4, { ...rows, row_axes: [{ name: "sample", size: 1, labels: [] }] }), 0)?.[0],
    ).toBe("1 sample");
    const image = { tensor: "activations" as const, axes: ["sample", "y", "x", "filter"] };
    expect(sampleWords(plane(13, 13, image), 3)).toEqual(["sample 3"]);
    expect(sampleWords(plane(13, 13), 3)).toEqual([]);
  });
});

describe("requests", () => {
  const request = (max_rows: number, max_cols: number) => mapRequest("weights", max_rows, max_cols);

  test("two views of one size each get what the smaller one can show", () => {
    const requests = createRequests();
    const [large, small] = [{}, {}];
    requests.set(large, request(200, 900));
    requests.set(small, request(400, 500));
    expect(requests.all.value).toEqual([request(200, 500)]);
    requests.set(small, null);
    expect(requests.all.value).toEqual([request(200, 900)]);
  });

  test("together they fit a message", () => {
    const requests = createRequests();
    requests.set({}, request(4000, 4000));
    const [{ max_rows, max_cols } = request(0, 0)] = requests.all.value;
    expect(max_rows * max_cols * 2).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    expect(max_rows * max_cols * 2).toBeGreaterThan(MAX_FRAME_BYTES * 0.95);
  });
});

test("what may be pressed in each state", () => {
  const may = (changes: Parameters<typeof status>[0], connected = true) =>
    Object.entries(allowedIn(status(changes), connected))
      .filter(([, allowed]) => allowed)
      .map(([name]) => name);
  expect(may({ state: "idle" })).toEqual(["run", "step"]);
  expect(may({ state: "running" })).toEqual(["pause", "stop"]);
  expect(may({ state: "paused" })).toEqual(["run", "step", "stop"]);
  expect(may({ state: "paused" }, false)).toEqual([]);
  expect(may({ state: "paused", source: "inspection" })).toEqual([]);
  expect(may({ state: "running", controls: false })).toEqual([]);
});
