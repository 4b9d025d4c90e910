import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { treeOf } from "../src/branches.ts";
import { plotOf } from "../src/picture/plot.ts";
import type { Debugging, Settings, Status } from "../src/protocol.gen.ts";
import type { Line } from "../src/source/source.ts";
import { breakpoint, debugging, type FakeKernel, frame, MAIN, status } from "./fakes.ts";
import { draw, find, press, show, text, WEIGHTS } from "./harness.ts";

const BRANCH = { name: "branch 1", parent: "main", step: 300, last_step: 350 };
const FORKED: Partial<Debugging> = { branches: [MAIN, BRANCH], branch: "branch 1" };

/** A widget with its debugger open. */
async function opened(changes: Partial<Debugging> = {}, more: Partial<Status> = {}) {
  const shown = show({ _status: status({ debugging: debugging(changes), ...more }) });
  await draw(shown.kernel);
  press(find(shown.el, ".nnv-inspector"), "d");
  await expect.poll(() => shown.el.querySelector(".nnv-debug")).not.toBeNull();
  const tell = (next: Partial<Debugging>, also: Partial<Status> = {}) =>
    shown.kernel.set("_status", status({ debugging: debugging({ ...changes, ...next }), ...more, ...also }));
  return { ...shown, tell, field: find<HTMLInputElement>(shown.el, "[role=combobox]") };
}

const button = (el: Element, label: string) =>
  [...el.querySelectorAll<HTMLButtonElement>("button")].find(
    ({ textContent }) => textContent?.trim() === label,
  );

async function completes(kernel: FakeKernel, start: number, end: number, ...words: [string, string][]) {
  await kernel.reply("complete", {
    completion: { start, end, candidates: words.map(([word, sort]) => ({ text: word, sort })) },
  });
}

const options = (el: Element) =>
  [...el.querySelectorAll("[role=option] code")].map((each) => each.textContent);
const active = (el: Element) => {
  const id = find(el, "[role=combobox]").getAttribute("aria-activedescendant");
  return id === null ? null : el.querySelector(`[id="${id}"] code`)?.textContent;
};

describe("the debugger", () => {
  test("is there for a session, and for nothing else", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    expect(button(el, "Debug")).toBeUndefined();
    press(find(el, ".nnv-inspector"), "d");
    expect(kernel.of("annex")).toEqual([]);
  });

  test.each([
    ["a session", debugging(), true],
    ["a file", null, false],
  ])("has its keys in the list of %s: %s", async (_, of, has) => {
    const { el, kernel } = show({ _status: status({ debugging: of }) });
    await draw(kernel);
    press(find(el, ".nnv-inspector"), "?");
    await expect.poll(() => text(el, ".nnv-help")).toContain("Tall maps as tables");
    expect(text(el, ".nnv-help").includes("Bthe model a step back")).toBe(has);
  });

  test("opens and closes by its button, which says which", async () => {
    const { el } = await opened();
    const toggle = button(el, "Debug");
    expect(toggle?.ariaExpanded).toBe("true");
    toggle?.click();
    await expect.poll(() => el.querySelector(".nnv-debug")).toBeNull();
    expect(toggle?.ariaExpanded).toBe("false");
  });
});

describe("a step that a guard has refused", () => {
  test.each([
    [412, true],
    [411, false],
  ])("shown at 412 and refused at %i: the weights are what it would make: %s", async (refused, told) => {
    const { el } = await opened({ paused_by: "nan", refused });
    const label = () => text(el, "[data-tensor=weights] .nnv-map-label");
    await expect.poll(label).toContain("weights");
    await expect.poll(() => label().includes("what the step would make")).toBe(told);
    expect(text(el, "[data-tensor=gradients] .nnv-map-label")).not.toContain("would make");
  });
});

describe("a condition that is typed faster than it is answered", () => {
  test("what is taken replaces all of the word, and what was chosen stays chosen", async () => {
    const { el, kernel, field } = await opened();
    await userEvent.type(field, "lo");
    await completes(kernel, 0, 2, ["loss", "name"], ["log", "function"]);
    await expect.poll(() => options(el)).toEqual(["loss", "log"]);
    await userEvent.type(field, "s");
    press(field, "ArrowDown");
    await expect.poll(() => active(el)).toBe("loss");
    await expect.poll(() => kernel.of("complete").at(-1)).toMatchObject({ condition: "los" });
    await completes(kernel, 0, 3, ["batch_loss", "metric"], ["loss", "name"]);
    await expect.poll(() => active(el)).toBe("loss");
    await userEvent.type(field, "s");
    press(field, "Enter");
    await expect.poll(() => field.value).toBe("loss ");
    expect(kernel.of("add breakpoint")).toEqual([]);
  });
});

describe("a candidate that was taken", () => {
  test("is done with: who types on before the next ones come takes nothing with Enter", async () => {
    const { el, kernel, field } = await opened();
    await userEvent.type(field, "los");
    await completes(kernel, 0, 3, ["loss", "name"]);
    await expect.poll(() => options(el)).toEqual(["loss"]);
    await userEvent.keyboard("{ArrowDown}{Enter}");
    await expect.poll(() => field.value).toBe("loss ");
    await userEvent.keyboard("> 5{Enter}");
    await expect.poll(() => kernel.of("add breakpoint").at(-1)?.condition).toBe("loss > 5");
    expect(field.value).toBe("loss > 5");
  });
});

