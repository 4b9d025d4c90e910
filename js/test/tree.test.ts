import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import type { LayerEntry, NonFinite } from "../src/protocol.gen.ts";
import { offsetsOf, rowAt, scrollTo, shownRows } from "../src/scroll.ts";
import { afterTreeKey, foundRows, rowIndexOf, rowsOf } from "../src/tree.ts";
import { layerEntry } from "./fakes.ts";
import { draw, find, show, text } from "./harness.ts";

const entries = (...paths: string[]): LayerEntry[] => paths.map((path) => layerEntry(path));
const NESTED = entries(
  "stem",
  "encoder/block/conv",
  "encoder/block/norm",
  "encoder/pool",
  "d",
  "head",
  "d#1",
);
const NONE: ReadonlySet<string> = new Set();

describe("rows of the tree", () => {
  const drawn = (folded = NONE) => rowsOf(NESTED, folded).map(({ level, name }) => `${level} ${name}`);

  test("lie by the segments of their paths, the calls of a layer beneath each other", () => {
    expect(drawn()).toEqual([
      "1 stem",
      "1 encoder",
      "2 block",
      "3 conv",
      "3 norm",
      "2 pool",
      "1 d",
      "1 d#1",
      "1 head",
    ]);
  });

  test("what is folded hides what is in it and says how much", () => {
    expect(drawn(new Set(["encoder"]))).toEqual(["1 stem", "1 encoder", "1 d", "1 d#1", "1 head"]);
    const row = rowsOf(NESTED, new Set(["encoder"]))[1];
    expect([row?.inside, row?.open, row?.entry, row?.place, row?.siblings]).toEqual([3, false, null, 2, 5]);
  });

  test("a layer with layers in it is a row that can be folded", () => {
    const [outer] = rowsOf(entries("own", "own/dense"), NONE);
    expect([outer?.entry?.path, outer?.inside, outer?.open]).toEqual(["own", 1, true]);
  });

  test("a nested model with one layer in it is one row with that", () => {
    const rows = rowsOf(entries("a/b/dense", "c"), NONE);
    expect(rows.map(({ level, name }) => `${level} ${name}`)).toEqual(["1 a/b/dense", "1 c"]);
    expect(afterTreeKey(rows, 0, "ArrowLeft")).toBeNull();
  });

  test("a search finds paths and summaries, whatever is folded", () => {
    const found = foundRows(NESTED, " CONV").map(({ path, name, within }) => [path, name, within]);
    expect(found).toEqual([["encoder/block/conv", "conv", "encoder/block"]]);
    expect(foundRows(NESTED, "dense 784")).toHaveLength(7);
  });

  test("a layer that is folded away is where its nested model is", () => {
    const rows = rowsOf(NESTED, new Set(["encoder/block"]));
    expect(rows[rowIndexOf(rows, "encoder/block/norm")]?.path).toBe("encoder/block");
    expect(rowIndexOf(rows, "nowhere")).toBe(-1);
  });

  test("keys move as in any tree", () => {
    const rows = rowsOf(NESTED, new Set(["encoder/block"]));
    const at = (path: string) => rows.findIndex((row) => row.path === path);
    expect(afterTreeKey(rows, at("encoder"), "ArrowRight")).toEqual({ to: at("encoder/block") });
    expect(afterTreeKey(rows, at("encoder/block"), "ArrowRight")).toEqual({ unfold: "encoder/block" });
    expect(afterTreeKey(rows, at("encoder/pool"), "ArrowLeft")).toEqual({ to: at("encoder") });
    expect(afterTreeKey(rows, at("encoder"), "ArrowLeft")).toEqual({ fold: "encoder" });
    expect(afterTreeKey(rows, at("stem"), "ArrowLeft")).toBeNull();
    expect(afterTreeKey(rows, at("stem"), "ArrowUp")).toEqual({ to: 0 });
    expect(afterTreeKey(rows, at("stem"), "End")).toEqual({ to: rows.length - 1 });
    expect(afterTreeKey(rows, at("stem"), "x")).toBeNull();
  });
});

