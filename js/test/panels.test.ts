import { describe, expect, test } from "vitest";
import type { NonFinite } from "../src/protocol.gen.ts";
import { layerEntry } from "./fakes.ts";
import { draw, find, show, text, wholeMaps } from "./harness.ts";

describe("panels", () => {
  test.each([
    ["transport", ".nnv-transport"],
    ["layers", ".nnv-layers"],
    ["activations", "[data-tensor=activations]"],
    ["weights", "[data-tensor=weights]"],
    ["gradients", "[data-tensor=gradients]"],
    ["timeline", ".nnv-timeline"],
  ])("%s alone", async (name, selector) => {
    const { el } = show({ _panels: [name] });
    await expect.poll(() => el.querySelector(selector)).not.toBeNull();
    const others = [".nnv-transport", ".nnv-layers", ".nnv-timeline", ".nnv-map"].filter(
      (other) => el.querySelector(other) !== null && !el.querySelector(other)?.matches(selector),
    );
    expect(others).toEqual([]);
  });

  test("a panel of a later version is no fault", async () => {
    const { el } = show({ _panels: ["findings", "weights"] });
    await expect.poll(() => el.querySelector("[data-tensor=weights]")).not.toBeNull();
  });

  test("activation gradients take the place of the activations", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const [, gradients] = el.querySelectorAll<HTMLButtonElement>(".nnv-switch .nnv-choice");
    gradients?.click();
    await expect
      .poll(() => wholeMaps(kernel).map(({ tensor }) => tensor))
      .toEqual(["activation_gradients", "gradients", "weights"]);
  });

  test("the health of a layer says when its dead units are known", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const health = {
      layer: "hidden",
      gradient_l2: 0.00092,
      update_ratio: 0.011,
      dead_share: null,
      non_finite: [],
    };
    const series = { kind: "series" as const, first_step: 1, last_step: 4, columns: [], events: [] };
    kernel.say({ ...series, health: [health] });
    await expect.poll(() => text(el, ".nnv-health")).toBe("|g| 9.2e−4Δw/w 0.011");
    expect(find<HTMLElement>(el, ".nnv-health").title).toContain("20 readings");
    kernel.say({ ...series, health: [{ ...health, dead_share: 0.09 }] });
    await expect.poll(() => text(el, ".nnv-health")).toContain("dead 9 %");
  });

  test("what is not finite is named in the row, and counted for who looks closer", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const known = { gradient_l2: null, update_ratio: null, dead_share: null };
    const series = { kind: "series" as const, first_step: 1, last_step: 4, columns: [], events: [] };
    const activations = { tensor: "activations" as const, variable: null, count: 2560, size: 4096 };
    const say = (non_finite: NonFinite[]) =>
      kernel.say({ ...series, health: [{ layer: "hidden", ...known, non_finite }] });
    say([activations]);
    await expect.poll(() => text(el, ".nnv-sick")).toBe("activations: 2,560 of 4,096 not finite");
    say([{ ...activations, size: null }]);
    await expect.poll(() => text(el, ".nnv-sick")).toBe("activations: 2,560 not finite");
    say([{ tensor: "weights", variable: "kernel", count: 1280, size: 1280 }, activations]);
    await expect.poll(() => text(el, ".nnv-sick")).toBe("not finite: weights, activations");
    const counted = ["weights (kernel): all 1,280 not finite", "activations: 2,560 of 4,096 not finite"];
    const badge = find<HTMLElement>(el, ".nnv-sick");
    expect(badge.title.split("\n")).toEqual(counted);
    expect(badge.getAttribute("aria-label")).toBe(counted.join("; "));
    say([]);
    await expect.poll(() => el.querySelector(".nnv-sick")).toBeNull();
  });

  test("a long list of layers can be searched", async () => {
    const many = Array.from({ length: 20 }, (_, i) => layerEntry(`layer_${i}`));
    const { el } = show({}, (kernel) => {
      kernel.layers = many;
    });
    await expect.poll(() => el.querySelectorAll(".nnv-layer").length).toBe(20);
    const search = find<HTMLInputElement>(el, ".nnv-search");
    search.value = "_7";
    search.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await expect.poll(() => el.querySelectorAll(".nnv-layer").length).toBe(1);
  });
});
