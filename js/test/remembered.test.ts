import { expect, test } from "vitest";
import { layerEntry } from "./fakes.ts";
import { draw, find, press, show } from "./harness.ts";

const NESTED = ["hidden", "encoder/conv", "encoder/norm"];

/** A page; another one on the same kernel is what a reload makes of it. */
async function page() {
  const shown = show({}, (fake) => {
    fake.layers = NESTED.map((path) => layerEntry(path));
  });
  await draw(shown.kernel);
  return shown;
}

const rows = (el: Element) =>
  [...el.querySelectorAll<HTMLElement>("[data-path]")].map(({ dataset }) => dataset.path);

const openTools = (el: Element) => find<HTMLElement>(el, "[data-tensor=weights] .nnv-dots").click();
const select = (el: Element, label: string) =>
  [...el.querySelectorAll("label")]
    .find(({ textContent }) => textContent?.startsWith(label))
    ?.querySelector("select");

test("a page that is reloaded shows folds, order, difference and tables as they were", async () => {
  const { el, close, kernel } = await page();
  find<HTMLElement>(el, '[data-path="encoder"]').click();
  openTools(el);
  await expect.poll(() => select(el, "neurons")).toBeTruthy();
  const order = select(el, "neurons");
  if (!order) throw new Error("there is no choice of an order");
  order.selectedIndex = 1;
  order.dispatchEvent(new Event("change", { bubbles: true }));
  find<HTMLInputElement>(el, ".nnv-tool .nnv-check input").click();
  press(find(el, "[data-tensor=gradients] [role=application]"), "t");
  await expect.poll(() => kernel.of("watch").at(-1)?.compare).toBe(0);
  close();
  el.remove();

  const again = await page();
  expect(rows(again.el)).toEqual(["hidden", "encoder"]);
  expect(again.kernel.of("watch").at(-1)).toMatchObject({ order: { by: "norm", step: 412 }, compare: 0 });
  expect(again.el.querySelectorAll(".nnv-table").length).toBe(1);
});

test("another widget begins with its own choices", async () => {
  const { el, close } = await page();
  find<HTMLElement>(el, '[data-path="encoder"]').click();
  await expect.poll(() => rows(el)).toEqual(["hidden", "encoder"]);
  close();
  el.remove();
  const other = show({ cursor: "IPY_MODEL_2" }, (fake) => {
    fake.layers = NESTED.map((path) => layerEntry(path));
  });
  await draw(other.kernel);
  expect(rows(other.el)).toEqual(["hidden", "encoder", "encoder/conv", "encoder/norm"]);
});

test("what is stored under its name by something else is left alone", async () => {
  sessionStorage.setItem("nnviz_widgets/1 IPY_MODEL_1", "[not ours");
  const { el } = await page();
  expect(rows(el)).toEqual(["hidden", "encoder", "encoder/conv", "encoder/norm"]);
});
