import { describe, expect, test } from "vitest";
import { PACE_MS } from "../src/paced.ts";
import { frame, plane, status } from "./fakes.ts";
import { buffers, draw, end, find, GRADIENTS, OUTPUTS, press, show, text, WEIGHTS } from "./harness.ts";

describe("moving", () => {
  test("the arrow keys move neuron and row, and the value is said", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const map = find<HTMLElement>(el, "[data-tensor=weights] [role=application]");
    map.focus();
    press(map, "ArrowRight");
    press(map, "ArrowUp");
    expect(kernel.cursor.traits.neuron).toBe(1);
    await expect.poll(() => text(el, ".nnv-spoken")).toBe("neuron 1, in 0, weight −1");
    press(map, "End");
    press(map, "PageDown");
    expect(kernel.cursor.traits.neuron).toBe(3);
    await expect.poll(() => text(el, ".nnv-spoken")).toBe("neuron 3, in 1, weight −0.125");
    press(map, "Home");
    expect(kernel.cursor.traits.neuron).toBe(0);
  });

  test("rows that have names are found by them: what has no gradient has none", async () => {
    const { el, kernel } = show();
    const named = (labels: string[], changes: Parameters<typeof plane>[2] = {}) =>
      plane(labels.length, 2, { ...changes, row_axes: [{ name: "variable", size: labels.length, labels }] });
    const weights = named(["beta", "moving_mean", "gamma"]);
    const gradients = named(["gamma", "beta"], { tensor: "gradients", buffer: 1 });
    const cells = [Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(10, 20, 30, 40)];
    await draw(kernel, [weights, gradients], 1, cells);
    const map = find<HTMLElement>(el, "[data-tensor=weights] [role=application]");
    const words = () => text(el, ".nnv-readout");
    press(map, "ArrowDown");
    await expect.poll(words).toBe("neuron 0variable moving_meanweight 3gradient none");
    press(map, "ArrowDown");
    await expect.poll(words).toBe("neuron 0variable gammaweight 5gradient 10");
    press(find(el, "[data-tensor=gradients] [role=application]"), "ArrowDown");
    await expect.poll(words).toBe("neuron 0variable betaweight 1gradient 30");
  });

  /** Moves a slider as a person does. */
  const slide = (el: Element, name: string, to: number) => {
    const slider = find<HTMLInputElement>(el, `input[aria-label=${name}]`);
    slider.value = String(to);
    slider.dispatchEvent(new InputEvent("input", { bubbles: true }));
  };

  test("what is said stays true after a slider moved, and a drag is said once", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const said: string[] = [];
    const listener = new MutationObserver(() => said.push(text(el, ".nnv-spoken")));
    listener.observe(find(el, ".nnv-spoken"), { childList: true, characterData: true, subtree: true });
    slide(el, "neuron", 1);
    slide(el, "neuron", 2);
    slide(el, "neuron", 3);
    await expect.poll(() => said.at(-1)).toBe("neuron 3, in 1, weight −0.125, gradient 1, activation 1");
    slide(el, "sample", 2);
    kernel.say(frame(kernel.client, 2, [WEIGHTS, GRADIENTS, OUTPUTS], { sample: 2 }), buffers());
    await expect.poll(() => said.at(-1)).toBe("neuron 3, in 1, weight −0.125, gradient 1, activation 0.5");
    slide(el, "step", 400);
    const older = buffers().map((cells) => cells.map((value) => value * 2));
    kernel.say(
      frame(kernel.client, 3, [WEIGHTS, GRADIENTS, OUTPUTS], { sample: 2, step: 400, newest: false }),
      older,
    );
    await expect.poll(() => said.at(-1)).toBe("neuron 3, in 1, weight −0.25, gradient 2, activation 1");
    slide(el, "layer", 1);
    kernel.say(
      frame(kernel.client, 4, [WEIGHTS, OUTPUTS], { layer: "digits", sample: 2, step: 400, newest: false }),
      buffers(),
    );
    await expect.poll(() => said.at(-1)).toBe("neuron 3, in 1, weight −0.125, activation 0.5");
    expect(said).toHaveLength(4);
    listener.disconnect();
  });

  test("while it runs a frame changes canvases alone, the page follows at a reader's pace", async () => {
    const { el, kernel } = show({ _status: status({ state: "running" }) });
    await draw(kernel);
    await new Promise((resolve) => setTimeout(resolve, 2 * PACE_MS));
    const rounds = new Set<number>();
    let painted = 0;
    const listener = new MutationObserver(() => rounds.add(painted));
    listener.observe(el, { childList: true, characterData: true, attributes: true, subtree: true });
    const began = performance.now();
    for (let seq = 2; performance.now() - began < 3 * PACE_MS; seq++) {
      const cells = buffers().map((values) => values.map((value) => value / seq));
      kernel.say(frame(kernel.client, seq, [WEIGHTS, GRADIENTS, OUTPUTS], { step: 412 + seq }), cells);
      await new Promise(requestAnimationFrame);
      painted = kernel.of("ack").length;
    }
    listener.disconnect();
    // Words and bars follow one after the other, each with its own timer.
    const paces = Math.ceil((performance.now() - began) / PACE_MS) + 1;
    expect(painted).toBeGreaterThan(2 * paces);
    expect(rounds.size).toBeLessThanOrEqual(2 * paces);
  });

  test("while it runs a move is said once, not each new value", async () => {
    const { el, kernel } = show({ _status: status({ state: "running" }) });
    await draw(kernel);
    let seq = 1;
    const train = () => {
      seq += 1;
      const cells = buffers().map((values) => values.map((value) => value * seq));
      kernel.say(frame(kernel.client, seq, [WEIGHTS, GRADIENTS, OUTPUTS], { step: 412 + seq }), cells);
    };
    const said: string[] = [];
    const listener = new MutationObserver(() => said.push(text(el, ".nnv-spoken")));
    listener.observe(find(el, ".nnv-spoken"), { childList: true, characterData: true, subtree: true });
    const timer = setInterval(train, 40);
    end.signal.addEventListener("abort", () => clearInterval(timer));
    slide(el, "neuron", 3);
    await expect.poll(() => said.length).toBe(1);
    const shown = text(el, ".nnv-readout");
    await expect.poll(() => text(el, ".nnv-readout")).not.toBe(shown);
    slide(el, "neuron", 2);
    await expect.poll(() => said.at(-1)).toContain("neuron 2");
    expect(said).toHaveLength(2);
    clearInterval(timer);
    kernel.set("_status", status({ state: "paused" }));
    const value = () => text(el, ".nnv-readout > span:nth-child(3)");
    await expect.poll(() => said.at(-1)).toContain(value());
    listener.disconnect();
  });

  test("nothing is said before somebody moves", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    kernel.say(frame(kernel.client, 2, [WEIGHTS], { step: 413 }), [Float32Array.of(9, 9, 9, 9, 9, 9, 9, 9)]);
    await expect.poll(() => text(el, ".nnv-readout")).toContain("weight 9");
    await new Promise((resolve) => setTimeout(resolve, 2 * PACE_MS));
    expect(text(el, ".nnv-spoken")).toBe("");
  });

  test("a row of the activations is a sample", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const map = find<HTMLElement>(el, "[data-tensor=activations] [role=application]");
    press(map, "ArrowDown");
    expect(kernel.cursor.traits.sample).toBe(1);
    await expect.poll(() => kernel.of("watch").at(-1)?.sample).toBe(1);
  });

  test("a click selects the cell under it, the pointer reads it out", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const map = find<HTMLElement>(el, "[data-tensor=weights] [role=application]");
    const { left, top, width, height } = map.getBoundingClientRect();
    const at = { clientX: left + width * 0.9, clientY: top + height * 0.9, bubbles: true };
    map.dispatchEvent(new PointerEvent("pointermove", at));
    await expect.poll(() => text(el, ".nnv-readout")).toContain("weight −0.125");
    const weight = [...el.querySelectorAll<HTMLElement>(".nnv-readout > span")].find(({ textContent }) =>
      textContent?.startsWith("weight"),
    );
    expect(weight?.title).toBe("-0.125");
    expect(kernel.cursor.traits.neuron).toBe(0);
    map.dispatchEvent(new PointerEvent("pointerdown", { ...at, isPrimary: true }));
    map.dispatchEvent(new PointerEvent("pointerup", { ...at, isPrimary: true }));
    expect(kernel.cursor.traits.neuron).toBe(3);
  });

  test("brackets move the step and leave the newest one, the end comes back to it", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const root = find<HTMLElement>(el, ".nnv-inspector");
    press(root, "[");
    expect(kernel.cursor.traits).toMatchObject({ step: 411, follow: false });
    await expect.poll(() => kernel.of("watch").at(-1)?.step).toBe(411);
    press(root, "]");
    expect(kernel.cursor.traits).toMatchObject({ step: 412, follow: true });
    press(root, ".");
    expect(kernel.cursor.traits).toMatchObject({ layer: "digits", layer_index: 1 });
  });

  test("a step that was not kept is named beside the line, and no slider moves", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const top = find(el, ".nnv-sliders").getBoundingClientRect().top;
    const parts = find(el, ".nnv-readout").querySelectorAll("span:not(.nnv-aside)").length;
    kernel.cursor.set("follow", false);
    kernel.cursor.set("step", 405);
    kernel.say(
      frame(kernel.client, 2, [WEIGHTS, GRADIENTS, OUTPUTS], { step: 400, newest: false }),
      buffers(),
    );
    await expect.poll(() => text(el, ".nnv-aside")).toBe("as kept at step 400");
    expect(find(el, ".nnv-readout").querySelectorAll("span:not(.nnv-aside)")).toHaveLength(parts);
    expect(find(el, ".nnv-sliders").getBoundingClientRect().top).toBe(top);
  });

  test("the space bar runs, and no key reaches the notebook", async () => {
    const { el, kernel } = show();
    await expect.poll(() => el.querySelector(".nnv-notice")).toBeNull();
    const heard: string[] = [];
    document.addEventListener("keydown", ({ key }) => heard.push(key), { signal: end.signal });
    const root = find<HTMLElement>(el, ".nnv-inspector");
    for (const key of [" ", "a", "d", "Enter"]) press(root, key);
    expect(kernel.of("run")).toHaveLength(1);
    expect(heard).toEqual([]);
    expect(find(el, "[data-lm-suppress-shortcuts]")).not.toBeNull();
  });

  test("a slider moves the cursor once", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const before = kernel.cursor.saves;
    const slider = find<HTMLInputElement>(el, "input[aria-label=neuron]");
    slider.value = "7";
    slider.dispatchEvent(new InputEvent("input", { bubbles: true }));
    expect(kernel.cursor.traits.neuron).toBe(7);
    expect(kernel.cursor.saves).toBe(before + 1);
  });

  test("keys with Ctrl are the notebook's, also when a button has the focus", async () => {
    const { el } = show();
    const root = find<HTMLElement>(el, ".nnv-root");
    const seen: (string | undefined)[] = [];
    const note = () => seen.push(root.dataset.lmSuppressShortcuts);
    document.addEventListener("keydown", note, true);
    const button = find<HTMLElement>(el, ".nnv-button");
    button.dispatchEvent(new KeyboardEvent("keydown", { key: "s", ctrlKey: true, bubbles: true }));
    button.dispatchEvent(new KeyboardEvent("keydown", { key: "s", metaKey: true, bubbles: true }));
    button.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
    document.removeEventListener("keydown", note, true);
    expect(seen).toEqual(["false", "false", "true"]);
  });
});
