import { describe, expect, test } from "vitest";
import { plotOf } from "../src/picture/plot.ts";
import { drawStrip } from "../src/picture/strip.ts";
import { fileNameOf, titleOf } from "../src/save/content.ts";
import type { Line } from "../src/source/source.ts";
import type { Theme } from "../src/theme.ts";
import { type FakeKernel, frame, plane, status } from "./fakes.ts";
import { draw, find, press, show, text, WEIGHTS } from "./harness.ts";

const NAMES = ["slow", "fast <b>"];
const OF_TWO = status({ source: "comparison", state: "finished", controls: false, runs: NAMES });

const shown = () => show({ _status: OF_TWO });
/** Its buttons come with the annex. */
async function drawn(kernel: FakeKernel, el: Element): Promise<void> {
  await draw(kernel);
  await expect.poll(() => buttons(el).length).toBe(3);
}
const buttons = (el: Element) => [...el.querySelectorAll<HTMLButtonElement>(".nnv-runs button")];
const pressed = (el: Element) => buttons(el).map(({ ariaPressed }) => ariaPressed);
const watched = (kernel: ReturnType<typeof shown>["kernel"]) => kernel.of("watch").at(-1)?.run;

/** What the second has more than the first at some step. */
const difference = (step: number, size: number) =>
  plane(2, 4, { compared: step, other: 2 * step, low: -size, high: size, clip_low: -size, clip_high: size });

describe("two runs", () => {
  test("a row of buttons says which is shown, and one alone has none", async () => {
    const { kernel, el } = shown();
    await drawn(kernel, el);
    expect(buttons(el).map(({ textContent }) => textContent?.trim())).toEqual([...NAMES, "difference"]);
    expect(buttons(el).map(({ title }) => title)).toEqual([
      "slow (R)",
      "fast <b> (R)",
      "fast <b> minus slow (R)",
    ]);
    expect(watched(kernel)).toBe("first");
    buttons(el)[2]?.click();
    await expect.poll(() => watched(kernel)).toBe("difference");
    expect(pressed(el)).toEqual(["false", "false", "true"]);
    el.remove();
    const alone = show();
    await draw(alone.kernel);
    expect(buttons(alone.el)).toEqual([]);
  });

  test("long names give way, so that all three are seen", async () => {
    const { kernel, el } = show({ _status: { ...OF_TWO, runs: ["a name ".repeat(30), "b".repeat(300)] } });
    el.style.width = "320px";
    await drawn(kernel, el);
    const row = find(el, ".nnv-runs").getBoundingClientRect();
    await expect.poll(() => find(el, ".nnv-runs").getBoundingClientRect().width).toBeLessThanOrEqual(320);
    for (const button of buttons(el)) {
      const { left, right, height } = button.getBoundingClientRect();
      expect(left).toBeGreaterThanOrEqual(row.left);
      expect(right).toBeLessThanOrEqual(find(el, ".nnv-runs").getBoundingClientRect().right);
      expect(height).toBe(26);
    }
    expect(buttons(el)[2]?.querySelector("span")?.clientWidth).toBeGreaterThan(50);
  });

  test("a key leads from one to the next, and does nothing where there is one", async () => {
    const { kernel, el } = shown();
    await drawn(kernel, el);
    for (const expected of ["second", "difference", "first"]) {
      press(find(el, ".nnv-inspector"), "r");
      await expect.poll(() => watched(kernel)).toBe(expected);
    }
    el.remove();
    const alone = show();
    await draw(alone.kernel);
    press(find(alone.el, ".nnv-inspector"), "R");
    await draw(alone.kernel, [WEIGHTS], 2);
    expect(watched(alone.kernel)).toBe("first");
  });

  test("a difference is called one, is read as one, and has no other step to take off", async () => {
    const { kernel, el } = shown();
    await drawn(kernel, el);
    press(find(el, ".nnv-inspector"), "r");
    press(find(el, ".nnv-inspector"), "r");
    await expect.poll(() => watched(kernel)).toBe("difference");
    const pooled = {
      ...difference(412, 1),
      full_rows: 4,
      row_factor: 2,
      shown_rows: 4,
      reduce: "absmax",
    } as const;
    kernel.say(frame(kernel.client, 2, [pooled]), [new Float32Array(8)]);
    const label = () => text(el, "[data-tensor=weights] .nnv-map-label");
    await expect.poll(label).toContain("fast <b> \u2212 slow");
    expect(label()).toContain("max |\u0394|");
    await expect.poll(() => kernel.of("read").at(-1)).toMatchObject({ run: "difference", tensor: "weights" });
    await expect.poll(() => text(el, ".nnv-readout")).toContain("\u0394 weight");
    find<HTMLElement>(el, "[data-tensor=weights] .nnv-dots").click();
    await expect.poll(() => text(el, ".nnv-tools-panel")).toContain("neurons");
    expect(text(el, ".nnv-tools-panel")).not.toContain("minus step");
  });

  test.each([
    [["slow", "fast"], "fast \u2212 slow"],
    [["runs/2026-11-30/slow.nnv", "fast"], "second minus first"],
    [["a name that is", "15 characters !"], "second minus first"],
  ])("a difference has the names of %j where these are short", async (runs, words) => {
    const { kernel, el } = show({ _status: { ...OF_TWO, runs } });
    await drawn(kernel, el);
    kernel.say(frame(kernel.client, 2, [difference(412, 1)]), [new Float32Array(8)]);
    await expect.poll(() => text(el, "[data-tensor=weights] .nnv-map-label")).toContain(words);
    const label = find(el, "[data-tensor=weights] .nnv-map-label");
    for (const part of label.querySelectorAll(".nnv-part"))
      expect(part.getBoundingClientRect().right).toBeLessThanOrEqual(label.getBoundingClientRect().right);
  });

  test("the scale of the difference is another one, and held while steps go on", async () => {
    const { kernel, el } = shown();
    const high = () => text(el, "[data-tensor=weights] .nnv-bar-high");
    await draw(kernel, [WEIGHTS]);
    expect(high()).toBe("1");
    buttons(el)[2]?.click();
    kernel.say(frame(kernel.client, 2, [difference(412, 0.5)]), [new Float32Array(8)]);
    await expect.poll(high).toBe("0.5");
    kernel.say(frame(kernel.client, 3, [difference(411, 0.3)]), [new Float32Array(8)]);
    await expect.poll(() => kernel.of("ack").at(-1)?.seq).toBe(3);
    expect(high()).toBe("0.5");
  });

  test("the last step is that of the longer run: who drags there does not follow", async () => {
    const { kernel, el } = shown();
    await drawn(kernel, el);
    const slider = find<HTMLInputElement>(el, "input[aria-label=step]");
    Object.assign(slider, { value: slider.max });
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await expect.poll(() => kernel.cursor.get("step")).toBe(412);
    expect(kernel.cursor.get("follow")).toBe(false);
    expect(text(el, ".nnv-sliders")).not.toContain("follow");
    kernel.set("_status", { ...OF_TWO, state: "running" });
    await expect.poll(() => text(el, ".nnv-sliders")).toContain("follow");
  });

  test("a reloaded page shows the one that was shown", async () => {
    const before = shown();
    await draw(before.kernel);
    buttons(before.el)[1]?.click();
    await expect.poll(() => watched(before.kernel)).toBe("second");
    before.close();
    before.el.remove();
    const after = shown();
    await draw(after.kernel);
    expect(watched(after.kernel)).toBe("second");
  });
});

