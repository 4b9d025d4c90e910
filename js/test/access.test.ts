import axe from "axe-core";
import { afterEach, describe, expect, test } from "vitest";
import type { InspectorTraits } from "../src/model.ts";
import { breakpoint, debugging, type FakeKernel, layerEntry, MAIN, plane, status } from "./fakes.ts";
import { draw, find, GRADIENTS, OUTPUTS, press, show, WEIGHTS } from "./harness.ts";

/** JupyterLab's own colours; without them those that we fall back on are tested. */
const LAB = {
  light: {
    "--jp-layout-color0": "#ffffff",
    "--jp-ui-font-color0": "rgba(0, 0, 0, 1)",
    "--jp-brand-color1": "#1976d2",
  },
  dark: {
    "--jp-layout-color0": "#111111",
    "--jp-ui-font-color0": "rgba(255, 255, 255, 1)",
    "--jp-brand-color1": "#2196f3",
  },
} as const;

type Look = "light" | "dark";

function wear(look: Look, lab: boolean): void {
  document.body.dataset.jpThemeLight = String(look === "light");
  document.body.style.background = look === "light" ? "#fff" : "#111";
  for (const [name, color] of Object.entries(LAB[look])) {
    if (lab) document.documentElement.style.setProperty(name, color);
  }
}

afterEach(() => {
  delete document.body.dataset.jpThemeLight;
  document.body.removeAttribute("style");
  document.documentElement.removeAttribute("style");
});

