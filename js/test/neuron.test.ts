import { signal } from "@preact/signals";
import axe from "axe-core";
import { describe, expect, test } from "vitest";
import { linesOf, preActivation } from "../src/neuron/parts.ts";
import { inputAt, namedIndices, placeOfInput, placeWords } from "../src/neuron/place.ts";
import { barAt, drawBars, labelsFit } from "../src/picture/bars.ts";
import { colorAt } from "../src/picture/colors.ts";
import { normLines, valueAtStep } from "../src/picture/normLines.ts";
import { isWide, layOutSquare } from "../src/picture/square.ts";
import type { Frame, Neuron, Plane } from "../src/protocol.gen.ts";
import { mapRequest } from "../src/requests.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { emptyRun } from "../src/source/recorded.ts";
import type { FrameData } from "../src/source/source.ts";
import { frame, layerEntry, plane, status } from "./fakes.ts";
import { find, GRADIENTS, OUTPUTS, pixel, press, rgbOf, show, text } from "./harness.ts";

const axis = (name: string, size: number) => ({ name, size, labels: [] as string[] });

/** An image of 2 x 2 inputs. */
const IMAGE: Partial<Plane> = {
  part: "incoming",
  row_axes: [axis("y", 2)],
  col_axes: [axis("x", 2)],
  neuron_cols: 0,
};

/** Six channels of 4 x 5 pixels, as 2 x 3 tiles. */
const GRID = plane(2 * 5, 3 * 6, {
  part: "incoming",
  row_axes: [axis("channel row", 2), axis("y", 4)],
  col_axes: [axis("channel column", 3), axis("x", 5)],
  gutter: true,
  neuron_cols: 0,
});

const NEURON: Neuron = { index: 2, weighted: 0.5, bias: -0.25, weights_step: 411, lines: null };

/** A layer of four inputs and four neurons: its maps, and the parts of a neuron. */
const MAPS = [
  plane(4, 4),
  { ...GRADIENTS, rows: 4, full_rows: 4, shown_rows: 4, row_axes: [axis("in", 4)] },
  OUTPUTS,
];
const PARTS = [
  plane(2, 2, { ...IMAGE, buffer: 3, note: "4 values, drawn as 2 \u00d7 2" }),
  plane(2, 2, { ...IMAGE, tensor: "gradients", buffer: 4 }),
  plane(2, 2, { ...IMAGE, tensor: "activations", part: "input", buffer: 5, low: 0, clip_low: 0 }),
  plane(2, 2, { ...IMAGE, part: "product", buffer: 6 }),
  plane(0, 0, { tensor: "activations", part: "output", buffer: -1, missing: "" }),
  plane(1, 3, {
    tensor: "activations",
    part: "samples",
    buffer: 7,
    row_axes: [],
    col_axes: [axis("sample", 3)],
    neuron_cols: 0,
  }),
];
const CELLS = [
  new Float32Array(16),
  new Float32Array(16),
  new Float32Array(12),
  Float32Array.of(1, -1, 0, 0.5),
  Float32Array.of(0, 0, 1, 0),
  Float32Array.of(0, 0, 0, 1),
  Float32Array.of(0, 0, 0, 0.5),
  Float32Array.of(0.25, 1, 0.5),
  Float64Array.of(1, 412),
  Float32Array.of(1, 2),
];

const LINES = [{ name: "weights_l2", layer: "hidden", n: 2, x_buffer: 8, y_buffer: 9, run: 0 }];

const PANEL_OF = { _panels: ["weights", "neuron"] };

async function drawParts(
  kernel: ReturnType<typeof show>["kernel"],
  changes: Partial<Frame> = {},
  parts: Plane[] = PARTS,
): Promise<void> {
  await expect
    .poll(
      () =>
        kernel
          .of("watch")
          .at(-1)
          ?.maps.filter(({ part }) => part !== "map").length ?? 0,
    )
    .toBe(6);
  const labels = ["7", "2", "1"];
  kernel.say(frame(kernel.client, 1, [...MAPS, ...parts], { neuron: NEURON, labels, ...changes }), CELLS);
  await expect.poll(() => kernel.of("ack").at(-1)?.seq).toBe(1);
}

