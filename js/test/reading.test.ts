import { signal } from "@preact/signals";
import { describe, expect, test, vi } from "vitest";
import { createCursor } from "../src/cursor.ts";
import { mount } from "../src/mount.tsx";
import { countBeyond } from "../src/picture/beyond.ts";
import { bitsOf } from "../src/picture/bits.ts";
import { BAR_WIDTH, binsAlong, HISTOGRAM_WIDTH } from "../src/picture/colorbar.ts";
import { colorAt, parseHex, rampOf } from "../src/picture/colors.ts";
import { layOut } from "../src/picture/layout.ts";
import { ranksOf } from "../src/picture/ranks.ts";
import { linear, placing, type Scale, valueAt } from "../src/picture/scale.ts";
import { hasRoom, inkOn } from "../src/picture/values.ts";
import { placesOf } from "../src/places.ts";
import { GUTTER_BITS, type Kind, type Plane } from "../src/protocol.gen.ts";
import type { Content } from "../src/save/content.ts";
import { toCsv } from "../src/save/csv.ts";
import { toCanvas } from "../src/save/png.ts";
import { sheetOf } from "../src/save/sheet.ts";
import { toSvg } from "../src/save/svg.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { emptyRun, type RecordedPlane, there } from "../src/source/recorded.ts";
import type { Cells } from "../src/source/source.ts";
import { createStore } from "../src/store.ts";
import { frame, layerEntry, plane, status } from "./fakes.ts";
import { canvasOf, draw, end, find, pixel, place, press, show, text, WEIGHTS } from "./harness.ts";

const ONE = linear({ low: -1, high: 1, diverging: true });

