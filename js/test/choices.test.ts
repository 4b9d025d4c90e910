import { describe, expect, test } from "vitest";
import { furtherAxes } from "../src/further.ts";
import type { Further, Kind } from "../src/protocol.gen.ts";
import { frame, layerEntry, plane } from "./fakes.ts";
import { buffers, draw, find, GRADIENTS, OUTPUTS, show, text, WEIGHTS } from "./harness.ts";

const axis = (name: string, size: number, labels: string[] = []): Further => ({
  name,
  size,
  index: 0,
  labels,
});
const drawn = (tensor: Kind, ...further: Further[]) => plane(2, 4, { tensor, further });

describe("further axes", () => {
  test("an axis that several maps have is one", () => {
    const axes = furtherAxes([drawn("weights", axis("in", 3)), drawn("gradients", axis("in", 3))]);
    expect(axes).toEqual([
      { axis: "in", name: "input", size: 3, index: 0, labels: [], groups: ["parameters"] },
    ]);
  });

  test("of another length it is another one, and each says whose it is", () => {
    const axes = furtherAxes([drawn("weights", axis("z", 3)), drawn("activations", axis("z", 16))]);
    expect(axes.map(({ name, groups }) => [name, groups])).toEqual([
      ["z of weights", ["parameters"]],
      ["z of activations", ["outputs"]],
    ]);
  });

  test("of the same length it moves all maps", () => {
    const [head] = furtherAxes([drawn("weights", axis("head", 2)), drawn("activations", axis("head", 2))]);
    expect(head?.groups).toEqual(["parameters", "outputs"]);
  });
});

const wanted = (kernel: ReturnType<typeof show>["kernel"], tensor: Kind) =>
  kernel
    .of("watch")
    .at(-1)
    ?.maps.find((map) => map.tensor === tensor);

const range = (el: Element, name: string) => find<HTMLInputElement>(el, `input[aria-label="${name}"]`);

function move(input: HTMLInputElement, to: number): void {
  input.value = String(to);
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

describe("sliders along further axes", () => {
  const further = [axis("in", 3)];
  const gates = [axis("gate", 2, ["input", "forget"])];
  const planes = [
    { ...WEIGHTS, further },
    { ...GRADIENTS, further },
    { ...OUTPUTS, further: gates },
  ];

  test("move the maps that have the axis, and begin anew with another layer", async () => {
    const { kernel, el } = show();
    await draw(kernel, planes);
    await expect.poll(() => el.querySelector('input[aria-label="input"]')).not.toBeNull();
    move(range(el, "input"), 2);
    await expect.poll(() => wanted(kernel, "weights")?.at).toEqual({ in: 2 });
    expect(wanted(kernel, "gradients")?.at).toEqual({ in: 2 });
    expect(wanted(kernel, "activations")?.at).toEqual({});
    kernel.cursor.set("layer", "digits");
    await expect.poll(() => kernel.of("watch").at(-1)?.layer).toBe("digits");
    expect(wanted(kernel, "weights")?.at).toEqual({});
  });

  test("say the name of the index where it has one", async () => {
    const { kernel, el } = show();
    await draw(kernel, planes);
    await expect.poll(() => el.querySelector("input[aria-label=gate]")).not.toBeNull();
    const slider = range(el, "gate");
    expect(slider.getAttribute("aria-valuetext")).toBe("input");
    move(slider, 1);
    await expect.poll(() => slider.getAttribute("aria-valuetext")).toBe("forget");
    expect(slider.parentElement?.querySelector("b")?.textContent).toBe("forget");
  });
});

describe("choices", () => {
  function choose(select: HTMLSelectElement, index: number): void {
    select.value = String(index);
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  test("a variable is drawn as weights, and its gradient with it", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const select = find<HTMLSelectElement>(el, 'select[aria-label="variable of hidden"]');
    expect(text(select, "option:checked")).toBe("kernel");
    choose(select, 1);
    await expect.poll(() => wanted(kernel, "weights")?.variable).toBe("bias");
    expect(wanted(kernel, "gradients")?.variable).toBe("bias");
    expect(wanted(kernel, "activations")?.variable).toBeNull();
  });

  test("what is drawn together is the first choice, and the way back to it", async () => {
    const { kernel, el } = show({}, (fake) => {
      fake.layers = [layerEntry("hidden", { variables: ["gamma", "beta"], together: "all" })];
    });
    await draw(kernel);
    const select = find<HTMLSelectElement>(el, 'select[aria-label="variable of hidden"]');
    expect([...select.options].map(({ text: name }) => name)).toEqual(["all", "gamma", "beta"]);
    expect(text(select, "option:checked")).toBe("all");
    choose(select, 2);
    await expect.poll(() => wanted(kernel, "weights")?.variable).toBe("beta");
    await expect.poll(() => text(select, "option:checked")).toBe("beta");
    choose(select, 0);
    await expect.poll(() => wanted(kernel, "weights")?.variable).toBeNull();
  });

  test("of complex numbers one part is drawn and read out", async () => {
    const { kernel, el } = show();
    const complex = { dtype: "complex64", note: "the magnitude is drawn" };
    await draw(kernel, [{ ...WEIGHTS, ...complex }, GRADIENTS]);
    const select = find<HTMLSelectElement>(
      el,
      '[data-tensor=weights] select[aria-label^="part of the complex"]',
    );
    expect([...select.options].map(({ text: name }) => name)).toEqual(["abs", "real", "imag", "phase"]);
    expect(el.querySelector('[data-tensor=gradients] select[aria-label^="part"]')).toBeNull();
    await expect.poll(() => kernel.of("read").length).toBe(1);
    for (const question of kernel.of("read")) kernel.answer(question);
    choose(select, 3);
    await expect.poll(() => wanted(kernel, "weights")?.complex).toBe("phase");
    const phase = { ...WEIGHTS, dtype: "complex64", note: "the phase is drawn", clip_low: -3, clip_high: 3 };
    kernel.say(frame(kernel.client, 2, [phase, GRADIENTS]), buffers());
    await expect.poll(() => text(el, "[data-tensor=weights] .nnv-bar-high")).toBe("3");
    await expect.poll(() => kernel.of("read").at(-1)?.complex).toBe("phase");
  });

  test("of one variable or output there is no choice", async () => {
    const { kernel, el } = show({}, (fake) => {
      fake.layers = [layerEntry("hidden", { variables: ["kernel"], outputs: ["only"] })];
    });
    await draw(kernel);
    expect(el.querySelector(".nnv-pick")).toBeNull();
  });

  test("one of several outputs is drawn", async () => {
    const { kernel, el } = show({}, (fake) => {
      fake.layers = [layerEntry("hidden", { outputs: ["sequence", "state"] })];
    });
    await draw(kernel);
    const select = find<HTMLSelectElement>(el, 'select[aria-label="output of hidden"]');
    expect([...select.options].map(({ text: name }) => name)).toEqual(["sequence", "state"]);
    choose(select, 1);
    await expect.poll(() => wanted(kernel, "activations")?.output).toBe(1);
    expect(wanted(kernel, "weights")?.output).toBe(0);
  });
});
