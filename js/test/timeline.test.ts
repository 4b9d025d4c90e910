import { describe, expect, test } from "vitest";
import { axisOf, formatTick, logAxisOf, ticksOf, tickText } from "../src/picture/axis.ts";
import { endsOf, NAME_GAP, placeNames } from "../src/picture/ends.ts";
import { drawLine, rangeOf, smooth, spread } from "../src/picture/lines.ts";
import { plotOf } from "../src/picture/plot.ts";
import { frameOf, wordsFor } from "../src/picture/timeline.ts";
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
    const { curves } = plotOf(all, status());
    expect(curves.map(({ name, tone }) => [name, tone])).toEqual([
      ["batch_loss", "raw"],
      ["loss", "accent"],
      ["accuracy", "second"],
    ]);
  });

  test("losses are read at the left, other metrics at the right, and each name says which", () => {
    const plot = plotOf(all, status());
    expect(plot.left).toEqual({ name: "loss", range: [0, 3], step: 1 });
    expect(plot.right).toEqual({ name: "accuracy", range: [0, 1], step: 0.5 });
    expect(plot.curves.map((curve) => wordsFor(curve, plot))).toEqual([
      "batch_loss (left)",
      "loss (left)",
      "accuracy (right)",
    ]);
  });

  test("a loss that went far is read in powers of ten, one that has fallen far is not", () => {
    const far = plotOf(series([line("batch_loss", [2, 1, 1e14, 1])]), status());
    expect(far.left).toMatchObject({ name: "loss", log: true, range: [0, 16] });
    expect(Array.from(far.curves[0]?.values ?? [])).toEqual([Math.fround(Math.log10(2)), 0, 14, 0]);
    const fallen = plotOf(series([line("batch_loss", [2, 0.1, 0.001, 0.0001])]), status());
    expect(fallen.left?.log).toBeUndefined();
    const below = plotOf(series([line("batch_loss", [-1, 1, 1e14, 1])]), status());
    expect(below.left?.log).toBeUndefined();
  });

  test("with losses alone there is no right axis and no need to say it", () => {
    const losses = plotOf(series([line("loss", [540, 1234]), line("val_loss", [600, 900])]), UNKNOWN);
    expect([losses.left?.range, losses.right]).toEqual([[0, 1500], null]);
    expect(losses.curves.map((curve) => wordsFor(curve, losses))).toEqual(["loss", "val_loss"]);
    const both = plotOf(all, UNKNOWN);
    expect(frameOf(losses, 1000, 148, 1).right).toBeGreaterThan(frameOf(both, 1000, 148, 1).right);
  });

  test("without a loss the other metrics have the left axis, and words say why", () => {
    const metrics = [line("mean_absolute_error", [12, 31]), line("accuracy", [0.1, 0.5])];
    const NAN = [Number.NaN, Number.NaN];
    for (const lines of [metrics, [line("batch_loss", NAN), ...metrics]]) {
      const { left, right, curves, missing } = plotOf(series(lines), UNKNOWN);
      expect([left, right]).toEqual([{ name: "metrics", range: [0, 40], step: 10 }, null]);
      expect(curves.map(({ name, side }) => [name, side])).toEqual([
        ["mean_absolute_error", "left"],
        ["accuracy", "left"],
      ]);
      expect(missing).toBe("no loss was logged");
    }
    const lost = plotOf(series([line("batch_loss", NAN), line("loss", NAN), ...metrics]), UNKNOWN);
    expect([lost.left?.name, lost.missing]).toEqual(["metrics", "no loss was finite"]);
    const validated = plotOf(series([line("accuracy", [0.2]), line("val_accuracy", [0.1])]), UNKNOWN);
    expect(validated.left?.name).toBe("accuracy");
  });

  test("all metrics beside the losses fit the right axis", () => {
    const { right, missing } = plotOf(series([line("loss", [1]), line("mae", [12, 31])]), UNKNOWN);
    expect([right, missing]).toEqual([{ name: "mae", range: [0, 40], step: 10 }, null]);
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
    const none = plotOf(series([]), UNKNOWN);
    expect([none.curves, none.left, none.missing]).toEqual([[], null, "no loss or metric was logged"]);
    expect(plotOf({ ...series([]), lastStep: 0 }, UNKNOWN).missing).toContain("with the first step");
    const lost = plotOf(series([line("loss", [Number.NaN])]), UNKNOWN);
    expect([lost.curves, lost.left, lost.missing]).toEqual([[], null, "no loss was finite"]);
  });
});