const pictureOf = (el: Element, part: string) =>
  el.querySelector<HTMLCanvasElement>(`[data-part="${part}"] canvas`);

const point = (el: Element, kind: string, x: number, y: number) => {
  const { left, top, width, height } = el.getBoundingClientRect();
  const at = { clientX: left + x * width, clientY: top + y * height, buttons: 1, bubbles: true };
  el.dispatchEvent(new PointerEvent(kind, at));
};

describe("places in the pictures of a neuron", () => {
  test("each input is at one place and each place is that input", () => {
    for (const each of [GRID, plane(2, 2, IMAGE)]) {
      const count = each === GRID ? 120 : 4;
      const seen = new Set<string>();
      for (let input = 0; input < count; input++) {
        const at = placeOfInput(each, input);
        if (at === null) throw new Error(`input ${input} has no place`);
        expect(inputAt(each, at)).toBe(input);
        seen.add(`${at.row} ${at.column}`);
      }
      expect(seen.size).toBe(count);
      expect(placeOfInput(each, count)).toBeNull();
    }
  });

  test("inputs count pixels row by row and channels fastest, as flattening does", () => {
    // y 1, x 2, channel 4 of 4 x 5 pixels and 6 channels.
    const at = placeOfInput(GRID, (1 * 5 + 2) * 6 + 4);
    expect(at).toEqual({ row: 5 + 1, column: 6 + 2 });
    expect(placeWords(GRID, { row: 6, column: 8 })).toEqual(["pixel (1, 2)", "channel 4"]);
  });

  test("channels that come first count slowest", () => {
    const first = plane(2 * 5, 3 * 6, {
      ...GRID,
      row_axes: [axis("outer channel row", 2), axis("y", 4)],
      col_axes: [axis("outer channel column", 3), axis("x", 5)],
    });
    const at = placeOfInput(first, (4 * 4 + 1) * 5 + 2);
    expect(at).toEqual({ row: 5 + 1, column: 6 + 2 });
    expect(inputAt(first, { row: 6, column: 8 })).toBe((4 * 4 + 1) * 5 + 2);
    expect(placeWords(first, { row: 6, column: 8 })).toEqual(["pixel (1, 2)", "channel 4"]);
  });

  test("a gap is no place", () => {
    expect(namedIndices(GRID, { row: 4, column: 0 })).toBeNull();
    expect(placeWords(GRID, { row: 0, column: 5 })).toEqual([]);
  });

  test("gates are called by their names, and are not inputs", () => {
    const gates = plane(2, 3, { row_axes: [{ name: "gate", size: 2, labels: ["input", "forget"] }] });
    const named = { ...gates, col_axes: [axis("in", 3)] };
    expect(placeWords(named, { row: 1, column: 2 })).toEqual(["gate forget", "input 2"]);
    expect(inputAt(named, { row: 1, column: 2 })).toBeNull();
  });
});