describe("a long list", () => {
  const offsets = offsetsOf([10, 20, 30, 40]);

  test("knows the row at every place", () => {
    expect([0, 9, 10, 29, 30, 99, 500].map((y) => rowAt(offsets, y))).toEqual([0, 0, 1, 1, 2, 3, 3]);
    expect(shownRows(offsets, 12, 10, 0)).toEqual([1, 2]);
    expect(shownRows(offsets, 12, 20, 1)).toEqual([0, 4]);
    expect(shownRows(offsetsOf([]), 0, 10, 1)).toEqual([0, 0]);
  });

  test("scrolls no further than it must", () => {
    expect(scrollTo(offsets, 3, 0, 50)).toBe(50);
    expect(scrollTo(offsets, 0, 30, 50)).toBe(0);
    expect(scrollTo(offsets, 2, 20, 50)).toBe(20);
  });

  const many = Array.from({ length: 1000 }, (_, i) => layerEntry(`layer_${i}`));

  test("has elements only for the rows that are near what is seen", async () => {
    const { el, kernel } = show({}, (fake) => {
      fake.layers = many;
    });
    await expect.poll(() => el.querySelectorAll(".nnv-layer").length).toBeGreaterThan(0);
    const tree = find<HTMLElement>(el, ".nnv-tree");
    await expect.poll(() => tree.scrollHeight).toBe(32 * 1000);
    expect(el.querySelectorAll(".nnv-layer").length).toBeLessThan(60);
    // The first layout may still put the selected row back into view.
    const scrolled = () => {
      tree.scrollTop = 16_000;
      return tree.querySelector('[data-path="layer_510"]');
    };
    await expect.poll(scrolled).not.toBeNull();
    expect(el.querySelectorAll(".nnv-layer").length).toBeLessThan(60);
    kernel.cursor.set("layer", "layer_900");
    await expect.poll(() => text(el, '[aria-selected="true"] b')).toBe("layer_900");
    // The row is drawn first and scrolled to after.
    const inside = () => {
      const row = find(el, '[aria-selected="true"]').getBoundingClientRect();
      const box = tree.getBoundingClientRect();
      return [row.top >= box.top, row.bottom <= box.bottom + 0.5];
    };
    await expect.poll(inside).toEqual([true, true]);
  });

  test("keeps the selected row in view when others grow, until a person scrolls", async () => {
    const { el, kernel } = show({}, (fake) => {
      fake.layers = many;
      fake.cursor.traits.layer = "layer_500";
    });
    await draw(kernel, [], 1);
    const tree = find<HTMLElement>(el, ".nnv-tree");
    const inView = () => {
      const row = tree.querySelector('[aria-selected="true"]')?.getBoundingClientRect();
      const box = tree.getBoundingClientRect();
      return row !== undefined && row.top >= box.top - 0.5 && row.bottom <= box.bottom + 0.5;
    };
    await expect.poll(inView).toBe(true);
    const figures = { gradient_l2: 0.7, update_ratio: null, dead_share: null, non_finite: [] };
    const say = (count: number) =>
      kernel.say({
        kind: "series",
        first_step: 1,
        last_step: 2,
        columns: [],
        events: [],
        health: many.slice(0, count).map(({ path }) => ({ layer: path, ...figures })),
      });
    say(100);
    await expect.poll(() => tree.scrollHeight).toBe(32_000 + 1600);
    await expect.poll(inView).toBe(true);
    tree.dispatchEvent(new WheelEvent("wheel", { bubbles: true }));
    tree.scrollTop = 0;
    say(200);
    await expect.poll(() => tree.scrollHeight).toBe(32_000 + 3200);
    expect(tree.scrollTop).toBe(0);
  });

  test("draws strips only where they are seen", async () => {
    const { el, kernel } = show({}, (fake) => {
      fake.layers = many;
    });
    await draw(kernel);
    const columns = many.map(({ path }) => ({
      name: "|g|",
      layer: path,
      n: 2,
      x_buffer: 0,
      y_buffer: 1,
      run: 0,
    }));
    const lines = { kind: "series" as const, first_step: 1, last_step: 2, columns, events: [], health: [] };
    kernel.say(lines, [Float64Array.of(1, 2), Float32Array.of(1, 2)]);
    await expect.poll(() => el.querySelectorAll(".nnv-strip").length).toBeGreaterThan(0);
    expect(el.querySelectorAll(".nnv-strip").length).toBeLessThan(60);
    expect(find(el, ".nnv-tree").scrollHeight).toBe(63 * 1000);
  });
});

