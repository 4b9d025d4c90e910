import script from "virtual:annex";
import { describe, expect, test, vi } from "vitest";
import * as debugging from "../src/annex/debugging.ts";
import { importAnnex } from "../src/annex/load.ts";
import * as reading from "../src/annex/reading.ts";
import { createAnnex } from "../src/annex.ts";
import { HELP } from "../src/help.ts";
import { replyTo } from "./fakes.ts";
import { draw, find, press, show, text } from "./harness.ts";

const bytes = (text: string) => new DataView(new TextEncoder().encode(text).buffer);

/** A widget whose kernel does not answer for the annex. */
async function silent() {
  const shown = show();
  await draw(shown.kernel);
  shown.kernel.answering = false;
  const asked = () => shown.kernel.of("annex");
  const answer = (error: string | null) => {
    const { id, client } = asked().at(-1) ?? { id: 0, client: "" };
    const said = replyTo({ client, id }, { error });
    shown.kernel.say(said, error === null ? [bytes(script)] : []);
  };
  return { ...shown, asked, answer };
}

describe("the annex", () => {
  test("is not asked for before something of it is", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    expect(kernel.of("annex")).toEqual([]);
    press(find(el, ".nnv-inspector"), "?");
    await expect.poll(() => el.querySelector("dialog[open]")).not.toBeNull();
    expect(el.querySelectorAll(".nnv-help section").length).toBe(HELP.length);
  });

  test("is asked for once, whatever is wanted of it and however often", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    press(find(el, ".nnv-inspector"), "?");
    press(find(el, ".nnv-inspector"), "t");
    await expect.poll(() => el.querySelectorAll("table").length).toBe(3);
    find<HTMLButtonElement>(el, ".nnv-dots").click();
    await expect.poll(() => el.querySelector(".nnv-tools-panel select")).not.toBeNull();
    expect(kernel.of("annex").length).toBe(1);
  });

  test("has all that the page of a file has, its style, and no preact of its own", async () => {
    const { style, ...made } = await importAnnex(bytes(script));
    expect(Object.keys(made).sort()).toEqual(Object.keys({ ...debugging, ...reading }).sort());
    expect(style).toContain(".nnv-help");
    expect(script).not.toContain("__k");
  });

  test("brings its style into each view, also one in a shadow root", async () => {
    const { kernel, widget } = show();
    const host = document.createElement("div");
    document.body.append(host);
    const el = document.createElement("div");
    host.attachShadow({ mode: "open" }).append(el);
    widget.render({ model: kernel, el });
    press(find(el, ".nnv-inspector"), "?");
    await expect.poll(() => el.querySelector("dialog[open]")).not.toBeNull();
    expect(getComputedStyle(find(el, ".nnv-help kbd")).fontSize).toBe("11px");
  });

  test("a part that waits for it says so, and one that does not get it says why and tries again", async () => {
    const { el, asked, answer } = await silent();
    find<HTMLButtonElement>(el, ".nnv-dots").click();
    await expect.poll(() => text(el, ".nnv-tools-panel")).toContain("Loading");
    await expect.poll(() => asked().length).toBe(1);
    answer("no file annex.js");
    await expect.poll(() => text(el, ".nnv-tools-panel [role=alert]")).toContain("no file annex.js");
    find<HTMLButtonElement>(el, ".nnv-tools-panel button").click();
    await expect.poll(() => text(el, ".nnv-tools-panel")).toContain("Loading");
    expect(asked().length).toBe(2);
    answer(null);
    await expect.poll(() => el.querySelector(".nnv-tools-panel select")).not.toBeNull();
    expect(document.activeElement).toBe(el.querySelector(".nnv-tools-panel select"));
  });

  test("a key that needs it says why nothing happens", async () => {
    const { el, kernel } = await silent();
    kernel.cursor.setLive(false);
    await expect.poll(() => el.querySelector(".nnv-gone")).not.toBeNull();
    press(find(el, ".nnv-inspector"), "t");
    await expect.poll(() => text(el, ".nnv-notice.nnv-is-error")).toContain("the kernel is gone");
    expect(el.querySelector("table")).toBeNull();
  });

  test.each([
    ["nothing", undefined, "the kernel sent nothing"],
    ["no script", bytes("export default )"), "Unexpected token"],
  ])("%s instead of it is told", async (_, sent, reason) => {
    const tell = vi.fn();
    const act = vi.fn();
    const annex = createAnnex(() => importAnnex(sent), tell);
    annex.use(act);
    await expect.poll(() => tell.mock.calls.length).toBe(1);
    expect(tell.mock.calls[0]?.[0]).toContain(reason);
    expect(annex.fault.value).toContain(reason);
    expect(act).not.toHaveBeenCalled();
  });
});