describe("small pictures", () => {
  const laid = (header: Plane, width: number, room: number) =>
    layOutSquare(
      { plane: header, cells: new Float32Array(header.rows * header.cols), missing: null },
      width,
      room,
      1,
    );

  test("cells of an image are square and whole pixels", () => {
    expect(laid(plane(28, 28, IMAGE), 120, 150)).toMatchObject({ width: 112, height: 112 });
    expect(laid(plane(3, 3, IMAGE), 120, 150)).toMatchObject({ width: 72, height: 72 });
  });

  test("one row of values is a strip over the whole width", () => {
    const strip = plane(1, 7, { row_axes: [], col_axes: [axis("in", 7)] });
    expect(laid(strip, 240, 150)).toMatchObject({ width: 240, height: 16 });
    expect(isWide({ plane: strip, cells: null, missing: null })).toBe(true);
    expect(isWide({ plane: plane(28, 28), cells: null, missing: null })).toBe(false);
  });

  test("rows with names are so high that a name fits beside each, and may be any width", () => {
    const named = { row_axes: [{ name: "gate", size: 4, labels: ["i", "f", "c", "o"] }] };
    expect(laid(plane(4, 28, named), 180, 150)).toMatchObject({ width: 180, height: 64 });
    expect(laid(plane(4, 1, named), 180, 150)).toMatchObject({ width: 60, height: 64 });
    expect(isWide({ plane: plane(4, 1, named), cells: null, missing: null })).toBe(true);
  });

  test("what is larger than its room is pooled, never cut", () => {
    const large = laid(plane(400, 400, IMAGE), 120, 150);
    expect(large?.data.plane).toMatchObject({ rows: 100, cols: 100, row_factor: 4 });
    expect(large).toMatchObject({ width: 120, height: 120 });
    const halved = plane(112, 224, { ...IMAGE, full_rows: 224, row_factor: 2 });
    expect(laid(halved, 120, 150)).toMatchObject({ width: 120, height: 120 });
  });
});

describe("bars", () => {
  const theme = {
    dark: false,
    text: "#000",
    muted: "#666",
    line: "#ddd",
    raw: "#ccc",
    accent: "#0000ff",
    second: "#080",
    select: "#ff0000",
    surface: "#fff",
    font: "sans-serif",
  };

  test("stand on zero, the selected one in its own colour", () => {
    const canvas = document.createElement("canvas");
    canvas.width = 40;
    canvas.height = 20;
    drawBars(canvas, { values: [1, -1, 0.5, 1], selected: 3, labels: [], font: "10px sans-serif" }, theme, 1);
    expect(rgbOf(canvas, 3, 2)).toBe("rgb(0, 0, 255)");
    expect(rgbOf(canvas, 33, 2)).toBe("rgb(255, 0, 0)");
    expect(pixel(canvas, 13, 2)).toBe(0);
    expect(rgbOf(canvas, 13, 17)).toBe("rgb(0, 0, 255)");
    expect(pixel(canvas, 23, 2)).toBe(0);
  });

  test("a value that is not finite is seen", () => {
    const canvas = document.createElement("canvas");
    canvas.width = 20;
    canvas.height = 20;
    drawBars(canvas, { values: [Number.NaN, 1], selected: 1, labels: [], font: "10px sans-serif" }, theme, 1);
    expect(rgbOf(canvas, 3, 10)).toBe("rgb(255, 0, 229)");
  });

  test("labels are there if all of them fit", () => {
    const bars = { values: [1, 2], selected: 0, labels: ["7", "12"], font: "" };
    expect(labelsFit(bars, 40, (label) => label.length * 10)).toBe(true);
    expect(labelsFit(bars, 30, (label) => label.length * 10)).toBe(false);
    expect(barAt(25, 40, 4)).toBe(2);
    expect(barAt(90, 40, 4)).toBe(3);
  });
});

describe("lines", () => {
  const line = (name: string, values: number[]) => ({
    name,
    layer: "hidden",
    steps: Float64Array.from(values, (_, i) => 10 * i),
    values: Float32Array.from(values),
  });

  test("those of before stay until others come, but not those of another neuron", () => {
    const now = signal<FrameData | null>(null);
    const lines = linesOf(now);
    const told = (index: number, given: readonly ReturnType<typeof line>[] | null) => {
      const neuron = { index, weighted: null, bias: null, weightsStep: null, lines: given };
      now.value = { layer: "hidden", neuron } as unknown as FrameData;
      return lines.value.map(({ name }) => name);
    };
    expect(told(1, [line("weights_l2", [1])])).toEqual(["weights_l2"]);
    expect(told(1, null)).toEqual(["weights_l2"]);
    expect(told(2, null)).toEqual([]);
  });

  test("the legend tells the value at the newest reading that is not after the step", () => {
    const norms = line("weights_l2", [1, 2, 3]);
    expect([valueAtStep(norms, 15), valueAtStep(norms, 20), valueAtStep(norms, -1)]).toEqual([2, 3, null]);
    expect(normLines([norms, line("other", [1])]).map(({ name }) => name)).toEqual(["|w|"]);
  });
});

