import { signal } from "@preact/signals";
import { describe, expect, test, vi } from "vitest";
import { afterKey } from "../src/cell.ts";
import { createCursor } from "../src/cursor.ts";
import { mount } from "../src/mount.tsx";
import { bf16Value, bitsOf } from "../src/picture/bits.ts";
import { colorAt, SPECIAL } from "../src/picture/colors.ts";
import { layOut, unitsBetween } from "../src/picture/layout.ts";
import { cellAt, firstOf, holds, sidesOf } from "../src/picture/side.ts";
import type { Kind, MapRequest } from "../src/protocol.gen.ts";
import { createMemorySource } from "../src/source/memory.ts";
import { emptyRun, type RecordedPlane, there } from "../src/source/recorded.ts";
import { createStore } from "../src/store.ts";
import { createZoom } from "../src/zoom.ts";
import { CONV, frame, layerEntry, plane, status } from "./fakes.ts";
import { canvasOf, draw, end, find, pixel, place, press, show, text, wholeMaps } from "./harness.ts";

/** Four filters of 3 x 3 over two inputs, of which filters 1 and 2 of input 1 are drawn. */
const WINDOW = plane(4, 8, {
  ...CONV,
  rows: 4,
  cols: 8,
  full_rows: 8,
  full_cols: 16,
  row_start: 4,
  col_start: 4,
  shown_rows: 4,
  shown_cols: 8,
});

function zoomOn(own: readonly Kind[] = []) {
  const of = signal("a");
  return { of, zoom: createZoom(of, signal(own)) };
}

describe("windows", () => {
  test("coordinates are those of the whole picture, tiles and gaps included", () => {
    const { rows, cols } = sidesOf(WINDOW);
    expect([rows.tile, cols.tile]).toEqual([4, 4]);
    expect([0, 3, 4, 7].map((cell) => firstOf(cols, cell))).toEqual([4, 7, 8, 11]);
    expect([4, 7, 8, 11].map((index) => cellAt(cols, index))).toEqual([0, 3, 4, 7]);
    expect([3, 4, 11, 12].map((index) => holds(cols, index))).toEqual([false, true, true, false]);
  });

  test("keys lead out of the window, over the gap", () => {
    expect(afterKey(WINDOW, { row: 4, column: 10 }, "ArrowRight")).toEqual({ row: 4, column: 12 });
    expect(afterKey(WINDOW, { row: 4, column: 4 }, "ArrowLeft")).toEqual({ row: 4, column: 2 });
    expect(afterKey(WINDOW, { row: 4, column: 4 }, "End")).toEqual({ row: 4, column: 14 });
  });

  test("a drag takes whole tiles", () => {
    const whole = { ...WINDOW, row_start: 0, col_start: 0, shown_rows: 8, shown_cols: 16, rows: 8, cols: 16 };
    const picture = layOut({ plane: whole, cells: new Float32Array(8 * 16), missing: null }, 160, 80, 1);
    if (picture === null) throw new Error("nothing to draw");
    expect(unitsBetween(picture.cols, picture.colEdges, 45, 85)).toEqual({ from: 1, to: 3 });
    expect(unitsBetween(picture.cols, picture.colEdges, 85, 45)).toEqual({ from: 1, to: 3 });
  });

  test("columns of neurons are one window for all maps, rows are the group's", () => {
    const { zoom } = zoomOn();
    zoom.into(plane(20, 10), { rows: { from: 2, to: 5 }, columns: { from: 1, to: 4 } });
    expect(zoom.windowOf("gradients")).toEqual({ row_from: 2, row_to: 5, column_from: 1, column_to: 4 });
    const outputs = zoom.windowOf("activations");
    expect([outputs?.row_from, outputs?.column_from, outputs?.column_to]).toEqual([0, 1, 4]);
    expect(outputs?.row_to).toBeGreaterThan(1e9);
  });

  test("a map whose columns are no neurons keeps its own", () => {
    const { zoom } = zoomOn(["activations"]);
    zoom.into(plane(20, 10), { rows: undefined, columns: { from: 1, to: 4 } });
    expect(zoom.windowOf("activations")).toBeNull();
  });

  test("back goes one step, each layer has its own way, all of it is no window", () => {
    const { of, zoom } = zoomOn();
    const map = plane(20, 10);
    zoom.into(map, { rows: { from: 2, to: 10 }, columns: undefined });
    zoom.about(map, 4, 0, 0.5);
    expect(zoom.windowOf("weights")?.row_to).toBe(7);
    of.value = "b";
    expect(zoom.windowOf("weights")).toBeNull();
    of.value = "a";
    zoom.back();
    expect(zoom.windowOf("weights")?.row_to).toBe(10);
    zoom.into(map, { rows: { from: -3, to: 99 }, columns: undefined });
    expect(zoom.windowOf("weights")).toBeNull();
  });

  test("zooming keeps what is under the cursor, down to one unit and up to all", () => {
    const { zoom } = zoomOn();
    const map = plane(100, 100);
    for (let i = 0; i < 12; i++) zoom.about(map, 70, 99, 0.5);
    expect(zoom.windowOf("weights")).toEqual({ row_from: 70, row_to: 71, column_from: 99, column_to: 100 });
    for (let i = 0; i < 12; i++) zoom.about(map, 70, 99, 2);
    expect(zoom.windowOf("weights")).toBeNull();
  });

  test("one turn of the wheel is one step back", () => {
    const { zoom } = zoomOn();
    const map = plane(100, 100);
    for (let i = 0; i < 5; i++) zoom.about(map, 50, 50, 0.8, true);
    zoom.back();
    expect(zoom.windowOf("weights")).toBeNull();
  });

  test("what is revealed moves the window no further than it must", () => {
    const { zoom } = zoomOn();
    const map = plane(100, 100);
    zoom.into(map, { rows: { from: 10, to: 20 }, columns: { from: 10, to: 20 } });
    zoom.reveal(map, 25, 12);
    expect(zoom.windowOf("weights")).toEqual({ row_from: 16, row_to: 26, column_from: 10, column_to: 20 });
    zoom.back();
    expect(zoom.windowOf("weights")).toBeNull();
  });
});

