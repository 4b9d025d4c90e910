import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { describeRow } from "../src/cell.ts";
import { blocksOf } from "../src/picture/blocks.ts";
import { evenEdges, sidesOf } from "../src/picture/side.ts";
import { AS_THEY_ARE, placesOf } from "../src/places.ts";
import { tableOf } from "../src/table.ts";
import { plane } from "./fakes.ts";
import { draw, find, GRADIENTS, OUTPUTS, press, show, text, WEIGHTS } from "./harness.ts";

const GATES = ["input", "forget", "cell", "output"];
const gated = (inputs: number, cols: number) =>
  plane(4 * inputs, cols, {
    row_axes: [
      { name: "gate", size: 4, labels: GATES },
      { name: "in", size: inputs, labels: [] },
    ],
  });
const counted = (rows: number, cols: number) => Float32Array.from({ length: rows * cols }, (_, i) => i);

describe("blocks", () => {
  test("are runs of rows with a name", () => {
    const { rows } = sidesOf(gated(3, 2));
    expect(blocksOf(rows, evenEdges(12, 12, 120))).toEqual(
      GATES.map((name, i) => ({ name, from: 30 * i, to: 30 * i + 30 })),
    );
    expect(describeRow(gated(3, 2), 4)).toEqual(["gate forget", "in 1"]);
  });

  test("of a window are those that are in it", () => {
    const { rows } = sidesOf({ ...gated(3, 2), row_start: 4, shown_rows: 4, rows: 4 });
    expect(blocksOf(rows, evenEdges(4, 4, 40))).toEqual([
      { name: "forget", from: 0, to: 20 },
      { name: "cell", from: 20, to: 40 },
    ]);
  });

  test("of two axes with names bear both", () => {
    const row_axes = [
      { name: "bias", size: 2, labels: ["input", "recurrent"] },
      { name: "gate", size: 3, labels: ["update", "reset", "candidate"] },
    ];
    const { rows } = sidesOf(plane(6, 2, { row_axes }));
    const names = blocksOf(rows, evenEdges(6, 6, 60)).map(({ name }) => name);
    expect(names[0]).toBe("input update");
    expect(names[5]).toBe("recurrent candidate");
  });

  test("numbers have no names", () => {
    expect(blocksOf(sidesOf(plane(4, 4)).rows, evenEdges(4, 4, 40))).toEqual([]);
  });

  test("their names stand beside the map, and leave the columns of all maps at one place", async () => {
    const { el, kernel } = show();
    const gradients = { ...gated(3, 4), tensor: "gradients" as const };
    await draw(kernel, [gated(3, 4), gradients, { ...OUTPUTS, buffer: 1 }], 1, [
      counted(12, 4),
      counted(3, 4),
    ]);
    await expect
      .poll(() =>
        [...el.querySelectorAll("[data-tensor=weights] .nnv-blocks span")].map((e) => e.textContent),
      )
      .toEqual(GATES);
    const lefts = [...el.querySelectorAll(".nnv-data")].map((map) => map.getBoundingClientRect().left);
    expect(new Set(lefts).size).toBe(1);
    const name = find(el, ".nnv-blocks span").getBoundingClientRect();
    expect(name.right).toBeLessThanOrEqual(lefts[0] ?? 0);
    expect(el.querySelectorAll("[data-tensor=weights] .nnv-blocks i").length).toBe(3);
  });
});