describe("the transport with its buttons", () => {
  const PAUSED = {
    by: "l2(encoder/dense.gradients) > 100",
    logs: { loss: 0.2861, accuracy: 0.9063, val_loss: 1.25 },
  };

  test.each([480, 700, 900, 1000, 1100, 1120, 1200])("fits into %i pixels", async (width) => {
    const { kernel, el } = show({
      _status: status({ debugging: debugging({ paused_by: PAUSED.by }), logs: PAUSED.logs }),
    });
    el.style.width = `${width}px`;
    await draw(kernel);
    const { right } = find(el, ".nnv-root").getBoundingClientRect();
    await expect.poll(() => find(el, ".nnv-root").getBoundingClientRect().width).toBe(width);
    const parts = [...el.querySelectorAll(".nnv-transport :is(button, select, .nnv-chip, .nnv-figure)")];
    const { bottom } = find(el, ".nnv-figures").getBoundingClientRect();
    const seen = parts.filter((part) => part.getBoundingClientRect().top < bottom);
    expect(parts.length - seen.length).toBeLessThanOrEqual(1);
    const ends = seen.map((part) => part.getBoundingClientRect());
    const figures = find(el, ".nnv-figures").getBoundingClientRect();
    expect(Math.max(figures.right, find(el, ".nnv-ask").getBoundingClientRect().right)).toBeLessThanOrEqual(
      right,
    );
    expect(Math.max(...ends.map((end) => end.right))).toBeLessThanOrEqual(right);
    for (const [i, end] of ends.entries())
      for (const other of ends.slice(i + 1)) {
        const apart = end.right <= other.left + 0.5 || other.right <= end.left + 0.5;
        expect(apart || end.bottom <= other.top + 0.5 || other.bottom <= end.top + 0.5, `${i}`).toBe(true);
      }
    expect(find(el, ".nnv-chip").clientWidth).toBeGreaterThan(60);
  });
});

describe("typing a condition", () => {
  test("names the ways to go on; arrows choose, Enter takes, and what must follow is put too", async () => {
    const { el, kernel, field } = await opened();
    field.focus();
    await userEvent.keyboard("l2(hi");
    await expect.poll(() => kernel.of("complete").at(-1)).toMatchObject({ condition: "l2(hi", cursor: 5 });
    await completes(kernel, 3, 5, ["hidden", "layer"], ["high", "layer"]);
    await expect.poll(() => options(el)).toEqual(["hidden", "high"]);
    expect(field.ariaExpanded).toBe("true");
    expect(active(el)).toBeNull();
    await userEvent.keyboard("{ArrowUp}");
    await expect.poll(() => active(el)).toBe("high");
    await userEvent.keyboard("{ArrowDown}");
    await expect.poll(() => active(el)).toBe("hidden");
    await userEvent.keyboard("{Enter}");
    await expect.poll(() => field.value).toBe("l2(hidden.");
    await expect
      .poll(() => kernel.of("complete").at(-1))
      .toMatchObject({ condition: "l2(hidden.", cursor: 10 });
    await completes(kernel, 10, 10, ["gradients", "kind"]);
    await expect.poll(() => options(el)).toEqual(["gradients"]);
    await userEvent.keyboard("{ArrowDown}{Tab}");
    await expect.poll(() => field.value).toBe("l2(hidden.gradients) ");
    await expect.poll(() => field.selectionStart).toBe(21);
    expect(document.activeElement).toBe(field);
    expect(kernel.of("add breakpoint")).toEqual([]);
  });

  test("counts characters as Python does", async () => {
    const { kernel, field, el } = await opened();
    field.focus();
    await userEvent.fill(field, "\u{1F600} + lo");
    await expect.poll(() => kernel.of("complete").at(-1)?.cursor).toBe(6);
    await completes(kernel, 4, 6, ["loss", "name"]);
    await expect.poll(() => options(el)).toEqual(["loss"]);
    await userEvent.keyboard("{ArrowDown}{Enter}");
    await expect.poll(() => field.value).toBe("\u{1F600} + loss ");
  });

  test("Escape closes the list and leaves the text; an answer that comes late opens nothing", async () => {
    const { el, kernel, field } = await opened();
    field.focus();
    await userEvent.keyboard("lo");
    await completes(kernel, 0, 2, ["loss", "name"]);
    await expect.poll(() => options(el)).toEqual(["loss"]);
    await userEvent.keyboard("{Escape}");
    await expect.poll(() => options(el)).toEqual([]);
    await userEvent.keyboard("s{Escape}");
    await completes(kernel, 0, 3, ["loss", "name"]);
    await new Promise(requestAnimationFrame);
    expect(options(el)).toEqual([]);
    expect(field.value).toBe("los");
  });

  test("Enter makes a breakpoint of it, and the field is free for the next one", async () => {
    const { kernel, field } = await opened();
    field.focus();
    await userEvent.keyboard("loss > 3{Enter}");
    await expect.poll(() => kernel.of("add breakpoint").at(-1)?.condition).toBe("loss > 3");
    await kernel.reply("add breakpoint");
    await expect.poll(() => field.value).toBe("");
  });

  test("what is no condition stays, with the reason and a mark under the place", async () => {
    const { el, kernel, field } = await opened();
    field.focus();
    await userEvent.keyboard("loss > > 3{Enter}");
    await kernel.reply("add breakpoint", { error: "a value must come here (col 8)", column: 8 });
    await expect.poll(() => text(el, ".nnv-wrong")).toContain("a value must come here (col 8)");
    expect(field.value).toBe("loss > > 3");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(find(el, `[id="${field.getAttribute("aria-describedby")}"]`)).toBe(find(el, ".nnv-wrong"));
    const mark = find(el, ".nnv-wrong i").getBoundingClientRect();
    const range = field.getBoundingClientRect();
    const letter = 12 * 0.602;
    expect(mark.left - range.left).toBeGreaterThan(9 + 6.5 * letter);
    expect(mark.left - range.left).toBeLessThan(9 + 7.5 * letter);
    await userEvent.keyboard("1");
    await expect.poll(() => el.querySelector(".nnv-wrong")).toBeNull();
  });

  test("how often it must hold, and that it goes after its first hit, is asked with it, and only with it", async () => {
    const { el, kernel, field } = await opened();
    const steps = find<HTMLInputElement>(el, "[aria-label='steps in a row at which it holds']");
    const once = find<HTMLInputElement>(el, ".nnv-condition [type=checkbox]");
    await userEvent.fill(field, "loss > 3");
    await userEvent.fill(steps, "3");
    await userEvent.click(once);
    expect(button(el, "Run until")?.disabled).toBe(true);
    steps.focus();
    await userEvent.keyboard("{Enter}");
    const asked = { condition: "loss > 3", for_steps: 3, once: true };
    await expect.poll(() => kernel.of("add breakpoint").at(-1)).toMatchObject(asked);
    await kernel.reply("add breakpoint", { error: "`for_steps` must be a whole number" });
    await expect.poll(() => text(el, ".nnv-wrong")).toContain("for_steps");
    expect([steps.value, once.checked]).toEqual(["3", true]);
    button(el, "Add")?.click();
    await expect.poll(() => kernel.of("add breakpoint").length).toBe(2);
    await kernel.reply("add breakpoint");
    await expect.poll(() => [field.value, steps.value, once.checked]).toEqual(["", "1", false]);
    await userEvent.fill(field, "nan");
    await userEvent.keyboard("{Enter}");
    await expect.poll(() => kernel.of("add breakpoint").at(-1)).toMatchObject({ for_steps: 1, once: false });
  });

  test.each([
    ["0", "1"],
    ["", "1"],
    ["2.6", "3"],
    ["1e9", "1000000"],
  ])("steps in a row are whole and from one: %s is %s", async (typed, taken) => {
    const { el } = await opened();
    const steps = find<HTMLInputElement>(el, "[aria-label='steps in a row at which it holds']");
    await userEvent.fill(steps, typed);
    await userEvent.tab();
    await expect.poll(() => steps.value).toBe(taken);
    await userEvent.fill(steps, "7");
    await userEvent.keyboard("{Escape}");
    expect(steps.value).toBe(taken);
  });

  test("run until runs once with it, and only where the session can run", async () => {
    const { el, kernel, field, tell } = await opened();
    expect(button(el, "Run until")?.disabled).toBe(true);
    field.focus();
    await userEvent.keyboard("loss < 1");
    await expect.poll(() => button(el, "Run until")?.disabled).toBe(false);
    tell({}, { state: "running" });
    await expect.poll(() => button(el, "Run until")?.disabled).toBe(true);
    tell({});
    await expect.poll(() => button(el, "Run until")?.disabled).toBe(false);
    button(el, "Run until")?.click();
    await expect.poll(() => kernel.of("run until").at(-1)?.condition).toBe("loss < 1");
  });
});

