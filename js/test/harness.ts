/** A widget on a fake kernel in a real page, and ways to look at it. */

import { afterEach, beforeEach, expect, vi } from "vitest";
import createWidget from "../src/index.ts";
import type { InspectorTraits } from "../src/model.ts";
import type { Plane } from "../src/protocol.gen.ts";
import { FakeKernel, frame, plane } from "./fakes.ts";

/** Ends with each test. */
export let end = new AbortController();
beforeEach(() => {
  end = new AbortController();
  document.body.replaceChildren();
  sessionStorage.clear();
});
afterEach(() => {
  end.abort();
  vi.restoreAllMocks();
});

export function place(width = 1120): HTMLElement {
  const el = document.createElement("div");
  el.style.width = `${width}px`;
  document.body.append(el);
  return el;
}

/** A widget on a fake kernel, and its first view. */
export function show(traits: Partial<InspectorTraits> = {}, change: (kernel: FakeKernel) => void = () => {}) {
  const kernel = new FakeKernel(traits);
  change(kernel);
  const widget = createWidget();
  widget.initialize({ model: kernel, signal: end.signal });
  const el = place();
  const close = widget.render({ model: kernel, el, signal: end.signal });
  return { kernel, widget, el, close };
}

export const WEIGHTS = plane(2, 4);
export const GRADIENTS = plane(2, 4, { tensor: "gradients", buffer: 1 });
export const OUTPUTS = plane(3, 4, {
  tensor: "activations",
  buffer: 2,
  variable: null,
  axes: ["sample", "neuron"],
  row_axes: [{ name: "sample", size: 3, labels: [] }],
  low: 0,
  clip_low: 0,
});

/** The cells of those three. */
export function buffers(): Float32Array[] {
  return [
    Float32Array.of(1, -1, 0.5, 0.25, 0, 0, 0, -0.125),
    Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1),
    Float32Array.of(0, 1, 0, 1, 1, 0, 1, 0, 0.5, 0.5, 0.5, 0.5),
  ];
}

/** Waits until maps are asked for, then sends a frame of them. */
export async function draw(
  kernel: FakeKernel,
  planes: Plane[] = [WEIGHTS, GRADIENTS, OUTPUTS],
  seq = 1,
  cells: readonly Float32Array[] = buffers(),
): Promise<void> {
  await expect.poll(() => kernel.of("watch").at(-1)?.maps.length ?? 0).toBeGreaterThan(0);
  kernel.say(frame(kernel.client, seq, planes), [...cells]);
  await expect.poll(() => kernel.of("ack").at(-1)?.seq).toBe(seq);
}

/** What is asked for now of whole tensors, without the parts of one neuron. */
export const wholeMaps = (kernel: FakeKernel) =>
  (kernel.of("watch").at(-1)?.maps ?? []).filter(({ part }) => part === "map");

export const canvasOf = (el: Element, tensor = "weights") =>
  el.querySelector<HTMLCanvasElement>(`[data-tensor=${tensor}] .nnv-data`);

export function pixel(canvas: HTMLCanvasElement | null, x: number, y: number): number {
  const data = canvas?.getContext("2d")?.getImageData(x, y, 1, 1).data ?? new Uint8ClampedArray(4);
  return new Uint32Array(data.buffer)[0] ?? 0;
}

export const find = <T extends Element>(el: Element, selector: string): T => {
  const found = el.querySelector<T>(selector);
  if (found === null) throw new Error(`no ${selector} in ${el.innerHTML.slice(0, 500)}`);
  return found;
};

export const press = (el: Element, key: string) =>
  el.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

export const text = (el: Element, selector: string) => el.querySelector(selector)?.textContent ?? "";

export function rgbOf(canvas: HTMLCanvasElement | null, x: number, y: number): string {
  const data = canvas?.getContext("2d")?.getImageData(x, y, 1, 1).data ?? [];
  return `rgb(${data[0]}, ${data[1]}, ${data[2]})`;
}