/** A recorded layer of 400 x 8 weights, each its own row and column, on a page. */
function recorded(change: (cells: Float32Array) => void = () => {}) {
  const cells = Float32Array.from({ length: 400 * 8 }, (_, i) => Math.floor(i / 8) / 400 + (i % 8) / 100_000);
  change(cells);
  const bad = cells.some((value) => !Number.isFinite(value)) ? 1 : 0;
  const entry = (tensor: Kind): RecordedPlane => ({
    layer: "hidden",
    step: 1,
    sample: null,
    plane: plane(400, 8, { tensor, n_nan: bad, low: 0, high: 1, clip_low: 0, clip_high: 1 }),
    cells: there(cells),
  });
  const source = createMemorySource({
    ...emptyRun(status({ source: "recording", state: "finished", step: 1 })),
    layers: [layerEntry("hidden", { n_neurons: 8 })],
    planes: [entry("weights"), entry("gradients")],
  });
  const store = createStore(source, createCursor(), signal(["weights", "gradients"]), end.signal);
  const el = place();
  mount(store, el);
  return { store, el, source };
}

const mapOf = (el: Element, tensor = "weights") =>
  find<HTMLElement>(el, `[data-tensor=${tensor}] [role=application]`);

function pointer(map: HTMLElement, type: string, x: number, y: number): void {
  const { left, top, width, height } = map.getBoundingClientRect();
  const at = { clientX: left + x * width, clientY: top + y * height, bubbles: true, isPrimary: true };
  map.dispatchEvent(new PointerEvent(type, at));
}

function drag(map: HTMLElement, from: readonly [number, number], to: readonly [number, number]): void {
  pointer(map, "pointerdown", ...from);
  pointer(map, "pointermove", ...to);
  pointer(map, "pointerup", ...to);
}

const columnFrom = ({ part, window }: MapRequest) => (part === "map" ? [window?.column_from] : []);

const drawn = (el: Element) => expect.poll(() => canvasOf(el)?.width ?? 0).toBeGreaterThan(300);