/** What axe finds amiss, in words. Rules for whole pages are not ours to keep: a notebook is around. */
async function faultsOf(el: Element): Promise<string[]> {
  const { violations, passes } = await axe.run(el, {
    rules: { region: { enabled: false }, "page-has-heading-one": { enabled: false } },
  });
  expect(passes.map(({ id }) => id)).toContain("color-contrast");
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}\n${failureSummary}`),
  );
}

const failure = {
  title: "ValueError: labels must be between 0 and 9, received 10",
  traceback: 'File "train.py", line 12, in train_step\n    raise ValueError("labels must be ...")',
};

const REASON = "no gradient: the layer is not trainable";
const missing = { buffer: -1, rows: 0, cols: 0, missing: REASON };
const SICK = { tensor: "weights" as const, variable: "kernel", count: 3, size: 100 };
const SERIES = {
  kind: "series" as const,
  first_step: 1,
  last_step: 412,
  columns: [
    { name: "loss", layer: null, n: 3, x_buffer: 0, y_buffer: 1, run: 0 },
    { name: "|g|", layer: "hidden", n: 3, x_buffer: 0, y_buffer: 1, run: 0 },
  ],
  events: [{ step: 200, name: "notice" as const, text: "a weight became NaN" }],
  health: [{ layer: "hidden", gradient_l2: 0.7, update_ratio: 0.011, dead_share: 0.1, non_finite: [SICK] }],
};

interface Face {
  readonly traits?: Partial<InspectorTraits>;
  readonly width?: number;
  readonly before?: (kernel: FakeKernel) => void;
  readonly after?: (el: Element, kernel: FakeKernel) => Promise<void> | void;
}

const FACES: Record<string, Face> = {
  idle: { traits: { _status: status({ state: "idle", step: 0, logs: {} }) } },
  running: { traits: { _status: status({ state: "running" }) } },
  paused: {
    after: async (el, kernel) => {
      kernel.say(SERIES, [Float64Array.of(1, 200, 412), Float32Array.of(2, 1, 0.5)]);
      await expect.poll(() => el.querySelector(".nnv-sick")).not.toBeNull();
    },
  },
  finished: { traits: { _status: status({ state: "finished", step: 1565 }) } },
  failed: { traits: { _status: status({ state: "failed", failure }) } },
  "empty with the reason": {
    after: async (el, kernel) => {
      await draw(kernel, [WEIGHTS, { ...GRADIENTS, ...missing }, { ...OUTPUTS, ...missing }], 2);
      await expect.poll(() => el.querySelectorAll(".nnv-missing").length).toBe(2);
    },
  },
  "kernel gone": {
    after: async (el, kernel) => {
      kernel.cursor.setLive(false);
      await expect.poll(() => el.querySelector(".nnv-gone")).not.toBeNull();
    },
  },
  narrow: { width: 480 },
  "a refused command": {
    after: async (el, kernel) => {
      kernel.say({ kind: "notice", level: "error", text: "it is closed" });
      await expect.poll(() => el.querySelector(".nnv-notice")).not.toBeNull();
    },
  },
  "no layers yet": {
    before: (kernel) => {
      kernel.layers = [];
    },
  },
  "nested models, further axes, several variables": {
    before: (kernel) => {
      kernel.layers = ["hidden", ...Array.from({ length: 20 }, (_, i) => `block_${i % 4}/dense_${i}`)].map(
        (path) => layerEntry(path, { outputs: ["sequence", "state"] }),
      );
    },
    after: async (el, kernel) => {
      const further = [{ name: "in", size: 3, index: 0, labels: [] }];
      await draw(kernel, [plane(2, 4, { further })], 2);
      await expect.poll(() => el.querySelector("input[aria-label=input]")).not.toBeNull();
    },
  },
  "maps as tables": {
    after: async (el) => {
      press(find(el, ".nnv-inspector"), "t");
      await expect.poll(() => el.querySelectorAll("table").length).toBe(3);
    },
  },
  "the tools of a map": {
    after: async (el) => {
      find<HTMLButtonElement>(el, ".nnv-dots").click();
      await expect.poll(() => el.querySelector(".nnv-tools-panel")).not.toBeNull();
    },
  },
  "two runs and what differs between them": {
    traits: { _status: status({ source: "comparison", controls: false, runs: ["slow", "fast"] }) },
    after: async (el, kernel) => {
      find<HTMLButtonElement>(el, ".nnv-runs button:last-child").click();
      await draw(kernel, [plane(2, 4, { compared: 3, other: 4, note: "step 4 minus step 3" })], 2);
      await expect
        .poll(() => find(el, "[data-tensor=weights] .nnv-map-label").textContent)
        .toContain("fast \u2212 slow");
    },
  },
  "the debugger with all that it may have": {
    traits: {
      _status: status({
        debugging: debugging({
          breakpoints: [
            breakpoint(1, { hits: 2 }),
            breakpoint(2, { condition: "nan", enabled: false, broken: "step 7: no such layer" }),
          ],
          paused_by: "loss > 3",
          branches: [MAIN, { name: "branch 1", parent: "main", step: 300, last_step: 350 }],
          journal: [{ step: 300, branch: "main", text: "learning rate: 0.1 \u2192 0.01", undone: true }],
          n_to_undo: 1,
        }),
      }),
    },
    after: async (el, kernel) => {
      press(find(el, ".nnv-inspector"), "d");
      await expect.poll(() => el.querySelector("[role=combobox]")).not.toBeNull();
      const settings = {
        learning_rate: 0.01,
        batch_size: 32,
        trainable: true,
        dropout: 0.5,
        hyperparameters: { momentum: 0.9 },
        class_weight: null,
        weights: { kernel: [12, 8] },
      };
      await kernel.reply("settings", { settings });
      const field = find<HTMLInputElement>(el, "[role=combobox]");
      field.value = "lo";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      const candidates = [
        { text: "loss", sort: "name" },
        { text: "lr", sort: "name" },
      ];
      await kernel.reply("complete", { completion: { start: 0, end: 2, candidates } });
      await expect.poll(() => el.querySelectorAll("[role=option]").length).toBe(2);
      press(field, "ArrowDown");
      await expect.poll(() => el.querySelector("[aria-selected=true]")).not.toBeNull();
    },
  },
  "a condition that is none": {
    traits: { _status: status({ debugging: debugging() }) },
    after: async (el, kernel) => {
      press(find(el, ".nnv-inspector"), "d");
      await expect.poll(() => el.querySelector("[role=combobox]")).not.toBeNull();
      const field = find<HTMLInputElement>(el, "[role=combobox]");
      field.value = "loss >";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      press(field, "Enter");
      await kernel.reply("add breakpoint", { error: "a value must come here (col 7)", column: 7 });
      await expect.poll(() => el.querySelector(".nnv-wrong")).not.toBeNull();
    },
  },
  "a plan that is asked about": {
    traits: { _status: status({ debugging: debugging() }) },
    after: async (el, kernel) => {
      press(find(el, ".nnv-inspector"), "b");
      const plan = { step: 411, branch: "main", again: 3, exact: false, remarks: ["The data come once."] };
      await kernel.reply("plan", { plan });
      await expect.poll(() => el.querySelector("dialog[open]")).not.toBeNull();
    },
  },
  "the list of keys": {
    after: async (el) => {
      press(find(el, ".nnv-inspector"), "?");
      await expect.poll(() => el.querySelector("dialog[open]")).not.toBeNull();
    },
  },
};

describe("axe finds nothing amiss", () => {
  const looks: [Look, boolean][] = [
    ["light", true],
    ["dark", true],
    ["light", false],
    ["dark", false],
  ];
  const cases = Object.entries(FACES).flatMap(([name, face]) =>
    looks.map(([look, lab]) => [name, `${look}${lab ? " in JupyterLab" : ""}`, face, look, lab] as const),
  );
  test.each(cases)("%s, %s", async (_name, _look, face, look, lab) => {
    wear(look, lab);
    const { el, kernel } = show(face.traits, face.before);
    if (face.width !== undefined) el.style.width = `${face.width}px`;
    await expect.poll(() => el.querySelector(".nnv-notice")).toBeNull();
    if (kernel.layers.length > 0) await draw(kernel);
    await face.after?.(el, kernel);
    expect(await faultsOf(el)).toEqual([]);
  });
});
