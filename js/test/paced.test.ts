import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { paced } from "../src/paced.ts";
import { frame, plane, status } from "./fakes.ts";
import { canvasOf, draw, pixel, show, text, wholeMaps } from "./harness.ts";

describe("a signal at the pace of a reader", () => {
  let end = new AbortController();
  beforeEach(() => {
    end = new AbortController();
    vi.useFakeTimers();
  });
  afterEach(() => {
    end.abort();
    vi.useRealTimers();
  });

  test("many changes become few, and the last one is never lost", () => {
    const source = signal(0);
    const followed = paced(source, () => false, end.signal);
    const seen = new Set<number>();
    for (let i = 1; i <= 100; i++) {
      source.value = i;
      vi.advanceTimersByTime(10);
      seen.add(followed.value);
    }
    expect(seen.size).toBeGreaterThanOrEqual(5);
    expect(seen.size).toBeLessThanOrEqual(7);
    vi.advanceTimersByTime(200);
    expect(followed.value).toBe(100);
  });

  test("what is to be said at once is said at once, and does not come twice", () => {
    const source = signal("a 1");
    const followed = paced(source, (before, now) => before[0] !== now[0], end.signal);
    source.value = "a 2";
    expect(followed.value).toBe("a 1");
    source.value = "b 3";
    expect(followed.value).toBe("b 3");
    let changes = 0;
    followed.subscribe(() => {
      changes += 1;
    });
    vi.advanceTimersByTime(1000);
    expect(changes).toBe(1);
  });

  test("nothing moves after its end", () => {
    const source = signal(0);
    const followed = paced(source, () => false, end.signal);
    source.value = 1;
    end.abort();
    vi.advanceTimersByTime(1000);
    expect(followed.value).toBe(0);
  });
});

describe("while it runs", () => {
  /** Pooled, so that its cells say nothing about a single weight. */
  const pooled = (text: string) =>
    plane(2, 4, { full_rows: 4, row_factor: 2, reduce: "absmax", value: { row: 2, column: 0, text } });

  test("pictures move with each frame, words follow, and the selected values need no question", async () => {
    const { kernel, el } = show({ _status: status({ state: "running" }) });
    await draw(kernel, [pooled("0.125")]);
    await expect.poll(() => text(el, ".nnv-readout")).toContain("weight 0.125");
    await expect
      .poll(() => wholeMaps(kernel).find(({ tensor }) => tensor === "weights")?.cell)
      .toEqual({ row: 2, column: 0 });
    const before = pixel(canvasOf(el), 5, 5);
    kernel.say(frame(kernel.client, 2, [pooled("0.5")], { step: 413 }), [
      Float32Array.of(-1, 1, 0, 0, 0, 0, 0, 0),
    ]);
    await expect.poll(() => pixel(canvasOf(el), 5, 5)).not.toBe(before);
    await expect.poll(() => text(el, ".nnv-readout")).toContain("weight 0.5");
    expect(kernel.of("read")).toEqual([]);
  });

  test("at rest words come with the picture", async () => {
    const { kernel, el } = show({ _status: status({ state: "paused" }) });
    await draw(kernel);
    kernel.say(frame(kernel.client, 2, [plane(2, 4, { shape: [7, 9] })], { step: 413 }), [
      Float32Array.of(-1, 1, 0, 0, 0, 0, 0, 0),
    ]);
    await expect.poll(() => kernel.of("ack").at(-1)?.seq, { interval: 5 }).toBe(2);
    expect(text(el, "[data-tensor=weights] .nnv-map-label")).toContain("7 \u00d7 9");
  });
});
