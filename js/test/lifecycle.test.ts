import { describe, expect, test, vi } from "vitest";
import type { ClientMessage } from "../src/protocol.gen.ts";
import { canvasOf, draw, end, pixel, place, rgbOf, show, WEIGHTS } from "./harness.ts";

describe("lifecycle", () => {
  test("C05 two views of one widget are one client, and closing one leaves the other alive", async () => {
    const { kernel, widget, el, close } = show();
    const second = place();
    const closeSecond = widget.render({ model: kernel, el: second, signal: end.signal });
    await draw(kernel);
    expect(kernel.of("ready")).toHaveLength(1);
    const shot = canvasOf(el)?.toDataURL();
    expect(canvasOf(second)?.toDataURL()).toBe(shot);
    close();
    expect(el.childElementCount).toBe(0);
    await draw(kernel, [{ ...WEIGHTS, clip_low: -4, clip_high: 4 }], 3);
    expect(canvasOf(second)?.toDataURL()).not.toBe(shot);
    closeSecond();
    await expect.poll(() => kernel.of("watch").at(-1)?.maps).toEqual([]);
  });

  test("a closed view leaves no observer behind", async () => {
    const kinds = [ResizeObserver, IntersectionObserver, MutationObserver];
    const observe = kinds.map(({ prototype }) => vi.spyOn(prototype, "observe"));
    const disconnect = kinds.map(({ prototype }) => vi.spyOn(prototype, "disconnect"));
    const { kernel, close } = show();
    await draw(kernel);
    close();
    const contexts = (spies: typeof observe | typeof disconnect) =>
      spies.flatMap(({ mock }) => mock.contexts);
    const begun = new Set<unknown>(contexts(observe));
    expect(begun.size).toBeGreaterThan(5);
    const left = () =>
      [...begun].filter((observer) => !contexts(disconnect).some((each) => each === observer));
    await expect.poll(left).toEqual([]);
  });

  test("a second render after the first was closed draws the same", async () => {
    const { kernel, widget, el, close } = show();
    await draw(kernel);
    const shot = canvasOf(el)?.toDataURL();
    close();
    const again = place();
    widget.render({ model: kernel, el: again, signal: end.signal });
    await expect.poll(() => canvasOf(again)?.toDataURL()).toBe(shot);
  });

  test("an element that comes to the page after it was rendered into has the page's colours", async () => {
    const { kernel, widget } = show();
    const el = document.createElement("div");
    widget.render({ model: kernel, el, signal: end.signal });
    document.body.append(el);
    await draw(kernel);
    const select = getComputedStyle(el.querySelector(".nnv-cursor") ?? el, "::before").backgroundColor;
    const overlay = () => el.querySelector<HTMLCanvasElement>("[data-tensor=weights] .nnv-overlay");
    await expect.poll(() => rgbOf(overlay(), 1, 10)).toBe(select);
  });

  test("C04 a reloaded page is a new client", () => {
    const first = show().kernel.client;
    expect(show().kernel.client).not.toBe(first);
  });

  test("C06 forty views, none is blank", async () => {
    const { kernel, widget } = show();
    const places = Array.from({ length: 39 }, () => {
      const el = place(300);
      el.style.height = "20px";
      el.style.overflow = "visible";
      widget.render({ model: kernel, el, signal: end.signal });
      return el;
    });
    await draw(kernel);
    // Those far below the window are not drawn before they are scrolled to.
    places.at(-1)?.scrollIntoView();
    for (const el of places) {
      await expect.poll(() => pixel(canvasOf(el), 0, 0), { timeout: 5000 }).not.toBe(0);
    }
  });

  test("C08 a browser without WebGL draws the same: nothing asks for more than a 2D canvas", async () => {
    const asked = new Set<string>();
    const original = HTMLCanvasElement.prototype.getContext;
    const spy = vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (
      this: HTMLCanvasElement,
      kind: string,
      ...rest: unknown[]
    ) {
      asked.add(kind);
      return kind === "2d" ? Reflect.apply(original, this, [kind, ...rest]) : null;
    } as typeof original);
    const { kernel, el } = show();
    await draw(kernel);
    await expect.poll(() => pixel(canvasOf(el), 0, 0)).not.toBe(0);
    expect([...asked]).toEqual(["2d"]);
    spy.mockRestore();
  });

  test("after abort no listener is left and nothing is on the page", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    end.abort();
    expect([kernel.listenerCount, kernel.cursor.listenerCount]).toEqual([0, 0]);
    expect(el.childElementCount).toBe(0);
    expect(kernel.of("gone")).toHaveLength(1);
  });
});

test("every message that is sent is one of the protocol's, with its client", async () => {
  const { kernel } = show();
  await draw(kernel);
  const kinds: ClientMessage["kind"][] = kernel.sent.map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(["ready", "watch", "ack"]));
  expect(new Set(kernel.sent.map(({ client }) => client)).size).toBe(1);
});