const line = (name: string, values: number[], changes: Partial<Line> = {}): Line => ({
  name,
  layer: null,
  steps: Float64Array.from(values, (_, i) => i + 1),
  values: Float32Array.from(values),
  ...changes,
});
const UNKNOWN = { total_steps: null, steps_per_epoch: null, epochs: 1 };

describe("the lines of two runs", () => {
  test("the second's are dotted and have no name of their own, nor the loss of each batch", () => {
    const lines = ["batch_loss", "val_loss", "accuracy"].flatMap((name) => [
      line(name, [2, 1]),
      line(name, [4, 3], { run: 1 }),
    ]);
    const only = line("mae", [1, 2], { run: 1 });
    const series = { firstStep: 1, lastStep: 2, lines: [...lines, only], events: [], health: [] };
    const { curves, left } = plotOf(series, UNKNOWN);
    expect(curves.map(({ name, tone, labelled, dash }) => [name, tone, labelled, dash.length])).toEqual([
      ["batch_loss", "raw", false, 0],
      ["loss", "accent", true, 0],
      ["loss", "accent", false, 2],
      ["val_loss", "accent", true, 2],
      ["val_loss", "accent", false, 4],
      ["accuracy", "second", true, 0],
      ["accuracy", "second", false, 2],
      ["mae", "muted", true, 2],
    ]);
    expect(left?.range).toEqual([0, 4]);
  });

  test("a strip has both, on one scale", () => {
    const theme = { raw: "#f00", accent: "#00f" } as Theme;
    const inkOf = (lines: Line[]) => {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: 200, height: 40 });
      drawStrip(canvas, lines, theme, 1);
      const data = canvas.getContext("2d")?.getImageData(0, 0, 200, 40).data ?? [];
      const rows = Array.from({ length: 40 }, (_, y) => y);
      return rows.filter((y) =>
        Array.from({ length: 200 }, (_, x) => data[4 * (200 * y + x) + 3]).some(Boolean),
      );
    };
    const [low, high] = [
      line("l2", [1, 1, 1, 1], { layer: "d" }),
      line("l2", [5, 5, 5, 5], { layer: "d", run: 1 }),
    ];
    const middle = inkOf([low]);
    const both = inkOf([low, high]);
    expect(Math.min(...middle)).toBeGreaterThan(15);
    expect([Math.min(...both) < 6, Math.max(...both) > 33]).toEqual([true, true]);
    expect(inkOf([])).toEqual([]);
  });
});

test("what leaves the page says of which run it is", () => {
  const picture = (changes: object) => ({ data: { plane: plane(2, 4, changes) } });
  const content = (changes: object, run: string) =>
    ({ picture: picture(changes), layer: "hidden", step: 412, run }) as unknown as Parameters<
      typeof titleOf
    >[0];
  expect(titleOf(content({}, ""))).toBe("weights of hidden (kernel), step 412");
  expect(titleOf(content({ compared: 3 }, "slow"))).toBe(
    "weights of hidden (kernel), step 412, minus step 3, slow",
  );
  const both = content({ compared: 412, other: 824 }, "fast minus slow");
  expect(titleOf(both)).toBe("weights of hidden (kernel), step 412, fast minus slow");
  expect(fileNameOf(both)).toBe("hidden_kernel_weights_step412_fast-minus-slow");
});