describe("breakpoints", () => {
  const LIST = [
    breakpoint(1, { hits: 2, told: "2 hits" }),
    breakpoint(2, { condition: "nan", enabled: false, guard: true, broken: "step 7: no such layer" }),
  ];

  test("are listed with their hits and with what broke them, switched and removed", async () => {
    const { el, kernel } = await opened({ breakpoints: LIST });
    const rows = [...el.querySelectorAll(".nnv-breakpoint")];
    expect(rows.map((row) => row.textContent)).toEqual([
      "loss > 32 hits\u00d7",
      "nan\u00d7step 7: no such layer",
    ]);
    expect(rows.map((row) => row.querySelector("input")?.checked)).toEqual([true, false]);
    expect(text(el, ".nnv-badge")).toBe("1");
    rows[0]?.querySelector("input")?.click();
    await expect
      .poll(() => kernel.of("change breakpoint").at(-1))
      .toMatchObject({ number: 1, to: "disabled" });
    rows[1]?.querySelector("input")?.click();
    await expect
      .poll(() => kernel.of("change breakpoint").at(-1))
      .toMatchObject({ number: 2, to: "enabled" });
    find<HTMLButtonElement>(el, "[aria-label='remove nan']").click();
    await expect
      .poll(() => kernel.of("change breakpoint").at(-1))
      .toMatchObject({ number: 2, to: "removed" });
  });

  test("say for how many steps, and that they go after their first hit", async () => {
    const { el } = await opened({
      breakpoints: [
        breakpoint(1, { for_steps: 3, once: true, hits: 2 }),
        breakpoint(2, { condition: "nan", once: true }),
      ],
    });
    const rows = [...el.querySelectorAll(".nnv-breakpoint .nnv-hits")];
    expect(rows.map((row) => row.textContent)).toEqual(["3 in a row \u00b7 once \u00b7 2 hits", "once"]);
  });

  test("the one that has paused training is named in the header, and marked on the timeline", async () => {
    const { el, kernel } = await opened({ breakpoints: LIST, paused_by: "loss > 3" });
    expect(text(el, ".nnv-chip")).toBe("paused at step 412 by loss > 3");
    expect(text(el, ".nnv-breakpoint.nnv-is-hit")).toContain("loss > 3");
    kernel.say({
      kind: "series",
      first_step: 1,
      last_step: 412,
      columns: [],
      events: [{ step: 412, name: "breakpoint", text: "breakpoint 1 (loss > 3): paused after this step" }],
      health: [],
    });
    await expect.poll(() => el.querySelector(".nnv-at-breakpoint")?.ariaLabel).toContain("loss > 3");
  });
});