describe("a table", () => {
  const most = { rows: 12, columns: 12 };

  test("is of the cells around the selected one", () => {
    const data = { plane: plane(100, 50), cells: counted(100, 50), missing: null };
    const table = tableOf(data, { row: 40, column: 49 }, AS_THEY_ARE, most);
    expect(table?.rows.map(({ name }) => name).join(" ")).toBe("34 35 36 37 38 39 40 41 42 43 44 45");
    expect(table?.columns.at(-1)).toEqual({ index: 49, name: "49", selected: true });
    expect(table?.cells[6]?.[11]).toBe(String(40 * 50 + 49));
    expect(table?.pooled).toBe("");
    expect(table?.partial).toBe(true);
  });

  test("says what a pooled cell stands for", () => {
    const pooled = plane(2, 2, {
      full_rows: 7,
      shown_rows: 7,
      row_axes: [{ name: "in", size: 7, labels: [] }],
      row_factor: 4,
      reduce: "absmax",
    });
    const table = tableOf(
      { plane: pooled, cells: counted(2, 2), missing: null },
      { row: 5, column: 0 },
      AS_THEY_ARE,
      most,
    );
    expect(table?.rows.map(({ name, selected }) => [name, selected])).toEqual([
      ["0\u20133", false],
      ["4\u20136", true],
    ]);
    expect(table?.pooled).toBe("max |w| of 4 rows");
    expect(table?.partial).toBe(false);
  });

  test("has the neurons' own numbers where they are sorted, names where there are any, and no gaps", () => {
    const places = placesOf(Int32Array.of(1, 0));
    const data = { plane: gated(1, 2), cells: counted(4, 2), missing: null };
    const table = tableOf(data, { row: 0, column: 0 }, places, most);
    expect(table?.columns.map(({ name }) => name)).toEqual(["1", "0"]);
    expect(table?.rows.map(({ name }) => name)).toEqual(GATES.map((gate) => `${gate} 0`));
    const tiles = plane(1, 6, {
      col_axes: [
        { name: "filter", size: 2, labels: [] },
        { name: "x", size: 2, labels: [] },
      ],
      gutter: true,
      neuron_cols: 3,
    });
    const tiled = tableOf(
      { plane: tiles, cells: counted(1, 6), missing: null },
      { row: 0, column: 0 },
      AS_THEY_ARE,
      most,
    );
    expect(tiled?.columns.map(({ name }) => name)).toEqual(["0 0", "0 1", "1 0", "1 1"]);
    expect(tiled?.cells).toEqual([["0", "1", "3", "4"]]);
  });

  test("takes the picture's place on T, with its focus and its keys", async () => {
    const { el, kernel } = show();
    await draw(kernel);
    const map = find<HTMLElement>(el, "[data-tensor=weights] .nnv-map-body");
    map.focus();
    await userEvent.keyboard("t");
    await expect.poll(() => el.querySelectorAll("table").length).toBe(1);
    expect(document.activeElement?.getAttribute("aria-label")).toBe("weights of hidden as a table");
    const headers = (scope: string) =>
      [...el.querySelectorAll(`th[scope=${scope}]`)].map((header) => header.textContent);
    expect(headers("col")).toEqual(["neuron 0", "neuron 1", "neuron 2", "neuron 3"]);
    expect(headers("row")).toEqual(["in 0", "in 1"]);
    expect(text(el, "[aria-current]")).toBe("0");
    await userEvent.keyboard("{ArrowRight}{ArrowRight}{ArrowUp}");
    await expect.poll(() => text(el, "td[aria-current]")).toBe("0.5");
    expect(kernel.cursor.get("neuron")).toBe(2);
    await userEvent.click(find(el, "tbody tr:last-child td:last-child"));
    await expect.poll(() => text(el, "td[aria-current]")).toBe("\u22120.125");
    expect(kernel.cursor.get("neuron")).toBe(3);
    await userEvent.keyboard("T");
    await expect.poll(() => el.querySelector("table")).toBeNull();
    expect(document.activeElement?.getAttribute("aria-label")).toBe("weights of hidden");
  });

  test("T elsewhere makes all maps tables, and pictures again", async () => {
    const { el, kernel } = show();
    await draw(kernel, [WEIGHTS, GRADIENTS, OUTPUTS]);
    press(find(el, ".nnv-inspector"), "t");
    await expect.poll(() => el.querySelectorAll("table").length).toBe(3);
    press(find(el, ".nnv-inspector"), "t");
    await expect.poll(() => el.querySelectorAll("table").length).toBe(0);
  });

  test("scrolls by itself to the selected column, beside the names of the rows", async () => {
    const { el, kernel } = show();
    el.style.width = "480px";
    await draw(kernel, [plane(2, 40)], 1, [counted(2, 40)]);
    press(find(el, ".nnv-inspector"), "t");
    await expect.poll(() => el.querySelector("[data-tensor=weights] td[aria-current]")).not.toBeNull();
    const box = find(el, "[data-tensor=weights] .nnv-table");
    const seen = () => {
      const [table, head, cell] = [box, find(box, "tbody th"), find(box, "[aria-current]")].map((each) =>
        each.getBoundingClientRect(),
      );
      if (!table || !head || !cell) return null;
      return [head.left - table.left, cell.left >= head.right - 1, cell.right <= table.right + 1];
    };
    for (const neuron of [0, 39, 20, 5]) {
      kernel.cursor.set("neuron", neuron);
      await expect.poll(() => text(box, "th.nnv-here[scope=col]")).toBe(`neuron ${neuron}`);
      await expect.poll(seen).toEqual([0, true, true]);
    }
  });
});