test("the sum and the bias make the pre-activation", () => {
  const told = { index: 0, weighted: 0.5, bias: -0.25, weightsStep: 1, lines: null };
  expect(preActivation(told)).toBe(0.25);
  expect(preActivation({ ...told, bias: null })).toBe(0.5);
  expect(preActivation({ ...told, weighted: null })).toBeNull();
});

describe("the panel", () => {
  test("asks for the parts of the cursor's neuron while it is shown", async () => {
    const { kernel } = show(PANEL_OF);
    await drawParts(kernel);
    kernel.cursor.set("neuron", 2);
    await expect.poll(() => kernel.of("watch").at(-1)?.neuron).toBe(2);
    const other = show({ _panels: ["weights"] }).kernel;
    await expect.poll(() => other.of("watch").at(-1)?.maps.length).toBe(1);
    other.cursor.set("neuron", 2);
    expect(other.of("watch").at(-1)?.neuron).toBe(0);
  });

  test("draws each part to the pixel and says what it is", async () => {
    const { kernel, el } = show(PANEL_OF);
    kernel.cursor.set("neuron", 2);
    await drawParts(kernel);
    await expect.poll(() => pictureOf(el, "weights incoming")?.width).toBe(48);
    const incoming = pictureOf(el, "weights incoming");
    expect(pixel(incoming, 1, 1)).toBe(colorAt("diverging-light", 1));
    expect(pixel(incoming, 25, 1)).toBe(colorAt("diverging-light", 0));
    expect(pixel(pictureOf(el, "activations input"), 25, 25)).toBe(colorAt("sequential-light", 1));
    expect(text(el, ".nnv-neuron h3")).toBe("Neuron 2 of hidden");
    const captions = [...el.querySelectorAll("figcaption")].map(({ textContent }) => textContent);
    expect(captions).toEqual([
      "incoming weights",
      "their gradients",
      "sample 0, a \u201c7\u201d",
      "weight \u00d7 input",
    ]);
    expect(text(el, ".nnv-neuron-sum")).toContain("sum 0.5 + bias \u22120.25 = 0.25");
    expect(text(el, ".nnv-neuron-words")).toContain("4 values, drawn as 2 \u00d7 2");
    expect(text(el, ".nnv-neuron-samples h4")).toBe("Activation on 3 samples");
  });

  test("asks to point at a picture only where there is one", async () => {
    const { kernel, el } = show(PANEL_OF);
    await drawParts(kernel);
    await expect.poll(() => text(el, ".nnv-neuron-words")).toContain("point at a picture");
    const missing = PARTS.map((each) => ({ ...each, buffer: -1, missing: "not kept" }));
    kernel.say(frame(kernel.client, 2, [...MAPS, ...missing], { neuron: NEURON }), CELLS);
    await expect.poll(() => text(el, ".nnv-neuron-words")).toContain("not kept");
    expect(text(el, ".nnv-neuron-words")).not.toContain("point at a picture");
  });

  test("a difference says what is taken off, and what a reader must know of it", async () => {
    const { kernel, el } = show(PANEL_OF);
    const batch = "each step has a batch of its own";
    const parts = PARTS.map((each, i) => ({
      ...each,
      compared: 400 + i,
      note: each.part === "product" || each.part === "samples" ? batch : each.note,
    }));
    await drawParts(kernel, { neuron: { ...NEURON, weighted: null, bias: null } }, parts);
    await expect.poll(() => text(el, ".nnv-neuron-samples h4")).toContain("on 3 samples minus step 405");
    const captions = [...el.querySelectorAll("figcaption")].map(({ textContent }) => textContent);
    expect(captions).toEqual([
      "incoming weights, minus step 400",
      "their gradients, minus step 401",
      "sample 0, a \u201c7\u201d, minus step 402",
      "weight \u00d7 input, minus step 403",
    ]);
    expect(text(el, ".nnv-neuron-words").split(batch).length).toBe(2);
    // Around zero, though an input alone is not.
    const input = pictureOf(el, "activations input");
    await expect.poll(() => pixel(input, 25, 25)).toBe(colorAt("diverging-light", 1));
  });

  test("gates have their names beside them", async () => {
    const { kernel, el } = show(PANEL_OF);
    const gates = ["input", "forget", "cell", "output"];
    const incoming = plane(4, 1, {
      part: "incoming",
      row_axes: [{ name: "gate", size: 4, labels: gates }],
      col_axes: [axis("in", 1)],
      neuron_cols: 0,
      buffer: 3,
    });
    await drawParts(kernel, {}, [incoming, ...PARTS.slice(1)]);
    const figure = () => find<HTMLElement>(el, '[data-part="weights incoming"]');
    await expect
      .poll(() => el.querySelectorAll('[data-part="weights incoming"] .nnv-row-block').length)
      .toBe(4);
    const names = [...figure().querySelectorAll<HTMLElement>(".nnv-row-block span")];
    expect(names.map(({ textContent }) => textContent)).toEqual(gates);
    const left = find(figure(), "canvas").getBoundingClientRect().left;
    for (const name of names) {
      const box = name.getBoundingClientRect();
      expect(box.right).toBeLessThan(left);
      expect(box.left).toBeGreaterThanOrEqual(figure().getBoundingClientRect().left);
    }
  });

  test("pointing at a pixel tells all values there and marks it in all pictures; a press selects the input", async () => {
    const { kernel, el } = show(PANEL_OF);
    await drawParts(kernel);
    const picture = find(el, '[data-part="weights incoming"] .nnv-facet-picture');
    await expect.poll(() => pictureOf(el, "weights incoming")?.width).toBe(48);
    point(picture, "pointermove", 0.75, 0.75);
    await expect
      .poll(() => text(el, ".nnv-facet-place"))
      .toBe("pixel (1, 1)weight 0.5gradient 0input 1product 0.5".replaceAll(/(?<=\w) (?=\S)/g, " "));
    expect(el.querySelectorAll(".nnv-facet-mark").length).toBe(4);
    point(picture, "pointerdown", 0.75, 0.75);
    point(picture, "pointerleave", 2, 2);
    await expect.poll(() => text(el, ".nnv-readout")).toContain("in 3");
    expect(text(el, ".nnv-facet-place")).toContain("pixel (1, 1)");
  });

  test("a press on an image selects no input where the layer weighs it place by place", async () => {
    const { kernel, el } = show(PANEL_OF);
    const image = plane(4, 3, {
      ...IMAGE,
      tensor: "activations",
      part: "input",
      row_axes: [axis("y", 4)],
      col_axes: [axis("x", 3)],
      buffer: 2,
    });
    await drawParts(kernel, {}, [...PARTS.slice(0, 2), image, ...PARTS.slice(3)]);
    await expect.poll(() => pictureOf(el, "activations input")?.width).toBe(72);
    point(find(el, '[data-part="weights incoming"] .nnv-facet-picture'), "pointerdown", 0.75, 0.75);
    await expect.poll(() => text(el, ".nnv-readout")).toContain("in 3");
    const picture = find(el, '[data-part="activations input"] .nnv-facet-picture');
    for (const kind of ["pointermove", "pointerdown"]) point(picture, kind, 0.5, 0.1);
    await expect.poll(() => text(el, ".nnv-facet-place")).toContain("pixel (0, 1)");
    expect(text(el, ".nnv-readout")).toContain("in 3");
  });

  test("keys move the place, which is spoken, and Enter selects it", async () => {
    const { kernel, el } = show(PANEL_OF);
    await drawParts(kernel);
    const stop = find<HTMLElement>(el, ".nnv-facets");
    await expect.poll(() => pictureOf(el, "weights incoming")?.width).toBe(48);
    press(stop, "Home");
    press(stop, "ArrowUp");
    await expect
      .poll(() => text(el, ".nnv-spoken"))
      .toBe("pixel (0, 0), weight 1, gradient 0, input 0, product 0");
    press(stop, "ArrowRight");
    await expect.poll(() => text(el, ".nnv-spoken")).toContain("pixel (0, 1), weight \u22121");
    press(stop, "Enter");
    stop.dispatchEvent(new FocusEvent("blur"));
    await expect.poll(() => text(el, ".nnv-readout")).toContain("in 1");
    expect(el.querySelectorAll('.nnv-neuron [tabindex="0"]').length).toBe(1);
  });

  test("axe finds nothing amiss in it", async () => {
    const { kernel, el } = show(PANEL_OF);
    await drawParts(kernel, { neuron: { ...NEURON, lines: LINES } }, PARTS);
    await expect.poll(() => text(el, ".nnv-neuron-legend")).toContain("|w| 2");
    const { violations } = await axe.run(find<HTMLElement>(el, ".nnv-neuron"), {
      rules: { region: { enabled: false }, "page-has-heading-one": { enabled: false } },
    });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`)).toEqual([]);
  });

  test("a press on a bar selects its sample", async () => {
    const { kernel, el } = show(PANEL_OF);
    await drawParts(kernel);
    point(find(el, ".nnv-bars"), "pointerdown", 0.5, 0.5);
    await expect.poll(() => kernel.cursor.get("sample")).toBe(1);
  });

  test("what makes no sense is said once, and leaves no hole", async () => {
    const { kernel, el } = show(PANEL_OF);
    const none = (each: Plane) => ({ ...plane(0, 0, { ...each, buffer: -1 }), rows: 0, cols: 0 });
    const parts = PARTS.map((each) =>
      each.part === "samples" ? each : { ...none(each), buffer: -1, missing: "it pools its input" },
    );
    await drawParts(kernel, { neuron: { ...NEURON, weighted: null, bias: null } }, parts);
    await expect.poll(() => text(el, ".nnv-neuron-words")).toContain("it pools its input");
    expect(text(el, ".nnv-neuron-words").split("it pools its input").length).toBe(2);
    expect(el.querySelectorAll("figure, .nnv-neuron-sum").length).toBe(0);
  });

  test("reasons that begin alike are one sentence", async () => {
    const { kernel, el } = show(PANEL_OF);
    const reasons = ["left out: gradients", "left out: activations", "left out: gradients"];
    const parts = PARTS.map((each, i) =>
      each.part === "samples"
        ? each
        : { ...plane(0, 0, { ...each, buffer: -1 }), rows: 0, cols: 0, missing: reasons[i % 3] ?? "" },
    );
    await drawParts(kernel, { neuron: { ...NEURON, weighted: null, bias: null } }, parts);
    await expect
      .poll(() => text(el, ".nnv-neuron-words p:last-child"))
      .toBe("left out: gradients, activations");
  });

  test("without a kernel it says why there is nothing", () => {
    const source = createMemorySource({ ...emptyRun(status()), layers: [layerEntry("hidden")] });
    const request = mapRequest("weights", 9, 9, { part: "incoming" });
    const place = {
      layer: "hidden",
      step: -1,
      sample: 0,
      order: null,
      compare: null,
      run: "first" as const,
      branch: null,
      beside: null,
      neuron: 0,
    };
    source.watch({ ...place, maps: [request] });
    const [drawn] = source.frame.value?.planes ?? [];
    expect(drawn?.plane.part).toBe("incoming");
    expect(drawn?.missing).toBe("not in this recording");
  });
});
