import { describe, expect, test } from "vitest";
import { bytesOf, decodeFrame, decodeSeries } from "../src/source/decode.ts";
import { frame, plane } from "./fakes.ts";

const VALUES = [1, -2, 0.5, Number.NaN, 3, -4];

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** The same bytes behind `offset` others. */
function shifted(values: Float32Array, offset: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.byteLength + offset);
  bytes.set(new Uint8Array(values.buffer), offset);
  return bytes.subarray(offset);
}

describe("C16 buffers of all kinds", () => {
  const values = Float32Array.from(VALUES);
  const bytes = new Uint8Array(values.buffer);
  const misaligned = shifted(values, 3);
  const kinds: [string, unknown][] = [
    ["DataView", new DataView(values.buffer)],
    ["DataView with an offset", new DataView(misaligned.buffer, 3, 24)],
    ["ArrayBuffer", values.buffer],
    ["Uint8Array", bytes],
    ["Uint8Array that is not aligned", misaligned],
    ["Float32Array", values],
    ["base64", base64(bytes)],
  ];
  test.each(kinds)("%s", (_name, buffer) => {
    const [data] = decodeFrame(frame("me", 1, [plane(2, 3)]), [buffer]).planes;
    expect(data?.missing).toBeNull();
    expect(Array.from(data?.cells ?? [])).toEqual(VALUES);
  });

  test("bfloat16 cells are patterns", () => {
    const cells = Uint16Array.from([0x3f80, 0x7fc0]);
    const [data] = decodeFrame(frame("me", 1, [plane(1, 2, { encoding: "bf16" })]), [cells]).planes;
    expect(Array.from(data?.cells ?? [])).toEqual([0x3f80, 0x7fc0]);
  });

  test("a short buffer becomes words and leaves the other planes alone", () => {
    const planes = [plane(10, 10), plane(2, 3, { tensor: "gradients", buffer: 1 })];
    const decoded = decodeFrame(frame("me", 812, planes), [new Uint8Array(396), values]);
    expect(decoded.planes[0]?.cells).toBeNull();
    expect(decoded.planes[0]?.missing).toBe("frame 812: 400 bytes expected, 396 received");
    expect(decoded.planes[1]?.cells).toHaveLength(6);
  });

  test("no buffer at all becomes words", () => {
    const [data] = decodeFrame(frame("me", 3, [plane(2, 3)]), []).planes;
    expect(data?.missing).toMatch(/must be binary or base64, received undefined/);
  });

  test("a plane without cells says why", () => {
    const missing = plane(0, 0, { buffer: -1, missing: "shape (0, 5): no values" });
    expect(decodeFrame(frame("me", 1, [missing]), []).planes[0]?.missing).toBe("shape (0, 5): no values");
  });
});

test("what is neither binary nor text is refused", () => {
  expect(() => bytesOf(null)).toThrow("received null");
  expect(() => bytesOf({ length: 3 })).toThrow("received object");
});

test("series are steps and values", () => {
  const steps = Float64Array.from([1, 2, 3]);
  const values = Float32Array.from([0.5, Number.NaN, 0.25]);
  const column = { name: "loss", layer: null, n: 3, x_buffer: 0, y_buffer: 1, run: 0 };
  const message = {
    kind: "series" as const,
    first_step: 1,
    last_step: 3,
    columns: [column],
    events: [],
    health: [],
  };
  const [line] = decodeSeries(message, [steps, values]).lines;
  expect(Array.from(line?.steps ?? [])).toEqual([1, 2, 3]);
  expect(Array.from(line?.values ?? [])).toEqual([0.5, Number.NaN, 0.25]);
  expect(() => decodeSeries(message, [steps, values.subarray(1)])).toThrow("12 bytes expected, 8 received");
});