describe("scales", () => {
  const ranks = ranksOf(bitsOf(Float32Array.of(0, 0, 0.001, 0.01, -0.1, 1, Number.NaN)));
  const norms: readonly Scale[] = [ONE, { ...ONE, norm: "symlog" }, { ...ONE, norm: "rank", ranks }];

  test.each(norms)("$norm: zero is the middle, the ends are the ends, and it never falls", (scale) => {
    const at = placing(scale);
    expect([at(-1), at(0), at(1)]).toEqual([0, 0.5, 1]);
    const values = [-1, -0.1, -0.01, 0, 0.001, 0.01, 0.1, 1];
    const places = values.map(at);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test("symlog shows what is small, and leads back", () => {
    const scale: Scale = { ...ONE, norm: "symlog" };
    expect(placing(scale)(0.01)).toBeGreaterThan(0.55);
    for (const value of [-0.7, -0.01, 0.002, 1])
      expect(valueAt(scale, placing(scale)(value))).toBeCloseTo(value);
  });

  test("by rank each of the values is as far from the next one", () => {
    const at = placing({ ...ONE, norm: "rank", ranks });
    expect([0.001, 0.01, 0.1, 1].map((value) => at(value) * 2 - 1)).toEqual(
      [0.4, 0.6, 0.8, 1].map((x) => expect.closeTo(x)),
    );
  });

  test("cells beyond the ends are counted, infinite ones are not", () => {
    const cells = Float32Array.of(2, 1, 0, -1, -1.5, -3, Number.POSITIVE_INFINITY, Number.NaN);
    expect(countBeyond(cells, ONE)).toEqual({ above: 1, below: 2 });
    // The end itself, rounded to bfloat16, is not beyond it.
    expect(countBeyond(bitsOf(Float32Array.of(0.1001, 0.2)), { ...ONE, high: 0.1 })).toMatchObject({
      above: 1,
    });
  });

  test("a histogram keeps its counts on the bar, and what is beyond is not on it", () => {
    const histogram = [4, 0, 0, 8];
    const all = binsAlong({ histogram, low: -1, high: 1, axis: ONE }, 8);
    expect(Array.from(all)).toEqual([2, 2, 0, 0, 0, 0, 4, 4]);
    const half = binsAlong({ histogram, low: -2, high: 2, axis: ONE }, 4);
    expect(Array.from(half)).toEqual([0, 0, 0, 0]);
  });
});

describe("numbers in cells", () => {
  const picture = (rows: number, cols: number, width: number) => {
    const made = layOut(
      { plane: plane(rows, cols), cells: new Float32Array(rows * cols), missing: null },
      width,
      200,
      1,
    );
    if (made === null) throw new Error("nothing to draw");
    return made;
  };

  test("only where a cell has room for one", () => {
    expect([
      hasRoom(picture(4, 10, 400)),
      hasRoom(picture(4, 10, 380)),
      hasRoom(picture(20, 4, 400)),
    ]).toEqual([true, false, false]);
  });

  test.each(["diverging-light", "diverging-dark", "sequential-light", "sequential-dark"] as const)(
    "ink is read on every colour of %s",
    (map) => {
      const luminance = (rgb: readonly number[]) => {
        const [red = 0, green = 0, blue = 0] = rgb.map((byte) => ((byte / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      const contrasts = Array.from(rampOf(map), (color) => {
        const ground = luminance([color & 255, (color >> 8) & 255, (color >> 16) & 255]);
        const ink = luminance(parseHex(inkOn(color)));
        return (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
      });
      expect(Math.min(...contrasts)).toBeGreaterThan(4.5);
    },
  );

  test("a small layer is a table of numbers on colours", async () => {
    const { kernel, el } = show();
    const spy = vi.spyOn(CanvasRenderingContext2D.prototype, "fillText");
    await draw(kernel);
    const texts = new Set(spy.mock.calls.map(([words]) => words));
    expect([...texts]).toEqual(expect.arrayContaining(["1", "\u22121", "0.25", "\u22120.125"]));
    // In the middle of the first cell, dark red, the number is white.
    const canvas = canvasOf(el);
    const right = Math.floor((canvas?.width ?? 0) / 4) - 1;
    const data = canvas?.getContext("2d")?.getImageData(0, 15, right, 20).data ?? [];
    const greens = Array.from({ length: data.length / 4 }, (_, i) => data[i * 4 + 1] ?? 0);
    expect(Math.min(...greens)).toBeLessThan(10);
    expect(Math.max(...greens)).toBeGreaterThan(200);
  });
});

/** A recording of two steps, with four neurons of known norms, on a page. */
function recorded() {
  const entry = (step: number, tensor: Kind, values: Cells, rows: number): RecordedPlane => ({
    layer: "hidden",
    step,
    sample: null,
    plane: plane(rows, 4, {
      tensor,
      ...(tensor === "activations"
        ? {
            axes: ["sample", "neuron"],
            row_axes: [{ name: "sample", size: rows, labels: [] }],
            low: 0,
            clip_low: 0,
          }
        : {}),
    }),
    cells: there(values),
  });
  const source = createMemorySource({
    ...emptyRun(status({ source: "recording", state: "finished", step: 2, total_steps: 2 })),
    layers: [layerEntry("hidden", { n_neurons: 4, n_samples: 1 })],
    planes: [
      entry(0, "weights", Float32Array.of(0, 0, 0, 0, 0, 0, 0, 0), 2),
      entry(2, "weights", Float32Array.of(0.1, 1, 0.5, -0.2, 0.1, -1, 0.5, 0.1), 2),
      entry(2, "activations", Float32Array.of(0.9, 0, 0.5, 1), 1),
    ],
  });
  const store = createStore(source, createCursor(), signal(["weights", "activations"]), end.signal);
  const el = place();
  mount(store, el);
  return { store, el, source };
}

const drawn = (el: Element) => expect.poll(() => canvasOf(el)?.width ?? 0).toBeGreaterThan(300);

function openTools(el: Element, tensor = "weights"): void {
  find<HTMLElement>(el, `[data-tensor=${tensor}] .nnv-dots`).click();
}

function choose(select: HTMLSelectElement, words: string): void {
  select.selectedIndex = [...select.options].findIndex(({ text: each }) => each === words);
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

describe("sorting", () => {
  test("all maps have the same order, and the selected neuron stays the same one", async () => {
    const { el, store, source } = recorded();
    await drawn(el);
    store.cursor.move({ neuron: 2 });
    openTools(el);
    await expect.poll(() => el.querySelectorAll(".nnv-tools-panel select").length).toBe(2);
    choose(find(el, ".nnv-tool:nth-of-type(1) ~ hr ~ .nnv-tool select"), "by norm");
    await expect.poll(() => Array.from(source.frame.value?.order ?? [])).toEqual([1, 2, 3, 0]);
    expect(store.places.value.placeOf(2)).toBe(1);
    await expect.poll(() => text(el, "[data-tensor=weights] .nnv-map-label")).toContain("sorted by norm");
    expect(text(el, "[data-tensor=activations] .nnv-map-label")).toContain("sorted by norm");
    await expect.poll(() => text(el, ".nnv-readout")).toMatch(/neuron 2.*weight 0\.5.*activation 0\.5/);
    press(find(el, "[data-tensor=weights] [role=application]"), "ArrowLeft");
    expect(store.cursor.neuron.value).toBe(1);
    await expect.poll(() => text(el, ".nnv-readout")).toContain("weight \u22121");
  });

  test("similar ones are beside each other, active ones first", async () => {
    const { store, source } = recorded();
    store.order.value = { by: "activity", step: 2 };
    await expect.poll(() => Array.from(source.frame.value?.order ?? [])).toEqual([3, 0, 2, 1]);
    store.order.value = { by: "similarity", step: 2 };
    // From the longest on to the nearest direction: 0 and 2 are parallel.
    await expect.poll(() => Array.from(source.frame.value?.order ?? [])).toEqual([1, 0, 2, 3]);
  });

  test("what a kernel sorts is read from its buffer", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const cells = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    kernel.say(frame(kernel.client, 2, [WEIGHTS], { order_buffer: 1 }), [cells, Int32Array.of(3, 1, 0, 2)]);
    kernel.cursor.set("neuron", 3);
    await expect.poll(() => text(el, ".nnv-readout")).toMatch(/neuron 3.*weight 5/);
  });
});

describe("comparing", () => {
  test("shows what was added since the step, on a scale around zero, and says so", async () => {
    const { el, source } = recorded();
    await drawn(el);
    openTools(el);
    const box = () => el.querySelectorAll<HTMLInputElement>(".nnv-tools-panel input[type=checkbox]")[1];
    await expect.poll(box).toBeDefined();
    box()?.click();
    await expect.poll(() => source.frame.value?.planes[1]?.plane.compared).toBe(0);
    await expect.poll(() => text(el, "[data-tensor=weights] .nnv-map-label")).toContain("minus step 0");
    // Nobody has seen an activation of step 0: the first one that there is takes its place.
    expect(source.frame.value?.planes[0]?.plane).toMatchObject({ compared: 2, low: 0, high: 0 });
    await expect.poll(() => text(el, ".nnv-readout")).toMatch(/\u0394 weight .*\u0394 activation /);
    const batches = "each step has a batch of its own";
    expect(text(el, "[data-tensor=activations] .nnv-map-label")).toContain(batches);
    expect(text(el, "[data-tensor=weights] .nnv-map-label")).not.toContain(batches);
  });

  test("says what a number that was typed became, and which step was kept", async () => {
    const { el, source } = recorded();
    await drawn(el);
    openTools(el);
    const field = () => el.querySelector<HTMLInputElement>(".nnv-tools-panel .nnv-number");
    await expect.poll(field).not.toBeNull();
    const type = (value: string) => {
      Object.assign(field() ?? {}, { value });
      field()?.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const last = field()?.max;
    for (const beyond of ["9999", "99999"]) {
      type(beyond);
      await expect.poll(() => field()?.value).toBe(last);
    }
    type("1");
    await expect.poll(() => source.frame.value?.planes[1]?.plane.compared).toBe(0);
    await expect.poll(() => text(el, ".nnv-tools-panel")).toContain("kept: 0");
    type("0");
    await expect.poll(() => text(el, ".nnv-tools-panel")).not.toContain("kept:");
  });
});

describe("the colour bar", () => {
  const data = (change: Partial<Plane> = {}) => ({ ...WEIGHTS, histogram: [1, 2, 3, 2], ...change });
  const highEnd = (el: Element) => find<HTMLElement>(el, "[data-tensor=weights] .nnv-end-high");
  const high = (el: Element) => text(el, "[data-tensor=weights] .nnv-bar-high");

  test("its ends are sliders: keys move them around zero, Delete leaves them to the data", async () => {
    const { kernel, el } = show();
    await draw(kernel, [data()]);
    const before = pixel(canvasOf(el), Math.round((canvasOf(el)?.width ?? 0) / 2) + 2, 0);
    expect(highEnd(el).getAttribute("aria-valuetext")).toBe("1");
    for (let i = 0; i < 2; i++) press(highEnd(el), "PageDown");
    await expect.poll(() => high(el)).toBe("0.25");
    expect(text(el, "[data-tensor=weights] .nnv-bar-low")).toBe("\u22120.25");
    expect(text(el, "[data-tensor=weights] .nnv-bar-above")).toBe("2 above");
    expect(text(el, "[data-tensor=weights] .nnv-bar-below")).toBe("1 below");
    await expect
      .poll(() => pixel(canvasOf(el), Math.round((canvasOf(el)?.width ?? 0) / 2) + 2, 0))
      .not.toBe(before);
    press(highEnd(el), "Delete");
    await expect.poll(() => high(el)).toBe("1");
  });

  test("an end follows the pointer and the picture its end; a double click resets", async () => {
    const { kernel, el } = show();
    await draw(kernel, [data()]);
    const bar = find<HTMLElement>(el, "[data-tensor=weights] .nnv-bar").getBoundingClientRect();
    const at = (share: number) => ({
      clientX: bar.left,
      clientY: bar.top + share * bar.height,
      bubbles: true,
    });
    highEnd(el).dispatchEvent(new PointerEvent("pointerdown", at(0)));
    highEnd(el).dispatchEvent(new PointerEvent("pointermove", at(0.25)));
    await expect.poll(() => high(el)).toBe("0.5");
    expect(highEnd(el).style.top).toBe("25%");
    const number = () => find(el, "[data-tensor=weights] .nnv-bar-high").getBoundingClientRect();
    expect(number().bottom).toBeLessThanOrEqual(bar.top + 0.25 * bar.height + 1);
    expect(number().top).toBeGreaterThan(bar.top + 5);
    highEnd(el).dispatchEvent(new PointerEvent("pointerup", at(0.25)));
    await expect.poll(() => highEnd(el).style.top).toBe("0%");
    highEnd(el).dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await expect.poll(() => high(el)).toBe("1");
  });

  test.each([1120, 480])("at %d px words lie beside the histogram and within the page", async (width) => {
    const { kernel, el } = show();
    el.style.width = `${width}px`;
    await draw(kernel, [data()]);
    const small = { low: -0.00012, high: 0.00034, clip_low: -0.00012, clip_high: 0.00012 };
    kernel.cursor.set("layer", "digits");
    const many = Float32Array.from({ length: 4800 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    kernel.say(frame(kernel.client, 2, [data({ ...plane(40, 120), ...small })], { layer: "digits" }), [many]);
    await expect.poll(() => text(el, "[data-tensor=weights] .nnv-bar-above")).toBe("2.4k above");
    const bar = find(el, "[data-tensor=weights] .nnv-bar").getBoundingClientRect();
    for (const word of el.querySelectorAll("[data-tensor=weights] .nnv-bar-words > span")) {
      const range = document.createRange();
      range.selectNodeContents(word);
      const { left, right } = range.getBoundingClientRect();
      expect(left).toBeGreaterThanOrEqual(bar.left + BAR_WIDTH + HISTOGRAM_WIDTH + 2);
      expect(right).toBeLessThanOrEqual(el.getBoundingClientRect().right);
    }
  });

  test("N07 one value far out is counted above the scale that the others have", async () => {
    const { kernel, el } = show();
    const cells = Float32Array.of(1, -1, 0.5, 0.25, 0, 1e12, 0, -0.125);
    await draw(kernel, [WEIGHTS]);
    kernel.say(frame(kernel.client, 2, [{ ...WEIGHTS, high: 1e12 }]), [cells]);
    await expect.poll(() => text(el, "[data-tensor=weights] .nnv-bar-above")).toBe("1 above");
    expect(find<HTMLElement>(el, "[data-tensor=weights] .nnv-bar-above").title).toBe(
      "1 cell above the scale",
    );
    expect(high(el)).toBe("1");
  });

  test("the scale is held over steps; unlocked, each has its own", async () => {
    const { kernel, el } = show();
    await draw(kernel, [WEIGHTS]);
    const half = { ...WEIGHTS, clip_low: -0.5, clip_high: 0.5 };
    kernel.say(frame(kernel.client, 2, [half]), [new Float32Array(8)]);
    await expect.poll(() => kernel.of("ack").at(-1)?.seq).toBe(2);
    expect(high(el)).toBe("1");
    press(find(el, "[data-tensor=weights] [role=application]"), "l");
    await expect.poll(() => high(el)).toBe("0.5");
  });

  test("symlog brings small values out in this group only", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const { width = 0, height = 0 } = canvasOf(el) ?? {};
    const small = () => pixel(canvasOf(el), width - 2, height - 1);
    const [before, outputs] = [small(), pixel(canvasOf(el, "activations"), width - 2, 0)];
    openTools(el);
    await expect.poll(() => el.querySelector(".nnv-tools-panel select")).not.toBeNull();
    choose(find(el, ".nnv-tools-panel select"), "symlog");
    await expect.poll(small).not.toBe(before);
    expect(pixel(canvasOf(el, "activations"), width - 2, 0)).toBe(outputs);
  });

  test("tools close on Escape and give the focus back", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    openTools(el);
    await expect.poll(() => document.activeElement?.tagName).toBe("SELECT");
    press(find(el, ".nnv-tools-panel select"), "Escape");
    await expect.poll(() => el.querySelector(".nnv-tools-panel")).toBeNull();
    expect(document.activeElement).toBe(find(el, "[data-tensor=weights] .nnv-dots"));
  });
});

describe("saving", () => {
  const THEME = {
    ...{ dark: false, text: "#000000", muted: "#666666", line: "#dddddd", raw: "#cccccc", accent: "#0000ff" },
    ...{ second: "#00aa00", select: "#ff8800", surface: "#ffffff", font: "sans-serif" },
  };

  function content(header: Plane, cells: Cells, changes: Partial<Content> = {}): Content {
    const picture = layOut({ plane: header, cells, missing: null }, 400, 200, 1);
    if (picture === null) throw new Error("nothing to draw");
    const base = { picture, scale: ONE, theme: THEME, layer: "hidden", step: 412, order: null };
    return { ...base, places: placesOf(null), run: "", ...changes };
  }

  test("a table names its axes, the neurons where they stand, and what is no number", () => {
    const cells = Float32Array.of(0.1, -2, Number.NaN, 4, Number.NEGATIVE_INFINITY, 3e-7);
    const sorted = { places: placesOf(Int32Array.of(2, 0, 1)), order: { by: "norm", step: 4 } } as const;
    expect(toCsv(content(plane(2, 3), cells, sorted))).toBe(
      "in \\ neuron,2,0,1\n0,0.1,-2,nan\n1,4,-inf,3e-7\n",
    );
  });

  test("a table of a difference says of what", () => {
    const apart = plane(1, 1, { compared: 3, other: 4 });
    const run = "branch 2 minus branch 1";
    expect(toCsv(content(apart, Float32Array.of(1), { run }))).toBe(`in \\ neuron (${run}),0\n0,1\n`);
  });

  test("of a window the places are those of the whole tensor, of a pooled one each cell says what it is", () => {
    const part = plane(2, 2, {
      full_rows: 10,
      full_cols: 8,
      row_start: 3,
      col_start: 5,
      shown_rows: 2,
      shown_cols: 2,
    });
    expect(toCsv(content(part, Float32Array.of(1, 2, 3, 4)))).toBe("in \\ neuron,5,6\n3,1,2\n4,3,4\n");
    const pooled = plane(2, 1, {
      full_rows: 7,
      shown_rows: 7,
      row_factor: 4,
      reduce: "absmax",
      encoding: "bf16",
    });
    expect(toCsv(content(pooled, Uint16Array.of(0x3f80, 0xbf80)))).toBe(
      "in \\ neuron (each cell: max |w| of 4 rows; rounded to bfloat16),0\n0-3,1\n4-6,-1\n",
    );
  });

  test("gaps between tiles are not in the table", () => {
    const tiles = plane(1, 6, {
      encoding: "bf16",
      dtype: "bfloat16",
      gutter: true,
      neuron_cols: 3,
      col_axes: [
        { name: "filter", size: 2, labels: [] },
        { name: "x", size: 2, labels: [] },
      ],
    });
    const bits = Uint16Array.of(0x3f80, 0x4000, GUTTER_BITS, 0x4040, 0x4080, GUTTER_BITS);
    expect(toCsv(content(tiles, bits))).toBe(
      "in \\ filter x,filter 0 x 0,filter 0 x 1,filter 1 x 0,filter 1 x 1\n0,1,2,3,4\n",
    );
  });

  test("the PNG holds the cells to the pixel, the bar and the words", () => {
    const what = content(plane(2, 2), Float32Array.of(1, -1, 0, 1));
    const sheet = sheetOf(what);
    const canvas = toCanvas(sheet, 2);
    expect(canvas.width).toBe(sheet.width * 2);
    const top = 16 + 22 + 2 * 16 + 6;
    expect(pixel(canvas, 32, top * 2)).toBe(colorAt("diverging-light", 1));
    expect(pixel(canvas, 32 + 2 * 399, top * 2)).toBe(colorAt("diverging-light", 0));
    const title = canvas.getContext("2d")?.getImageData(32, 32, 400, 34).data ?? [];
    expect(Array.from(title).some((value, i) => i % 4 === 0 && value < 60)).toBe(true);
    const bar = pixel(canvas, 2 * (16 + 400 + 10 + 5), 2 * top + 1);
    expect(Math.abs((bar & 255) - 0x67)).toBeLessThan(8);
    expect((bar >> 8) & 255).toBeLessThan(8);
  });

  test("the SVG has words as words, escaped, and a picture inside", () => {
    const what = content(plane(2, 2), Float32Array.of(1, -1, 0, 1), { layer: "<a & b>" });
    const svg = toSvg(sheetOf(what));
    const read = new DOMParser().parseFromString(svg, "image/svg+xml");
    expect(read.querySelector("parsererror")).toBeNull();
    expect(read.querySelector("text")?.textContent).toBe("weights of <a & b> (kernel), step 412");
    expect(read.querySelector("image")?.getAttribute("href")).toMatch(/^data:image\/png;base64,/);
    expect(read.querySelectorAll("stop").length).toBeGreaterThan(10);
  });

  test("a click on save hands over a file with a name", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    const saved: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.download);
    });
    openTools(el);
    await expect.poll(() => el.querySelectorAll(".nnv-tool-buttons button").length).toBe(4);
    for (const button of [...el.querySelectorAll<HTMLElement>(".nnv-tool-buttons button")].slice(1))
      button.click();
    await expect
      .poll(() => [...saved].sort())
      .toEqual([
        "hidden_kernel_weights_step412.csv",
        "hidden_kernel_weights_step412.png",
        "hidden_kernel_weights_step412.svg",
      ]);
  });

  test("where the clipboard is not to be had, words say what to do", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    vi.stubGlobal("ClipboardItem", undefined);
    openTools(el);
    await expect.poll(() => el.querySelector(".nnv-tool-buttons button")).not.toBeNull();
    find<HTMLElement>(el, ".nnv-tool-buttons button").click();
    await expect.poll(() => text(el, ".nnv-notice")).toContain("save the PNG instead");
    vi.unstubAllGlobals();
  });
});
