import { describe, expect, test } from "vitest";
import { layerEntry, status } from "./fakes.ts";
import { find, show, text } from "./harness.ts";

describe("P01 hostile names", () => {
  const HOSTILE = [
    '</script><img src=x onerror="window.pwned=1">',
    "\u202Egnp.exe",
    "x".repeat(10_000),
    "",
    "\u{1F9E0}",
    "__proto__",
  ];
  test.each(HOSTILE.map((name) => [name.slice(0, 20), name]))("%s is text", async (_short, name) => {
    const { el, kernel } = show(
      { _status: status({ name, activity: name, logs: { [name]: 1 } }) },
      (fake) => {
        fake.layers = [layerEntry(name, { summary: name })];
      },
    );
    await expect.poll(() => el.querySelectorAll(".nnv-layer").length).toBe(1);
    kernel.say({ kind: "notice", level: "info", text: name });
    await expect.poll(() => text(el, ".nnv-notice span")).toBe(name);
    expect(el.querySelector("img, script")).toBeNull();
    expect(Reflect.get(window, "pwned")).toBeUndefined();
    expect(text(el, ".nnv-layer-head b")).toBe(name);
    const root = find(el, ".nnv-root");
    expect(root.scrollWidth).toBeLessThanOrEqual(root.clientWidth + 2);
  });
});
