import { describe, expect, test } from "vitest";
import { colorAt } from "../src/picture/colors.ts";
import { frame, plane } from "./fakes.ts";
import {
  canvasOf,
  draw,
  find,
  GRADIENTS,
  OUTPUTS,
  pixel,
  press,
  show,
  text,
  WEIGHTS,
  wholeMaps,
} from "./harness.ts";

describe("pictures", () => {
  test("each map is asked for at the size of its place and drawn to the pixel", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const maps = wholeMaps(kernel);
    expect(maps.map(({ tensor }) => tensor)).toEqual(["activations", "gradients", "weights"]);
    const canvas = canvasOf(el);
    expect(maps[2]?.max_cols).toBe(canvas?.width);
    expect(pixel(canvas, 0, 0)).toBe(colorAt("diverging-light", 1));
    const width = canvas?.width ?? 0;
    expect(pixel(canvas, Math.round(width / 4) + 1, 0)).toBe(colorAt("diverging-light", 0));
    expect(pixel(canvas, Math.round(width / 4) - 1, 0)).toBe(colorAt("diverging-light", 1));
  });

  test("the selected neuron is marked in all three maps at the same place", async () => {
    const { kernel, el } = show();
    kernel.cursor.set("neuron", 2);
    await draw(kernel);
    const starts = () =>
      ["weights", "gradients", "activations"].map((tensor) => {
        const overlay = find<HTMLCanvasElement>(el, `[data-tensor=${tensor}] .nnv-overlay`);
        const row = overlay.getContext("2d")?.getImageData(0, 1, overlay.width, 1).data ?? [];
        return Array.from({ length: overlay.width }, (_, x) => row[x * 4 + 3] ?? 0).findIndex(
          (alpha) => alpha > 200,
        );
      });
    await expect.poll(() => Math.min(...starts())).toBeGreaterThan(0);
    expect(new Set(starts()).size).toBe(1);
  });

  test("no neuron is marked where columns are no neurons, until somebody selects a cell", async () => {
    const { kernel, el } = show();
    await draw(kernel, [{ ...WEIGHTS, neuron_cols: 0 }, GRADIENTS, OUTPUTS]);
    const marked = (tensor: string) => {
      const overlay = find<HTMLCanvasElement>(el, `[data-tensor=${tensor}] .nnv-overlay`);
      const { data } = overlay.getContext("2d")?.getImageData(0, 0, overlay.width, overlay.height) ?? {
        data: [],
      };
      return Array.from(data).some((value) => value > 0);
    };
    await expect.poll(() => marked("gradients")).toBe(true);
    expect(marked("weights")).toBe(false);
    press(find(el, "[data-tensor=weights] [role=application]"), "ArrowDown");
    await expect.poll(() => marked("weights")).toBe(true);
  });

  test("a missing plane is words, NaNs are counted", async () => {
    const { kernel, el } = show();
    const missing = plane(0, 0, { tensor: "gradients", buffer: -1, missing: "the layer is frozen" });
    await draw(kernel, [{ ...WEIGHTS, n_nan: 3 }, missing]);
    expect(text(el, "[data-tensor=gradients] .nnv-missing")).toBe("the layer is frozen");
    expect(text(el, "[data-tensor=weights] .nnv-map-label")).toContain("3 NaN");
  });

  test("the picture of the layer before stays, dimmed, until the new one is here", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const body = find(el, "[data-tensor=weights] .nnv-map-body");
    const first = pixel(canvasOf(el), 0, 0);
    kernel.cursor.set("layer", "digits");
    await expect.poll(() => body.classList.contains("nnv-stale")).toBe(true);
    expect(pixel(canvasOf(el), 0, 0)).toBe(first);
    const flat = Float32Array.of(-1, -1, -1, -1, -1, -1, -1, -1);
    kernel.say(frame(kernel.client, 2, [WEIGHTS], { layer: "digits" }), [flat]);
    await expect.poll(() => pixel(canvasOf(el), 0, 0)).toBe(colorAt("diverging-light", 0));
    expect(body.classList.contains("nnv-stale")).toBe(false);
  });

  test.each([1120, 800])(
    "at %d px the sliders stay where they are, whatever the layer shows",
    async (width) => {
      const { kernel, el } = show();
      el.style.width = `${width}px`;
      await draw(kernel);
      const top = () => find(el, ".nnv-sliders").getBoundingClientRect().top;
      const first = top();
      const none = plane(0, 0, { tensor: "gradients", buffer: -1, missing: "the layer is frozen" });
      for (const [i, planes] of [[plane(128, 10)], [plane(1, 8)], [plane(784, 4), none]].entries()) {
        const cells = planes.map(({ rows, cols }) => new Float32Array(rows * cols));
        kernel.say(frame(kernel.client, i + 2, planes), cells);
        await expect.poll(() => kernel.of("ack").at(-1)?.seq).toBe(i + 2);
        await new Promise(requestAnimationFrame);
        expect(top()).toBe(first);
      }
    },
  );

  test("a picture of few rows lies at the top of its place, on the page's own ground", async () => {
    const { kernel, el } = show();
    await draw(kernel, [plane(1, 8)]);
    const box = find(el, "[data-tensor=weights] .nnv-map-box");
    const picture = find(box, ".nnv-map-body");
    await expect.poll(() => picture.getBoundingClientRect().height).toBeLessThan(60);
    expect(picture.getBoundingClientRect().top).toBe(box.getBoundingClientRect().top);
    expect(box.getBoundingClientRect().height).toBe(200);
    expect(getComputedStyle(box).backgroundColor).toBe("rgba(0, 0, 0, 0)");
    kernel.say(frame(kernel.client, 2, [plane(196, 1)]), [new Float32Array(196)]);
    const bar = () => find(el, "[data-tensor=weights] .nnv-bar").getBoundingClientRect().height;
    await expect.poll(bar).toBe(196);
  });

  test.each([1120, 800])("at %d px no number and no range in a label is broken", async (width) => {
    const { kernel, el } = show();
    el.style.width = `${width}px`;
    const changes = { low: -0.00012, high: 0.00034, clip_low: -0.0001, clip_high: 0.0001 };
    const weights = { ...WEIGHTS, ...changes, shape: [784, 128], row_factor: 4, reduce: "absmax" as const };
    await draw(kernel, [weights]);
    const lines = [...el.querySelectorAll<HTMLElement>("[data-tensor=weights] .nnv-map-label > span")];
    expect(lines.map(({ textContent }) => textContent)).toEqual([
      "784 × 128",
      "max |w| of 4 rows",
      "−1.2e−4 … 3.4e−4",
    ]);
    expect(lines.map((line) => line.getBoundingClientRect().height < 20)).toEqual([true, true, true]);
  });

  test("C16 a short buffer is named instead of drawn", async () => {
    const { kernel, el } = show();
    await draw(kernel, [plane(10, 10)]);
    expect(text(el, "[data-tensor=weights] .nnv-missing")).toBe("frame 1: 400 bytes expected, 32 received");
  });

  test("when nothing is on screen, no map is asked for", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    el.style.display = "none";
    await expect.poll(() => kernel.of("watch").at(-1)?.maps).toEqual([]);
  });

  test("the theme of the page is followed", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    document.body.dataset.jpThemeLight = "false";
    await expect.poll(() => pixel(canvasOf(el), 0, 0)).toBe(colorAt("diverging-dark", 1));
    delete document.body.dataset.jpThemeLight;
  });

  test("N01 without a finite value there is no scale, whatever the step before had", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    await expect.poll(() => text(el, "[data-tensor=weights] .nnv-bar span")).not.toBe("");
    const none = { low: null, high: null, clip_low: null, clip_high: null, n_nan: 8 };
    kernel.say(frame(kernel.client, 2, [plane(2, 4, none)], { step: 413 }), [
      new Float32Array(8).fill(Number.NaN),
    ]);
    await expect.poll(() => text(el, "[data-tensor=weights] .nnv-bar span")).toBe("");
    expect(text(el, "[data-tensor=weights] .nnv-map-label")).toContain("no finite values");
  });
});