/** The pixels that `values` cover at each of the steps 0, 1, 2 …, in a frame of 20 pixels a step. */
function inkAt(values: number[], dash: number[] = []): number[] {
  const canvas = document.createElement("canvas");
  canvas.width = 20 * values.length;
  canvas.height = 20;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no canvas");
  const frame = { left: 10, right: canvas.width - 10, top: 0, bottom: 20 };
  const scale = { x: [0, Math.max(values.length - 1, 1)], y: [0, 1] } as const;
  drawLine(context, [...values.keys()], values, frame, scale, { color: "black", width: 2, dash }, 1);
  return values.map((_, i) => {
    const { data } = context.getImageData(20 * i, 0, 20, 20);
    return data.filter((alpha, at) => at % 4 === 3 && alpha > 127).length;
  });
}

describe("lines", () => {
  test.each([[[]], [[8, 6]]])("a lonely value is a dot, alone and between gaps, dashed by %j too", (dash) => {
    const [alone = 0] = inkAt([0.5], dash);
    expect(alone).toBeGreaterThan(20);
    const [lonely, gap, ...line] = inkAt([0.5, Number.NaN, 0.5, 0.5, Number.NaN, 0.5], dash);
    expect([lonely, gap, line[2], line[3]]).toEqual([alone, 0, 0, alone]);
    expect(line[0]).not.toBe(alone);
  });

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
});

describe("axes", () => {
  const written = (low: number, high: number) => {
    const axis = axisOf("loss", low, high);
    return ticksOf(axis).map((tick) => formatTick(tick, axis.step));
  };

  test.each([
    [0, 2.31, ["0", "1", "2", "3"]],
    [0, 0.9, ["0", "0.5", "1.0"]],
    [0.01, 0.07, ["0", "0.02", "0.04", "0.06", "0.08"]],
    [500, 1234, ["0", "500", "1000", "1500"]],
    [0, 123_456, ["0", "5e4", "1e5", "1.5e5"]],
    [0, 3e-5, ["0", "1e−5", "2e−5", "3e−5"]],
    [-60, 60, ["−100", "−50", "0", "50", "100"]],
    [-0.3, -0.1, ["−0.3", "−0.2", "−0.1", "0"]],
    [0, 0, ["0", "1"]],
  ])("from %d to %d in exact round steps", (low, high, ticks) => {
    expect(written(low, high)).toEqual(ticks);
  });

  test.each([
    [0.02, 3e14, ["1e−5", "1", "1e5", "1e10", "1e15"]],
    [1, 1000, ["1", "10", "100", "1000"]],
    [5e-7, 2, ["1e−8", "1e−6", "1e−4", "0.01", "1", "100"]],
  ])("powers of ten from %d to %d", (low, high, ticks) => {
    const axis = logAxisOf("loss", low, high);
    expect(ticksOf(axis).map((tick) => tickText(axis, tick))).toEqual(ticks);
  });

  test("any range has a few ticks, from zero or beneath to beyond its end", () => {
    for (const high of [1e-45, 1e-9, 0.299, 1, 7.77, 4e4, 9.99e7, 3.4e38]) {
      for (const low of [0, -high / 9, -high]) {
        const { range } = axisOf("loss", low, high);
        expect(range[0]).toBeLessThanOrEqual(low);
        expect(range[1]).toBeGreaterThanOrEqual(high * 0.999);
        expect(new Set(written(low, high)).size).toBeOneOf([3, 4, 5]);
      }
    }
  });
});