describe("going back", () => {
  const PLAN = { step: 411, branch: "main", again: 3, exact: true, remarks: [] };

  test("one step, at once where all will be as it was, and it is said", async () => {
    const { el, kernel } = await opened();
    button(el, "Back")?.click();
    await expect.poll(() => kernel.of("plan").at(-1)).toMatchObject({ step: 411, branch: null });
    await kernel.reply("plan", { plan: PLAN });
    await expect
      .poll(() => kernel.of("rewind").at(-1))
      .toMatchObject({ step: 411, branch: "main", state_only: false });
    expect(text(el, ".nnv-spoken")).toContain(
      "Back to step 411 of main: exactly as it was, 3 steps taken again.",
    );
    expect(el.querySelector("dialog.nnv-plan[open]")).toBeNull();
  });

  test("to the step that is looked at, by the key", async () => {
    const { el, kernel } = await opened();
    kernel.cursor.set("step", 200);
    kernel.cursor.set("follow", false);
    await expect.poll(() => button(el, "To 200")?.title).toBe("Take the model to step 200 (B)");
    press(find(el, ".nnv-inspector"), "b");
    await expect.poll(() => kernel.of("plan").at(-1)).toMatchObject({ step: 200, branch: null });
    expect(kernel.of("rewind")).toEqual([]);
  });

  test("R05 asks where it is the state only, or there is something to know; Escape is no", async () => {
    const { el, kernel } = await opened();
    press(find(el, ".nnv-inspector"), "b");
    await expect.poll(() => kernel.of("plan").length).toBe(1);
    await kernel.reply("plan", {
      plan: { ...PLAN, exact: false, again: 0, remarks: ["The data come once."] },
    });
    const dialog = () => el.querySelector<HTMLDialogElement>("dialog.nnv-plan");
    await expect.poll(() => dialog()?.open).toBe(true);
    expect(dialog()?.textContent).toContain("the state only");
    expect(dialog()?.textContent).toContain("The data come once.");
    await userEvent.keyboard("{Escape}");
    await expect.poll(() => dialog()?.open).toBe(false);
    expect(kernel.of("rewind")).toEqual([]);
    press(find(el, ".nnv-inspector"), "b");
    await expect.poll(() => kernel.of("plan").length).toBe(2);
    await kernel.reply("plan", { plan: { ...PLAN, remarks: ["a callback is called again"] } });
    await expect.poll(() => dialog()?.open).toBe(true);
    button(el, "Go back")?.click();
    await expect.poll(() => kernel.of("rewind").at(-1)).toMatchObject({ step: 411, state_only: false });
    await expect.poll(() => dialog()?.open).toBe(false);
  });

  test("what cannot be reached is told", async () => {
    const { el, kernel } = await opened();
    press(find(el, ".nnv-inspector"), "b");
    await kernel.reply("plan", { error: "no state is stored" });
    await expect.poll(() => text(el, ".nnv-notice.nnv-is-error")).toContain("no state is stored");
  });

  test.each<[string, Partial<Status>, boolean]>([
    ["running", { state: "running" }, false],
    ["idle", { state: "idle", step: 0 }, false],
    ["failed", { state: "failed" }, true],
    ["finished", { state: "finished" }, true],
    ["a fit", { debugging: debugging({ rewinds: false }) }, false],
  ])("is for a session that rests: %s", async (_, changes, enabled) => {
    const { kernel, el } = show({ _status: status({ debugging: debugging(), ...changes }) });
    await draw(kernel);
    expect(button(el, "Back")?.disabled).toBe(!enabled);
    press(find(el, ".nnv-inspector"), "b");
    if (enabled) await expect.poll(() => kernel.of("plan").length).toBe(1);
    else expect(kernel.of("annex")).toEqual([]);
  });

  test("the slider reaches the steps after the one at which the session stands, and following is being there", async () => {
    const { el, kernel } = await opened({}, { step: 100 });
    kernel.say(frame(kernel.client, 2, [WEIGHTS], { step: 100 }), []);
    const slider = find<HTMLInputElement>(el, "input[aria-label=step]");
    await expect.poll(() => [slider.max, slider.value]).toEqual(["412", "100"]);
    slider.value = "300";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    expect([kernel.cursor.get("step"), kernel.cursor.get("follow")]).toEqual([300, false]);
    await expect.poll(() => button(el, "To 300")).toBeDefined();
    slider.value = "100";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    expect(kernel.cursor.get("follow")).toBe(true);
  });
});

