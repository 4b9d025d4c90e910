import { describe, expect, test } from "vitest";
import { colorAt } from "../src/picture/colors.ts";
import { frame, plane } from "./fakes.ts";
import { canvasOf, draw, find, pixel, show, text, WEIGHTS } from "./harness.ts";

describe("pictures", () => {
  test("each map is asked for at the size of its place and drawn to the pixel", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const maps = kernel.of("watch").at(-1)?.maps ?? [];
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
    const starts = ["weights", "gradients", "activations"].map((tensor) => {
      const overlay = find<HTMLCanvasElement>(el, `[data-tensor=${tensor}] .nnv-overlay`);
      const row = overlay.getContext("2d")?.getImageData(0, 1, overlay.width, 1).data ?? [];
      return Array.from({ length: overlay.width }, (_, x) => row[x * 4 + 3] ?? 0).findIndex(
        (alpha) => alpha > 200,
      );
    });
    expect(new Set(starts).size).toBe(1);
    expect(starts[0]).toBeGreaterThan(0);
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
});