describe("the tree on a page", () => {
  const nested = async () => {
    const shown = show({}, (fake) => {
      fake.layers = NESTED;
      fake.cursor.traits.layer = "stem";
    });
    await expect.poll(() => shown.el.querySelectorAll(".nnv-layer").length).toBe(9);
    return { ...shown, tree: find<HTMLElement>(shown.el, ".nnv-tree") };
  };
  const names = (el: Element) => [...el.querySelectorAll(".nnv-layer b")].map((name) => name.textContent);
  const active = (tree: HTMLElement) =>
    document.getElementById(tree.getAttribute("aria-activedescendant") ?? "")?.dataset.path;

  test("the keys walk, fold and select; the layers follow them", async () => {
    const { el, kernel, tree } = await nested();
    tree.focus();
    expect(active(tree)).toBe("stem");
    await userEvent.keyboard("{ArrowDown}");
    await expect.poll(() => active(tree)).toBe("encoder");
    expect(kernel.cursor.get("layer")).toBe("stem");
    await userEvent.keyboard("{ArrowLeft}");
    await expect.poll(() => names(el)).toEqual(["stem", "encoder", "d", "d#1", "head"]);
    expect(text(el, '[data-path="encoder"]')).toContain("3 layers");
    await userEvent.keyboard("{ArrowDown}");
    await expect.poll(() => kernel.cursor.get("layer")).toBe("d");
    await userEvent.keyboard("{ArrowUp}{Enter}{ArrowRight}{ArrowRight}");
    await expect.poll(() => kernel.cursor.get("layer")).toBe("encoder/block/conv");
    expect(active(tree)).toBe("encoder/block/conv");
  });

  test("the class is left out where the name says it", async () => {
    const { kernel, el } = show({}, (fake) => {
      fake.layers = [
        layerEntry("conv2d_1", { class_name: "Conv2D", summary: "Conv2D 3\u00d73, 1 \u2192 8" }),
        layerEntry("flatten", { class_name: "Flatten", summary: "Flatten" }),
        layerEntry("hidden"),
      ];
    });
    await draw(kernel);
    const beside = [...el.querySelectorAll<HTMLElement>(".nnv-layer-head > span:last-child")];
    expect(beside.map(({ textContent }) => textContent)).toEqual([
      "3\u00d73, 1 \u2192 8",
      "Flatten",
      "Dense 784 \u2192 128",
    ]);
    expect(beside[0]?.title).toBe("Conv2D 3\u00d73, 1 \u2192 8");
  });

  test("a name is read in full before what is beside it", async () => {
    const { kernel, el } = show({}, (fake) => {
      fake.layers = [layerEntry("a_name_of_some_length", { summary: "LayerNormalization 784 \u2192 128" })];
    });
    await draw(kernel);
    const name = find<HTMLElement>(el, ".nnv-layer-head b");
    expect(name.scrollWidth).toBe(name.clientWidth);
  });

  test("whoever moves the cursor to what is folded away sees it", async () => {
    const { el, kernel } = await nested();
    await userEvent.click(find(el, '[data-path="encoder"]'));
    await expect.poll(() => names(el).length).toBe(5);
    kernel.cursor.set("layer", "encoder/block/norm");
    await expect.poll(() => text(el, '[aria-selected="true"] b')).toBe("norm");
  });

  test("all can be folded at once, and stays so while one searches", async () => {
    const { el } = await nested();
    const button = find<HTMLButtonElement>(el, ".nnv-layers-head button");
    button.click();
    await expect.poll(() => names(el)).toEqual(["stem", "encoder", "d", "d#1", "head"]);
    expect(button.textContent).toBe("unfold all");
    button.click();
    await expect.poll(() => names(el).length).toBe(9);
  });

  test("a folded model says that something in it is not finite", async () => {
    const { el, kernel } = await nested();
    const sick: NonFinite[] = [{ tensor: "weights", variable: "kernel", count: 1, size: 2 }];
    const health = {
      layer: "encoder/pool",
      gradient_l2: null,
      update_ratio: null,
      dead_share: null,
      non_finite: sick,
    };
    const series = { kind: "series" as const, first_step: 1, last_step: 4, columns: [], events: [] };
    kernel.say({ ...series, health: [health] });
    await expect.poll(() => el.querySelectorAll(".nnv-sick").length).toBe(1);
    await userEvent.click(find(el, '[data-path="encoder"]'));
    await expect.poll(() => text(el, '[data-path="encoder"] .nnv-sick')).toBe("1 layer not finite");
  });
});
