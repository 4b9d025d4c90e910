import { describe, expect, test } from "vitest";
import { rangeOf, smooth, spread } from "../src/picture/lines.ts";
import { niceCeiling, plotOf } from "../src/picture/timeline.ts";
import type { Line, SeriesData } from "../src/source/source.ts";
import { status } from "./fakes.ts";

const line = (name: string, values: number[], layer: string | null = null): Line => ({
  name,
  layer,
  steps: Float64Array.from(values, (_, i) => i + 1),
  values: Float32Array.from(values),
});

const series = (lines: Line[]): SeriesData => ({ firstStep: 1, lastStep: 4, lines, events: [], health: [] });

const UNKNOWN = { total_steps: null, steps_per_epoch: null, epochs: 1 };

describe("timeline", () => {
  const all = series([
    line("batch_loss", [2.4, 1, 0.9, 0.4]),
    line("loss", [2.4, 1.7, 1.4, 1.1]),
    line("accuracy", [0.1, 0.5, 0.7, 0.9]),
    line("gradient_l2", [5, 4, 3, 2]),
    line("gradient_l2", [5, 4, 3, 2], "hidden"),
  ]);

  test("the loss of each batch is grey, smoothed it is the accent; strips are not metrics", () => {
    const { curves, y } = plotOf(all, status());
    expect(curves.map(({ name, tone }) => [name, tone])).toEqual([
      ["batch_loss", "raw"],
      ["loss", "accent"],
      ["accuracy", "second"],
    ]);
    expect(y).toEqual([0, 3]);
    expect(curves[2]?.y).toEqual([0, 1]);
  });

  test("runs over the whole length, epoch by epoch, the last one shorter", () => {
    const { x, epochs } = plotOf(all, status({ total_steps: 10, steps_per_epoch: 4, epochs: 3 }));
    expect(x).toEqual([0, 10]);
    expect(epochs).toEqual([
      { from: 0, to: 4, number: 1 },
      { from: 4, to: 8, number: 2 },
      { from: 8, to: 10, number: 3 },
    ]);
  });

  test("a run that goes on where another ended counts its epochs on", () => {
    const { epochs } = plotOf(all, status({ total_steps: 8, steps_per_epoch: 4, epochs: 5 }));
    expect(epochs.map(({ number }) => number)).toEqual([4, 5]);
  });

  test("an unknown length is what there is", () => {
    const { x, epochs } = plotOf(all, UNKNOWN);
    expect([x, epochs]).toEqual([[0, 4], []]);
  });

  test("nothing at all and nothing finite are no fault", () => {
    expect(plotOf(series([]), UNKNOWN).curves).toEqual([]);
    expect(plotOf(series([line("loss", [Number.NaN])]), UNKNOWN).y[1]).toBeGreaterThan(0);
  });
});

describe("lines", () => {
  test("ranges and means leave out what is not finite", () => {
    const values = Float32Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY);
    expect(rangeOf(values)).toEqual([1, 3]);
    expect(rangeOf(Float32Array.of(Number.NaN))).toBeNull();
    expect(Array.from(smooth(values, 3))).toEqual([1, Number.NaN, 3, Number.NaN]);
    expect(Array.from(smooth(Float32Array.of(0, 3, 6), 3))).toEqual([1.5, 3, 4.5]);
  });

  test("names keep their distance and stay inside", () => {
    expect(spread([50, 51, 52], 10, 0, 100)).toEqual([50, 60, 70]);
    expect(spread([99, 98], 10, 0, 100)).toEqual([100, 90]);
  });

  test("scales end at round numbers", () => {
    expect([2.31, 0.07, 1, 0, Number.NaN].map(niceCeiling)).toEqual([3, 0.08, 1, 1, 1]);
  });
});
