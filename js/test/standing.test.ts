import { expect, test } from "vitest";
import { standingAt } from "../src/page/standing.ts";
import type { SeriesData } from "../src/source/source.ts";
import { status } from "./fakes.ts";

const line = (name: string, layer: string | null, steps: number[], values: number[]) => ({
  name,
  layer,
  steps: Float64Array.from(steps),
  values: Float32Array.from(values),
});

const SERIES: SeriesData = {
  firstStep: 1,
  lastStep: 200,
  lines: [
    line("loss", "hidden", [1, 200], [9, 9]),
    line("loss", null, [1, 96, 97, 200], [4, 0.5, Number.NaN, 0.25]),
    line("val_loss", null, [100, 200], [1, 2]),
  ],
  events: [{ step: 100, name: "epoch", text: "end of epoch 1" }],
  health: [],
};

const END = status({
  source: "recording",
  state: "finished",
  step: 200,
  total_steps: 200,
  epoch: 1,
  epochs: 2,
  steps_per_epoch: 100,
  logs: { loss: 0.25, val_loss: 2 },
  activity: "finished",
});

test("a file tells step, epoch and metrics of the step that is shown", () => {
  expect(standingAt(END, SERIES, 96)).toMatchObject({ step: 96, epoch: 0, activity: "finished" });
  expect(standingAt(END, SERIES, 96).logs).toEqual({ loss: 0.5 });
  expect(standingAt(END, SERIES, 98).logs).toEqual({ loss: null });
  expect(standingAt(END, SERIES, 100)).toMatchObject({ epoch: 0, logs: { loss: null, val_loss: 1 } });
  expect(standingAt(END, SERIES, 101).epoch).toBe(1);
  expect(standingAt({ ...END, steps_per_epoch: null }, SERIES, 101).epoch).toBe(1);
  expect(standingAt({ ...END, steps_per_epoch: null }, SERIES, 100).epoch).toBe(0);
  expect(standingAt(END, SERIES, 0)).toMatchObject({ step: 0, epoch: 0, logs: {} });
});

test("a metric that became NaN is not told as it was before", () => {
  const lines = [line("loss", null, [1, 2, 3], [4, 3, 2])];
  const sick = { ...END, logs: { loss: null } };
  expect(standingAt(sick, { ...SERIES, lines }, 3).logs).toEqual({ loss: 2 });
  expect(standingAt(sick, { ...SERIES, lines }, 4).logs).toEqual({ loss: null });
});

test("at the end it tells what the run said last", () => {
  expect(standingAt(END, SERIES, 200)).toEqual(END);
  expect(standingAt(END, null, 96)).toEqual(END);
});

test("it says how the run ended, and never that it records", () => {
  const silent = { ...END, activity: null };
  expect(standingAt(silent, SERIES, 96).activity).toBe("recorded up to step 200");
  expect(standingAt({ ...silent, state: "failed", step: 4 }, SERIES, 4).activity).toBe("failed at step 4");
  expect(standingAt({ ...silent, source: "inspection" }, SERIES, 0).activity).toBeNull();
});