describe("zooming on the page", () => {
  test("a drag shows that part in both maps, a double click goes back", async () => {
    const { el, source, store } = recorded();
    await drawn(el);
    drag(mapOf(el), [0.3, 0.25], [0.6, 0.3]);
    await expect.poll(() => source.frame.value?.planes[1]?.plane.shown_cols).toBe(3);
    const planes = source.frame.value?.planes.map((each) => each.plane) ?? [];
    expect(planes.map(({ col_start, row_factor }) => [col_start, row_factor])).toEqual([
      [2, 1],
      [2, 1],
    ]);
    expect(planes[0]?.row_start).toBe(planes[1]?.row_start);
    expect(store.cursor.neuron.value).toBe(0);
    expect(text(el, "[data-tensor=gradients] .nnv-zoomed")).toContain("neurons 2\u20134");
    mapOf(el).dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await expect.poll(() => source.frame.value?.planes[1]?.plane.shown_cols).toBe(8);
    expect(el.querySelector(".nnv-zoomed")).toBeNull();
  });

  test("a drag along one side leaves the other one", async () => {
    const { el, source } = recorded();
    await drawn(el);
    drag(mapOf(el), [0.3, 0.25], [0.6, 0.252]);
    await expect.poll(() => source.frame.value?.planes[1]?.plane.shown_cols).toBe(3);
    expect(source.frame.value?.planes[1]?.plane.shown_rows).toBe(400);
  });

  test("keys zoom about the selected cell, and moving the cell takes the window along", async () => {
    const { el, source } = recorded();
    await drawn(el);
    for (let i = 0; i < 3; i++) press(mapOf(el), "+");
    const shown = () => source.frame.value?.planes[1]?.plane;
    await expect.poll(() => shown()?.shown_cols).toBe(1);
    expect(shown()?.col_start).toBe(0);
    press(mapOf(el), "ArrowRight");
    await expect.poll(() => shown()?.col_start).toBe(1);
    press(mapOf(el), "0");
    await expect.poll(() => shown()?.shown_cols).toBe(8);
  });

  test("the wheel zooms with Ctrl or the focus, and otherwise scrolls the page", async () => {
    const { el, source } = recorded();
    await drawn(el);
    const wheel = (options: WheelEventInit) => {
      const event = new WheelEvent("wheel", { deltaY: -300, bubbles: true, cancelable: true, ...options });
      mapOf(el).dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(wheel({})).toBe(false);
    expect(wheel({ ctrlKey: true })).toBe(true);
    await expect.poll(() => source.frame.value?.planes[1]?.plane.shown_cols).toBe(4);
  });

  test("N06 one NaN among many rows is seen, counted, and shown as a cell of its own", async () => {
    const { el, source, store } = recorded((cells) => {
      cells[123 * 8 + 5] = Number.NaN;
    });
    await drawn(el);
    const magenta = (canvas: HTMLCanvasElement | null) => {
      const { width = 0, height = 0 } = canvas ?? {};
      const data = canvas?.getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
      let n = 0;
      for (let i = 0; i < data.length; i += 4) n += Number(data[i] === 255 && data[i + 1] === 0);
      return n;
    };
    expect(SPECIAL.nan).toBe("#ff00e5");
    const before = magenta(canvasOf(el));
    expect(before).toBeGreaterThan(0);
    find<HTMLElement>(el, "[data-tensor=weights] .nnv-counts").click();
    await expect.poll(() => source.frame.value?.planes[1]?.plane.row_factor).toBe(1);
    expect(store.cursor.neuron.value).toBe(5);
    expect(store.cells.parameters.value).toEqual({ row: 123, offset: 0 });
    await expect.poll(() => magenta(canvasOf(el))).toBeGreaterThan(before);
    await expect.poll(() => text(el, ".nnv-readout")).toContain("weight NaN");
  });

  test("N goes through the bad cells and around, with Shift the other way", async () => {
    const { el, store } = recorded((cells) => {
      for (const [row, column] of [
        [8, 1],
        [200, 6],
        [392, 3],
      ] as const)
        cells[row * 8 + column] = Number.POSITIVE_INFINITY;
    });
    await drawn(el);
    await store.annex.load();
    const seen: number[] = [];
    const key = (shiftKey: boolean) => {
      const event = { key: shiftKey ? "N" : "n", shiftKey, bubbles: true, cancelable: true };
      mapOf(el).dispatchEvent(new KeyboardEvent("keydown", event));
      seen.push(store.cursor.neuron.peek());
    };
    store.cells.parameters.value = { row: 0, offset: 0 };
    for (let i = 0; i < 4; i++) key(false);
    key(true);
    expect(seen).toEqual([1, 6, 3, 1, 3]);
  });

  test("N selects the bad value of a pooled cell, and not the cell's first one", async () => {
    const bad = [
      [9, 1],
      [201, 6],
      [393, 3],
    ] as const;
    const { el, store } = recorded((cells) => {
      for (const [row, column] of bad) cells[row * 8 + column] = Number.NaN;
    });
    await drawn(el);
    expect(store.frame.peek()?.planes[0]?.plane.row_factor).toBeGreaterThan(1);
    store.cells.parameters.value = { row: 0, offset: 0 };
    for (const [row, neuron] of bad) {
      press(mapOf(el), "n");
      await expect.poll(() => store.cells.parameters.value.row).toBe(row);
      expect(store.cursor.neuron.peek()).toBe(neuron);
    }
  });

  test("N stays where somebody moved meanwhile", async () => {
    const { el, store, source } = recorded((cells) => {
      cells[9 * 8 + 1] = Number.NaN;
      cells[201 * 8 + 6] = Number.NaN;
    });
    await drawn(el);
    await store.annex.load();
    store.cells.parameters.value = { row: 100, offset: 0 };
    let answer = (_: string) => {};
    vi.spyOn(source, "read").mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    press(mapOf(el), "n");
    press(mapOf(el), "Home");
    answer("nan");
    await new Promise((resolve) => setTimeout(resolve));
    expect(store.cursor.neuron.peek()).toBe(0);
  });

  test("extremes are kept in a window that is pooled", () => {
    const source = createMemorySource({
      ...emptyRun(status()),
      layers: [layerEntry("hidden")],
      planes: [
        {
          layer: "hidden",
          step: 0,
          sample: null,
          plane: plane(400, 1),
          cells: there(Float32Array.from({ length: 400 }, (_, i) => (i === 137 ? -7 : i === 20 ? 99 : 0))),
        },
      ],
    });
    source.watch({
      layer: "hidden",
      step: -1,
      sample: 0,
      order: null,
      compare: null,
      run: "first",
      branch: null,
      beside: null,
      neuron: 0,
      maps: [
        {
          ...{
            tensor: "weights",
            variable: null,
            output: 0,
            cell: null,
            at: {},
            part: "map",
            complex: "abs",
          },
          ...{ max_rows: 30, max_cols: 10 },
          window: { row_from: 100, row_to: 200, column_from: 0, column_to: 2 ** 40 },
        },
      ],
    });
    const { plane: header, cells } = source.frame.value?.planes[0] ?? {};
    expect(header).toMatchObject({ row_start: 100, shown_rows: 100, row_factor: 4, rows: 25 });
    const values = Array.from(bitsOf(cells ?? new Uint16Array()), bf16Value);
    expect([Math.min(...values), values.indexOf(-7), Math.max(...values)]).toEqual([-7, 9, 0]);
  });

  test("a kernel is asked for the window, and what it sends is drawn where it is", async () => {
    const { kernel, el } = show();
    await draw(kernel);
    drag(mapOf(el), [0.6, 0.5], [0.9, 0.5]);
    await expect.poll(() => wholeMaps(kernel).flatMap(columnFrom)).toEqual([2, 2, 2]);
    const part = plane(2, 2, { full_cols: 4, col_start: 2, shown_cols: 2 });
    kernel.say(frame(kernel.client, 2, [part]), [Float32Array.of(1, -1, 1, -1)]);
    const width = canvasOf(el)?.width ?? 0;
    await expect.poll(() => pixel(canvasOf(el), width - 1, 0)).toBe(colorAt("diverging-light", 0));
    expect(pixel(canvasOf(el), width / 2 - 2, 0)).toBe(colorAt("diverging-light", 1));
    kernel.cursor.set("neuron", 3);
    await expect.poll(() => text(el, ".nnv-readout")).toMatch(/neuron 3.*weight \u22121/);
  });
});