describe("branches", () => {
  const line = (run: number, last: number, scale = 1): Line => ({
    name: "batch_loss",
    layer: null,
    run,
    steps: Float64Array.from({ length: last }, (_, i) => i + 1),
    values: Float32Array.from({ length: last }, (_, i) => scale / (i + 1)),
  });
  const SERIES = {
    firstStep: 0,
    lastStep: 412,
    lines: [line(0, 412), line(1, 350, 2)],
    events: [],
    health: [],
  };

  test("one is shown, the others are faint from where they leave, with their names", () => {
    const tree = treeOf(SERIES, debugging(FORKED), null, null);
    const { curves } = plotOf(tree, status());
    expect(curves.map(({ name, faint = false, tone }) => [name, faint, tone])).toEqual([
      ["main", true, "muted"],
      ["batch_loss", false, "raw"],
      ["loss", false, "accent"],
    ]);
    expect(curves[0]?.steps[0]).toBe(300);
    expect(curves[2]?.steps.at(-1)).toBe(350);
  });

  test("a branch of a branch leaves where both part", () => {
    const SECOND = { name: "branch 2", parent: "branch 1", step: 320, last_step: 330 };
    const THIRD = { name: "branch 3", parent: "main", step: 100, last_step: 200 };
    const lines = [line(0, 412), line(1, 350), line(2, 330), line(3, 200)];
    const all = debugging({ branches: [MAIN, BRANCH, SECOND, THIRD], branch: "branch 2" });
    const firsts = (shown: string) =>
      treeOf({ ...SERIES, lines }, all, shown, null).lines.map((each) => [each.branch, each.steps[0]]);
    expect(firsts("branch 2")).toEqual([
      ["main", 300],
      ["branch 1", 320],
      [undefined, 1],
      ["branch 3", 100],
    ]);
    expect(firsts("branch 3")).toEqual([
      ["main", 100],
      ["branch 1", 100],
      ["branch 2", 100],
      [undefined, 1],
    ]);
  });

  test("a branch that went astray does not spoil the axis of the shown one", () => {
    const astray = { ...SERIES, lines: [line(0, 412, 1e6), line(1, 350)] };
    expect(plotOf(treeOf(astray, debugging(FORKED), null, null), status()).left?.range[1]).toBeLessThan(3);
  });

  test("each end says which branch it is of, and one that is pointed at stands out", async () => {
    const { el, kernel } = await opened(FORKED, { step: 350 });
    const sent = [line(0, 412), line(1, 350, 2)];
    const columns = sent.map(({ name, steps, run = 0 }, i) => {
      return { name, layer: null, n: steps.length, x_buffer: 2 * i, y_buffer: 2 * i + 1, run };
    });
    kernel.say(
      { kind: "series", first_step: 0, last_step: 412, columns, events: [], health: [] },
      sent.flatMap(({ steps, values }) => [steps, values]),
    );
    const dots = () => [...el.querySelectorAll<HTMLElement>(".nnv-branch-end")];
    await expect.poll(() => dots().map(({ title }) => title)).toEqual(["main: ends at step 412"]);
    const [dot] = dots();
    const canvas = find<HTMLCanvasElement>(el, ".nnv-timeline canvas");
    const ink = getComputedStyle(find(el, ".nnv-root")).color.match(/\d+/g)?.map(Number) ?? [];
    /** How many pixels have the colour of what stands out, which nothing has on a timeline at rest. */
    const standing = () => {
      const { width, height } = canvas;
      const data = canvas.getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
      let count = 0;
      for (let i = 0; i < data.length; i += 4) if (ink.every((value, k) => data[i + k] === value)) count += 1;
      return count;
    };
    expect(standing()).toBe(0);
    const box = find(el, ".nnv-timeline").getBoundingClientRect();
    const at = dot?.getBoundingClientRect() ?? box;
    expect([
      at.top > box.top,
      at.bottom < box.bottom,
      at.left > box.left,
      at.right < box.right,
    ]).not.toContain(false);
    dot?.dispatchEvent(new PointerEvent("pointerenter"));
    await expect.poll(standing).toBeGreaterThan(20);
    dot?.dispatchEvent(new PointerEvent("pointerleave"));
    await expect.poll(standing).toBe(0);
  });

  test("without any there is nothing to choose, and how to get one is said", async () => {
    const { el } = await opened();
    expect(text(el, "[aria-label=Branches]")).toContain("Go back and step on");
    expect(el.querySelector("[aria-label='branch that is shown']")).toBeNull();
  });

  const choose = (el: Element, label: string, index: number) => {
    const select = find<HTMLSelectElement>(el, `[aria-label='${label}']`);
    select.value = String(index);
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const stepOf = (el: Element) => find<HTMLInputElement>(el, "input[aria-label=step]").value;
  const drawnAt = (kernel: FakeKernel, seq: number, step: number, newest = true) =>
    kernel.say(frame(kernel.client, seq, [WEIGHTS], { step, newest }), [new Float32Array(8)]);

  test("the shown one is chosen, and the session can be taken there", async () => {
    const { el, kernel } = await opened(FORKED, { step: 350 });
    choose(el, "branch that is shown", 0);
    await expect
      .poll(() => kernel.of("watch").at(-1))
      .toMatchObject({ branch: "main", beside: null, step: -1 });
    await expect.poll(() => find<HTMLInputElement>(el, "input[aria-label=step]").max).toBe("412");
    press(find(el, ".nnv-inspector"), "b");
    await expect.poll(() => kernel.of("plan").at(-1)?.branch).toBe("main");
    choose(el, "branch that is shown", 1);
    await expect.poll(() => kernel.of("watch").at(-1)?.branch).toBeNull();
  });

  test("one that is dropped or renamed is shown no more, but the current one, alone", async () => {
    const { el, kernel, tell } = await opened(FORKED, { step: 350 });
    choose(el, "branch that is shown", 0);
    await expect.poll(() => kernel.of("watch").at(-1)).toMatchObject({ branch: "main" });
    const [first, second] = [
      { ...MAIN, name: "first" },
      { ...BRANCH, parent: "first" },
    ];
    tell({ branches: [first, second] });
    await expect.poll(() => kernel.of("watch").at(-1)).toMatchObject({ branch: null });
    choose(el, "branch beside it", 1);
    await expect.poll(() => text(el, ".nnv-runs")).toContain("branch 1firstdifference");
    press(find(el, ".nnv-inspector"), "r");
    await expect.poll(() => kernel.of("watch").at(-1)).toMatchObject({ beside: "first", run: "second" });
    tell({ branches: [{ ...BRANCH, parent: null }] });
    await expect
      .poll(() => kernel.of("watch").at(-1))
      .toMatchObject({ branch: null, beside: null, run: "first" });
    expect(el.querySelector(".nnv-runs")).toBeNull();
  });

  test("another one beside it is compared as two runs are, and left again", async () => {
    const { el, kernel } = await opened(FORKED, { step: 350 });
    drawnAt(kernel, 2, 350);
    await expect.poll(() => stepOf(el)).toBe("350");
    choose(el, "branch beside it", 1);
    await expect.poll(() => text(el, ".nnv-runs")).toBe("branch 1maindifference");
    expect(text(el, "[aria-label=Branches]")).toContain("They part after step 300.");
    press(find(el, ".nnv-inspector"), "r");
    press(find(el, ".nnv-inspector"), "r");
    await expect
      .poll(() => kernel.of("watch").at(-1))
      .toMatchObject({ branch: null, beside: "main", run: "difference" });
    const apart = { ...WEIGHTS, compared: 350, other: 350 };
    kernel.say(frame(kernel.client, 3, [apart], { step: 350 }), [new Float32Array(8)]);
    await expect
      .poll(() => text(el, "[data-tensor=weights] .nnv-map-label"))
      .toContain("main \u2212 branch 1");
    choose(el, "branch beside it", 0);
    await expect.poll(() => kernel.of("watch").at(-1)).toMatchObject({ beside: null, run: "first" });
    expect(el.querySelector(".nnv-runs")).toBeNull();
  });

  test("the step stays where the other one goes further, and following goes on with the session", async () => {
    const { el, kernel, tell } = await opened(FORKED, { step: 350 });
    drawnAt(kernel, 2, 350);
    await expect.poll(() => stepOf(el)).toBe("350");
    choose(el, "branch beside it", 1);
    await expect.poll(() => kernel.of("watch").at(-1)).toMatchObject({ beside: "main", step: -1 });
    expect([stepOf(el), text(el, ".nnv-runs .nnv-hint")]).toEqual(["350", ""]);
    tell({ branches: [MAIN, { ...BRANCH, last_step: 351 }] }, { step: 351 });
    await expect.poll(() => stepOf(el)).toBe("351");
  });

  test("the step stays where a session has gone back", async () => {
    const { el, kernel } = await opened(FORKED, { step: 320 });
    drawnAt(kernel, 2, 320);
    await expect.poll(() => stepOf(el)).toBe("320");
    choose(el, "branch beside it", 1);
    await expect.poll(() => kernel.of("watch").at(-1)).toMatchObject({ beside: "main", step: -1 });
    await new Promise(requestAnimationFrame);
    expect(stepOf(el)).toBe("320");
  });

  test("the step stays where the other one ends before it, which is said", async () => {
    const { el, kernel } = await opened(FORKED, { step: 350 });
    choose(el, "branch that is shown", 0);
    await expect.poll(() => kernel.of("watch").at(-1)?.branch).toBe("main");
    drawnAt(kernel, 2, 412);
    await expect.poll(() => stepOf(el)).toBe("412");
    choose(el, "branch beside it", 1);
    await expect.poll(() => kernel.of("watch").at(-1)).toMatchObject({ beside: "branch 1", step: 412 });
    press(find(el, ".nnv-inspector"), "r");
    drawnAt(kernel, 3, 350, false);
    await expect.poll(() => text(el, ".nnv-readout")).toContain("as kept at step");
    expect(stepOf(el)).toBe("412");
    expect(text(el, ".nnv-runs .nnv-hint")).toBe("branch 1 has no step 412: it ends at step 350.");
    el.style.width = "260px";
    await expect.poll(() => find(el, ".nnv-root").getBoundingClientRect().width).toBe(260);
    const hint = find(el, ".nnv-runs .nnv-hint").getBoundingClientRect();
    expect(hint.width).toBeGreaterThan(200);
    expect(hint.right).toBeLessThanOrEqual(find(el, ".nnv-root").getBoundingClientRect().right);
    kernel.cursor.set("step", 340);
    await expect.poll(() => text(el, ".nnv-runs .nnv-hint")).toBe("");
  });
});

describe("edits", () => {
  const SETTINGS: Settings = {
    learning_rate: 0.0010000000474974513,
    batch_size: 32,
    trainable: true,
    dropout: null,
    hyperparameters: { beta_1: 0.9, clipnorm: null },
    class_weight: null,
    weights: { kernel: [12, 8], bias: [8] },
  };

  async function editing(changes: Partial<Debugging> = {}, settings: Partial<Settings> = {}) {
    const shown = await opened(changes);
    await shown.kernel.reply("settings", { settings: { ...SETTINGS, ...settings } });
    const labelled = (label: string) =>
      [...shown.el.querySelectorAll(".nnv-debug label")]
        .find(({ textContent }) => textContent === label)
        ?.querySelector("input");
    await expect.poll(() => labelled("learning rate")?.value).toBe("0.001");
    return { ...shown, labelled };
  }

  test("numbers are shown as they were given and set with Enter, and what is the same is not sent", async () => {
    const { kernel, labelled } = await editing();
    expect(kernel.of("settings").at(-1)?.layer).toBe("hidden");
    const rate = labelled("learning rate");
    rate?.focus();
    await userEvent.keyboard("{Enter}");
    expect(kernel.of("edit")).toEqual([]);
    await userEvent.fill(rate as HTMLInputElement, "0.01");
    await userEvent.keyboard("{Enter}");
    await expect
      .poll(() => kernel.of("edit").at(-1))
      .toMatchObject({ name: "learning_rate", value: 0.01, layer: null });
    await userEvent.fill(labelled("batch size") as HTMLInputElement, "64");
    await userEvent.keyboard("{Tab}");
    await expect.poll(() => kernel.of("edit").at(-1)).toMatchObject({ name: "batch_size", value: 64 });
  });

  /** What a screen reader says of a field besides its name, and whether that is beneath it. */
  const saidOf = (el: Element, field: HTMLInputElement) => {
    const id = field.getAttribute("aria-describedby");
    if (id === null) return null;
    const words = find(el, `[id="${id}"]`);
    const apart = words.getBoundingClientRect().top - field.getBoundingClientRect().bottom;
    expect(apart).toBeGreaterThanOrEqual(0);
    expect(apart).toBeLessThan(12);
    return words.textContent;
  };

  test("what is refused is told at its field, which keeps the focus, until somebody types", async () => {
    const { el, kernel, labelled } = await editing();
    const rate = labelled("learning rate") as HTMLInputElement;
    const size = labelled("batch size") as HTMLInputElement;
    await userEvent.fill(rate, "-1");
    await userEvent.keyboard("{Enter}");
    await kernel.reply("edit", { error: "`value` must be at least 0." });
    await expect.poll(() => saidOf(el, rate)).toBe("`value` must be at least 0. It is still 0.001.");
    expect(rate.getAttribute("aria-invalid")).toBe("true");
    expect(getComputedStyle(rate).borderColor).not.toBe(getComputedStyle(size).borderColor);
    expect([document.activeElement, rate.value, saidOf(el, size)]).toEqual([rate, "-1", null]);
    expect(el.querySelectorAll("[aria-label=Edits] .nnv-wrong").length).toBe(1);
    await userEvent.keyboard("0");
    await expect.poll(() => saidOf(el, rate)).toBeNull();
    expect(rate.getAttribute("aria-invalid")).toBe("false");
    await userEvent.keyboard("{Escape}");
    expect(rate.value).toBe("0.001");
  });

  test("Escape takes back what was refused, and the words with it", async () => {
    const { el, kernel, labelled } = await editing();
    const size = labelled("batch size") as HTMLInputElement;
    await userEvent.fill(size, "0");
    await userEvent.keyboard("{Enter}");
    await kernel.reply("edit", { error: "`n` must be at least 1." });
    await expect.poll(() => saidOf(el, size)).toContain("at least 1");
    await userEvent.keyboard("{Escape}");
    await expect.poll(() => [size.value, saidOf(el, size)]).toEqual(["32", null]);
  });

  test("what was refused is past with the next step, and what is being typed elsewhere is not", async () => {
    const { el, kernel, labelled, tell } = await editing();
    const rate = labelled("learning rate") as HTMLInputElement;
    const size = labelled("batch size") as HTMLInputElement;
    await userEvent.fill(rate, "-1");
    await userEvent.keyboard("{Enter}");
    await kernel.reply("edit", { error: "`value` must be at least 0." });
    await expect.poll(() => saidOf(el, rate)).toContain("at least 0");
    await userEvent.fill(size, "6");
    tell({}, { step: 413 });
    await expect.poll(() => [rate.value, saidOf(el, rate)]).toEqual(["0.001", null]);
    expect(size.value).toBe("6");
  });

  test("a refusal that no field has asked for is told beneath all of them", async () => {
    const { el, kernel } = await editing();
    button(el, "Set to zero")?.click();
    await kernel.reply("edit", { error: "the layer has no kernel" });
    await expect.poll(() => text(el, "[aria-label=Edits] > [role=alert]")).toBe("the layer has no kernel");
  });

  test("the selected layer learns or not, drops, and its neuron is set", async () => {
    const { el, kernel, labelled } = await editing({}, { dropout: 0.5 });
    labelled("trainable")?.click();
    await expect
      .poll(() => kernel.of("edit").at(-1))
      .toMatchObject({ name: "trainable", layer: "hidden", value: false });
    await userEvent.fill(labelled("dropout") as HTMLInputElement, "0.25");
    await userEvent.keyboard("{Enter}");
    await expect
      .poll(() => kernel.of("edit").at(-1))
      .toMatchObject({ name: "dropout", layer: "hidden", value: 0.25 });
    kernel.cursor.set("neuron", 3);
    await expect.poll(() => text(el, "[aria-label=Edits]")).toContain("neuron 3");
    button(el, "Set to zero")?.click();
    await expect
      .poll(() => kernel.of("edit").at(-1))
      .toMatchObject({ name: "weights", layer: "hidden", value: 0, neuron: 3 });
    button(el, "Re-initialise")?.click();
    await expect.poll(() => kernel.of("edit").at(-1)).toMatchObject({ name: "reinitialize", neuron: 3 });
  });

  test("any number of the optimizer is chosen and set, and a clipping turned off", async () => {
    const { el, kernel } = await editing({}, { hyperparameters: { beta_1: 0.9, clipnorm: 1 } });
    const number = () => find<HTMLInputElement>(el, "select + label .nnv-number");
    expect(number().value).toBe("0.9");
    await userEvent.selectOptions(find(el, "[aria-label='hyperparameter of the optimizer']"), "clipnorm");
    await expect.poll(() => number().value).toBe("1");
    await userEvent.fill(number(), "");
    await userEvent.keyboard("{Enter}");
    await expect
      .poll(() => kernel.of("edit").at(-1))
      .toMatchObject({ name: "hyperparameter", hyperparameter: "clipnorm", value: null });
  });

  test("weights of classes are typed, and what is none is told without asking", async () => {
    const { el, kernel, labelled } = await editing();
    const weights = labelled("class weights") as HTMLInputElement;
    await userEvent.fill(weights, "0: 1, 1: lots");
    await userEvent.keyboard("{Enter}");
    await expect.poll(() => saidOf(el, weights)).toContain("Received: 1: lots");
    expect(kernel.of("edit")).toEqual([]);
    await userEvent.fill(labelled("class weights") as HTMLInputElement, "0: 1, 1: 2.5");
    await userEvent.keyboard("{Enter}");
    await expect
      .poll(() => kernel.of("edit").at(-1))
      .toMatchObject({ name: "class_weight", class_weight: { "0": 1, "1": 2.5 } });
  });

  test("a weight is dragged, the loss is told, Escape brings it back, and Keep is an edit", async () => {
    const { el, kernel } = await editing();
    find<HTMLElement>(el, ".nnv-fold summary").click();
    const tried = (before: number, after: number, value: number) =>
      kernel.reply("try", { tried: { before, after, value } });
    await expect
      .poll(() => kernel.of("try").at(-1))
      .toMatchObject({ variable: "kernel", index: [0, 0], value: 0 });
    await tried(0.5, 0.6, 0.25);
    const slider = find<HTMLInputElement>(el, ".nnv-what-if-slider");
    await expect.poll(() => slider.value).toBe("0.25");
    expect(text(el, ".nnv-what-if p")).toBe("loss of the batch 0.50000");
    slider.value = "0.75";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    slider.value = "1";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await expect.poll(() => kernel.of("try").at(-1)).toMatchObject({ value: 0.75 });
    await tried(0.5, 0.45, 0.25);
    await expect.poll(() => kernel.of("try").at(-1)).toMatchObject({ value: 1 });
    await tried(0.5, 0.4, 0.25);
    await expect.poll(() => text(el, ".nnv-what-if p")).toBe("loss of the batch 0.50000 → 0.40000");
    press(slider, "Escape");
    await tried(0.5, 0.6, 0.25);
    await expect.poll(() => text(el, ".nnv-what-if p")).toBe("loss of the batch 0.50000");
    expect(kernel.of("edit")).toEqual([]);
    slider.value = "1";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await expect.poll(() => button(el, "Keep")?.disabled).toBe(false);
    button(el, "Keep")?.click();
    await expect
      .poll(() => kernel.of("edit").at(-1))
      .toMatchObject({ name: "weights", variable: "kernel", index: [0, 0], value: 1 });
  });

  test("all variables are listed while they are unfolded, and sick ones stand out", async () => {
    const { el, kernel } = await editing();
    expect(kernel.of("variables")).toEqual([]);
    find<HTMLElement>(el, ".nnv-all-variables summary").click();
    const row = { path: "hidden", dtype: "float32", mean: "0.1", std: "1", norm: "3.5", slots: "momentum" };
    await kernel.reply("variables", {
      variables: [
        { ...row, variable: "kernel", shape: "12 × 8", trainable: true, n_nonfinite: 2 },
        { ...row, variable: "bias", shape: "8", trainable: false, n_nonfinite: 0 },
      ],
    });
    await expect.poll(() => el.querySelectorAll(".nnv-variables tbody tr").length).toBe(2);
    expect(text(el, ".nnv-is-sick")).toBe("hidden kernel12 × 8float320.113.52momentum");
    expect(text(el, ".nnv-variables tbody tr:last-child th")).toBe("hidden bias fixed");
  });

  test("settings are asked anew for another layer, and after an edit", async () => {
    const { kernel, tell } = await editing();
    const count = kernel.of("settings").length;
    kernel.cursor.set("layer", "digits");
    await expect.poll(() => kernel.of("settings").at(-1)?.layer).toBe("digits");
    const entry = { step: 412, branch: "main", text: "learning rate: 0.001 \u2192 0.01", undone: false };
    tell({ journal: [entry], n_to_undo: 1 });
    await expect.poll(() => kernel.of("settings").length).toBe(count + 2);
  });

  test("the journal has the newest first, what was undone is struck out, and undo is there while it can be", async () => {
    const entry = (text: string, undone = false) => ({ step: 12, branch: "main", text, undone });
    const { el, kernel, tell } = await editing({
      journal: [entry("first"), entry("second", true)],
      n_to_undo: 1,
    });
    const rows = () => [...el.querySelectorAll(".nnv-journal li")];
    expect(rows().map((row) => row.textContent)).toEqual(["12second", "12first"]);
    expect(rows().map((row) => row.querySelector("s")?.textContent)).toEqual(["second", undefined]);
    button(el, "undo")?.click();
    await expect.poll(() => kernel.of("undo").length).toBe(1);
    tell({ n_to_undo: 0 });
    await expect.poll(() => button(el, "undo")?.disabled).toBe(true);
    expect(button(el, "undo")?.title).toBe("Nothing was changed since the last step");
  });

  test.each<[string, Partial<Status>, string]>([
    ["running", { state: "running" }, "Pause training to edit it"],
    ["idle", { state: "idle", step: 0 }, "Take a step first"],
    ["finished", { state: "finished" }, "Training has ended: go back to edit it"],
    ["failed", { state: "failed" }, "Training has ended: go back to edit it"],
    ["a fit", { debugging: debugging({ rewinds: false }) }, "This training cannot be edited from here"],
  ])("nothing can be edited, and it is said why: %s", async (_, changes, why) => {
    const { el } = await opened({}, changes);
    const controls = [
      ...el.querySelectorAll<HTMLButtonElement | HTMLInputElement>("[aria-label=Edits] :is(button, input)"),
    ];
    expect(controls.length).toBeGreaterThan(4);
    expect(controls.filter(({ disabled }) => !disabled)).toEqual([]);
    expect(text(el, "[aria-label=Edits]")).toContain(why);
    expect(button(el, "Set to zero")?.title).toBe(why);
  });
});
