import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { replyTo, status } from "./fakes.ts";
import { draw, find, show, text } from "./harness.ts";

/** What has the focus, in the words of a screen reader. */
function focused(): string {
  const element = document.activeElement;
  const name = element?.getAttribute("aria-label") ?? element?.textContent ?? "";
  return `${element?.getAttribute("role") ?? element?.tagName.toLowerCase()} ${name.trim()}`;
}

async function tabTo(what: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if (focused() === what) return;
    await userEvent.keyboard("{Tab}");
  }
  throw new Error(`the Tab key never came to ${what}`);
}

describe("by keyboard alone", () => {
  test("each control is one stop, from top to bottom", async () => {
    const { kernel } = show();
    await draw(kernel);
    const stops: string[] = [];
    for (let i = 0; i < 60 && !(i > 0 && document.activeElement === document.body); i++) {
      await userEvent.keyboard("{Tab}");
      if (document.activeElement !== document.body) stops.push(focused());
    }
    const inOrder = [
      "group Inspector",
      "button Run",
      "button Step",
      "button Epoch",
      "button Stop",
      "select steps a second at most",
      "button keys",
      "tree Layers",
      "application activations of hidden",
      "application weights of hidden",
      "application gradients of hidden",
      "input layer",
      "input step",
      "input neuron",
      "input sample",
      "slider step",
    ];
    const found = stops.filter((stop) => inOrder.includes(stop));
    expect(found).toEqual(inOrder);
  });

  test("a step can be taken again and again: the focus stays while it is taken", async () => {
    const { kernel } = show();
    await draw(kernel);
    await tabTo("button Step");
    await userEvent.keyboard("{Enter}");
    await expect.poll(() => kernel.of("step").length).toBe(1);
    kernel.set("_status", status({ state: "running" }));
    const button = document.activeElement;
    await expect.poll(() => button?.getAttribute("aria-disabled")).toBe("true");
    expect(focused()).toBe("button Step");
    await userEvent.keyboard("{Enter}");
    expect(kernel.of("step").length).toBe(1);
    for (const { client, id } of kernel.of("step")) kernel.say(replyTo({ client, id }));
    kernel.set("_status", status({ step: 413 }));
    await expect.poll(() => button?.getAttribute("aria-disabled")).toBeNull();
    await userEvent.keyboard("{Enter}");
    await expect.poll(() => kernel.of("step").length).toBe(2);
  });

  test("what is disabled is passed over by Tab", async () => {
    const { kernel } = show({ _status: status({ state: "running" }) });
    await draw(kernel);
    await tabTo("button Pause");
    await userEvent.keyboard("{Tab}");
    expect(focused()).toBe("button Stop");
  });

  test("a map's keys move the cell, and it is said", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    await tabTo("application weights of hidden");
    await userEvent.keyboard("{ArrowRight}{ArrowRight}{ArrowUp}");
    expect(kernel.cursor.get("neuron")).toBe(2);
    await expect.poll(() => text(el, ".nnv-spoken")).toBe("neuron 2, in 0, weight 0.5");
  });

  test("the list of keys opens, closes, and gives the focus back", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    await tabTo("application weights of hidden");
    await userEvent.keyboard("?");
    await expect.poll(() => el.querySelector("dialog")).not.toBeNull();
    const dialog = find<HTMLDialogElement>(el, "dialog");
    await expect.poll(() => dialog.open).toBe(true);
    expect(focused()).toBe("button close");
    expect(dialog.textContent).toContain("run or pause");
    await userEvent.keyboard("{Escape}");
    await expect.poll(() => dialog.open).toBe(false);
    expect(focused()).toBe("application weights of hidden");
    await tabTo("button keys");
    await userEvent.keyboard("{Enter}");
    await expect.poll(() => dialog.open).toBe(true);
    await userEvent.keyboard("{Enter}");
    await expect.poll(() => dialog.open).toBe(false);
  });
});
