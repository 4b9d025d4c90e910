import { describe, expect, test } from "vitest";
import { createCursor } from "../src/cursor.ts";
import { FakeCursorModel } from "./fakes.ts";

const PATHS = ["hidden", "block/conv", "digits"];

function linked(traits = {}) {
  const model = new FakeCursorModel({ layer: "hidden", ...traits });
  const end = new AbortController();
  const cursor = createCursor();
  cursor.attach(model, end.signal);
  cursor.setPaths(PATHS);
  model.saves = 0;
  return { model, cursor, end };
}

describe("cursor", () => {
  test("takes over where Python stands", () => {
    const { cursor } = linked({ layer: "digits", neuron: 4, follow: false, step: 7 });
    expect([cursor.layer.value, cursor.neuron.value, cursor.follow.value, cursor.step.value]).toEqual([
      "digits",
      4,
      false,
      7,
    ]);
  });

  test("a person's move is saved once", () => {
    const { model, cursor } = linked();
    cursor.move({ layer: "digits", neuron: 3 });
    expect(model.traits).toMatchObject({ layer: "digits", layer_index: 2, neuron: 3 });
    expect(model.saves).toBe(1);
  });

  test("a move to where it is says nothing", () => {
    const { model, cursor } = linked();
    cursor.move({ layer: "hidden", neuron: 0 });
    expect(model.saves).toBe(0);
  });

  test("what Python says is not echoed", () => {
    const { model, cursor } = linked();
    model.set("neuron", 9);
    model.set("step", 100);
    expect([cursor.neuron.value, cursor.step.value]).toEqual([9, 100]);
    expect(model.saves).toBe(0);
  });

  test("several traits that change at once are all taken over", () => {
    const { model, cursor } = linked();
    Object.assign(model.traits, { layer: "digits", neuron: 8, step: 30 });
    for (const name of ["layer", "neuron", "step"]) model.fire(`change:${name}`);
    expect([cursor.layer.value, cursor.neuron.value, cursor.step.value]).toEqual(["digits", 8, 30]);
    expect(model.traits).toMatchObject({ layer: "digits", layer_index: 2, neuron: 8, step: 30 });
  });

  test("a linked slider of the index moves the layer without a kernel", () => {
    const { model, cursor } = linked();
    model.set("layer_index", 1);
    expect(cursor.layer.value).toBe("block/conv");
    expect(model.traits.layer).toBe("block/conv");
    model.set("layer_index", 99);
    expect(model.traits).toMatchObject({ layer: "digits", layer_index: 2 });
    model.set("layer_index", -4);
    expect(model.traits).toMatchObject({ layer: "hidden", layer_index: 0 });
  });

  test("a layer that is given moves the index", () => {
    const { model } = linked();
    model.set("layer", "digits");
    expect(model.traits.layer_index).toBe(2);
  });

  test("two cursors on one model do not wake each other for ever", () => {
    const { model, cursor } = linked();
    const other = createCursor();
    other.attach(model, new AbortController().signal);
    other.setPaths(PATHS);
    model.saves = 0;
    cursor.move({ layer_index: 2 });
    expect(other.layer.value).toBe("digits");
    expect(model.traits).toMatchObject({ layer: "digits", layer_index: 2 });
    expect(model.saves).toBeLessThanOrEqual(2);
  });

  test("after the end nobody listens", () => {
    const { model, cursor, end } = linked();
    end.abort();
    expect(model.listenerCount).toBe(0);
    cursor.move({ neuron: 5 });
    expect(model.traits.neuron).toBe(0);
  });
});
