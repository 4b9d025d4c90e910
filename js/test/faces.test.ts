import { describe, expect, test } from "vitest";
import type { Status } from "../src/protocol.gen.ts";
import { replyTo, status } from "./fakes.ts";
import { draw, find, show, text } from "./harness.ts";

describe("faces", () => {
  const buttons = (el: Element) =>
    Object.fromEntries(
      [...el.querySelectorAll<HTMLButtonElement>(".nnv-button")].map((button) => [
        button.textContent,
        !button.disabled,
      ]),
    );
  const ready = (el: Element) => expect.poll(() => el.querySelector(".nnv-notice")).toBeNull();

  test("idle says what Run will do", async () => {
    const { el } = show({ _status: status({ state: "idle", step: 0 }) });
    await ready(el);
    expect(text(el, ".nnv-before")).toBe("Press Run to train 5 epochs of 313 steps.");
    expect(buttons(el)).toEqual({ Run: true, Step: true, Epoch: true, Stop: false });
  });

  test("running can be paused and stopped", async () => {
    const { el } = show({ _status: status({ state: "running" }) });
    await ready(el);
    expect(buttons(el)).toEqual({ Pause: true, Step: false, Epoch: false, Stop: true });
  });

  test("finished and failed have nothing to press; the traceback is there", async () => {
    const failure = { title: "ValueError: bad batch", traceback: "File train.py, line 3" };
    const { el, kernel } = show({ _status: status({ state: "failed", failure }) });
    await ready(el);
    expect(Object.values(buttons(el))).toEqual([false, false, false, false]);
    expect(text(el, ".nnv-failure")).toContain("File train.py, line 3");
    kernel.set("_status", status({ state: "finished", step: 1565 }));
    await expect.poll(() => text(el, ".nnv-chip")).toBe("finished");
    expect(Object.values(buttons(el))).toEqual([false, false, false, false]);
  });

  test("what a person ended was stopped, what a callback ended is finished", async () => {
    const { el, kernel } = show({ _status: status({ state: "finished", stopped: true }) });
    await ready(el);
    expect(text(el, ".nnv-chip")).toBe("stopped at step 412");
    kernel.set("_status", status({ state: "finished" }));
    await expect.poll(() => text(el, ".nnv-chip")).toBe("finished at step 412");
    kernel.set("_status", status({ state: "finished", total_steps: null }));
    await expect.poll(() => text(el, ".nnv-chip")).toBe("finished");
  });

  test("Stop says beforehand that nothing brings the training back", async () => {
    const { el } = show();
    await ready(el);
    const stop = [...el.querySelectorAll<HTMLButtonElement>(".nnv-button")].find(
      ({ textContent }) => textContent === "Stop",
    );
    expect(stop?.title).toBe("End training for good; it cannot be resumed");
  });

  test("a recording has no run controls", async () => {
    const { el } = show({ _status: status({ source: "recording", state: "finished" }) });
    await ready(el);
    expect(buttons(el)).toEqual({});
    expect(text(el, ".nnv-figures")).toContain("412 / 1565");
  });

  test.each<[Partial<Status>, string]>([
    [{ source: "recording", state: "running" }, "being recorded"],
    [{ source: "recording", state: "finished" }, "recorded up to step 412"],
    [{ source: "comparison", state: "finished" }, "comparison"],
  ])("what was recorded says that it is over: %o", async (changes, words) => {
    const { el } = show({ _status: status({ controls: false, ...changes }) });
    await ready(el);
    expect(text(el, ".nnv-chip")).toBe(words);
  });

  test("a fit that hears nothing of the page has no run controls until it does", async () => {
    const { el, kernel } = show({ _status: status({ state: "running", controls: false }) });
    await ready(el);
    expect(buttons(el)).toEqual({});
    expect(text(el, ".nnv-chip")).toBe("running");
    kernel.set("_status", status({ state: "running" }));
    await expect.poll(() => buttons(el)).toEqual({ Pause: true, Step: false, Epoch: false, Stop: true });
  });

  test("a fit that hears nothing of the page says what comes when its cell has ended", async () => {
    const traits = { _status: status({ state: "running", step: 3, controls: false }) };
    const { el, kernel } = show(traits, (kernel) => {
      kernel.answering = false;
    });
    await expect
      .poll(() => text(el, ".nnv-notice"), { timeout: 5000 })
      .toContain("Waiting for the running cell");
    expect(text(el, ".nnv-chip")).toBe("running");
    expect(text(el, ".nnv-before")).toBe("The maps come when the cell has ended.");
    expect(text(el, ".nnv-layers .nnv-empty")).toBe("The layers appear when the cell has ended.");
    kernel.set("_status", status({ state: "running", step: 3 }));
    await expect.poll(() => text(el, ".nnv-chip")).toBe("waiting for the running cell");
    expect(text(el, ".nnv-layers .nnv-empty")).toBe("The layers appear with the first step.");
  });

  test("one batch has a loss, but no controls, steps or epochs", async () => {
    const { el } = show({
      _status: status({
        source: "inspection",
        state: "finished",
        step: 0,
        logs: { loss: 0.25 },
        steps_per_second: null,
      }),
    });
    await ready(el);
    expect(buttons(el)).toEqual({});
    expect(text(el, ".nnv-chip")).toBe("one batch, in inference mode");
    expect(text(el, ".nnv-figures")).toBe("0.250loss");
  });

  test("the kernel is gone, and comes back", async () => {
    const { el, kernel } = show();
    await ready(el);
    await expect.poll(() => kernel.cursor.listenerCount).toBeGreaterThan(0);
    kernel.cursor.setLive(false);
    await expect
      .poll(() => text(el, ".nnv-notice"))
      .toBe("The kernel is gone. Run the cell again to reconnect.");
    expect(Object.values(buttons(el))).toEqual([false, false, false, false]);
    const sliders = [...el.querySelectorAll<HTMLInputElement>("input[type=range]")];
    expect(sliders.every(({ disabled }) => disabled)).toBe(true);
    kernel.cursor.setLive(true);
    await expect.poll(() => text(el, ".nnv-notice span")).toBe("Reconnected at step 412.");
    expect(buttons(el).Run).toBe(true);
  });

  test("a refused command is told until it is dismissed", async () => {
    const { el, kernel } = show();
    await ready(el);
    find<HTMLButtonElement>(el, ".nnv-primary").click();
    const [{ id, client } = { id: 0, client: "" }] = kernel.of("run");
    kernel.say(replyTo({ client, id }, { error: "it is closed" }));
    await expect.poll(() => text(el, ".nnv-notice")).toContain("it is closed");
    find<HTMLButtonElement>(el, ".nnv-notice button").click();
    await ready(el);
  });

  test("below 700 pixels the columns are stacked", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const lefts = () =>
      [".nnv-layers", ".nnv-maps"].map((name) => find(el, name).getBoundingClientRect().left);
    const [wideLayers, wideMaps] = lefts();
    expect(wideMaps).toBeGreaterThan(wideLayers ?? 0);
    el.style.width = "600px";
    const [layers, maps] = lefts();
    expect(maps).toBe(layers);
    expect(find(el, ".nnv-root").scrollWidth).toBeLessThanOrEqual(600);
  });
});