describe("names at the ends of lines", () => {
  const STEPS = 40;
  const frame = { left: 44, right: 940, top: 26, bottom: 124 };
  const widthOf = ({ name }: { name: string }) => 6 * name.length;
  /** As of a real run: branches that end all over the place, with losses that differ little. */
  const plotWith = (n: number) => {
    const values = (last: number, seed: number) =>
      Array.from({ length: last }, (_, i) => 2.4 - 0.01 * i + 0.05 * Math.sin(seed * 7 + i));
    const others = Array.from({ length: n }, (_, i) => ({
      ...line("batch_loss", values(40 - ((i * 17) % 24), i + 1)),
      branch: i === 0 ? "main" : `branch ${i}`,
    }));
    const shown = [line("batch_loss", values(34, 0)), line("accuracy", Array(34).fill(0.1))];
    return plotOf({ ...series([...others, ...shown]), lastStep: STEPS }, { ...UNKNOWN, total_steps: STEPS });
  };
  const boxOf = ({ curve, x, y, right }: ReturnType<typeof placeNames>[number]) => {
    const width = widthOf(curve);
    return { name: curve.name, left: right ? x : x - width, right: right ? x + width : x, y };
  };
  const placed = (n: number, held: string[] = []) =>
    placeNames({ plot: plotWith(n), frame, gap: NAME_GAP, widthOf }, held).map(boxOf);

  test.each([
    [0, 2],
    [1, 3],
    [5, 7],
    [12, 9],
    [40, 9],
  ])("of %i other branches none lies on another, and at least %i have room", (n, least) => {
    const boxes = placed(n);
    expect(boxes.length).toBeGreaterThanOrEqual(least);
    expect(boxes.map(({ name }) => name)).toEqual(expect.arrayContaining(["loss", "accuracy"]));
    for (const [i, a] of boxes.entries()) {
      expect(a.left).toBeGreaterThanOrEqual(frame.left);
      expect(a.right).toBeLessThanOrEqual(frame.right);
      for (const b of boxes.slice(i + 1)) {
        const apart = a.right <= b.left || b.right <= a.left || Math.abs(a.y - b.y) >= 11;
        expect(apart, `${a.name} and ${b.name}`).toBe(true);
      }
    }
  });

  test("one that is pointed at has its name, whoever has none for it", () => {
    const names = Array.from({ length: 39 }, (_, i) => `branch ${i + 1}`);
    for (const name of names) expect(placed(40, [name]).map((box) => box.name)).toContain(name);
    expect(placed(40).length).toBeLessThan(40);
  });

  test.each([5, 12, 40])("of %i other branches none lies on a line", (n) => {
    const { curves, x } = plotWith(n);
    const stepAt = (px: number) => (px - frame.left) / ((frame.right - frame.left) / (x[1] - x[0]));
    for (const box of placed(n))
      for (let px = box.left; px <= box.right; px += 2)
        for (const { name, side, steps, values } of curves) {
          const [before, after] = [Math.floor(stepAt(px)) - 1, Math.ceil(stepAt(px)) - 1];
          const [a, b] = [values[Math.max(0, before)], values[after]];
          if (a === undefined || b === undefined || stepAt(px) > (steps.at(-1) ?? 0)) continue;
          const value = a + (b - a) * (stepAt(px) - 1 - before);
          const high = side === "left" ? 3 : 1;
          const y = frame.bottom - (value / high) * (frame.bottom - frame.top);
          expect(Math.abs(y - box.y), `${name} through ${box.name}`).toBeGreaterThan(5);
        }
  });

  test("a name is at its own end, or one beside it", () => {
    const ends = new Map(endsOf(plotWith(12), frame).map((end) => [end.curve.name, end]));
    for (const { name, left, right, y } of placed(12)) {
      const end = ends.get(name);
      if (end?.curve.faint !== true) continue;
      expect(Math.min(Math.abs(left - end.x), Math.abs(right - end.x))).toBeLessThanOrEqual(NAME_GAP);
      expect(Math.abs(y - end.y)).toBeLessThanOrEqual(NAME_GAP);
    }
  });
});
