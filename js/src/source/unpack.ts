/** Packed bytes of a shared file back to arrays: base64, deflate, bytes that were sorted by their place in a number. */

import type { Cells } from "./source.ts";

/** Newer browsers do it several times faster. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native: unknown = Reflect.get(Uint8Array, "fromBase64");
  if (typeof native === "function") {
    const made: unknown = Reflect.apply(native, Uint8Array, [text]);
    if (made instanceof Uint8Array) return new Uint8Array(made.buffer as ArrayBuffer);
  }
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

export const canInflate = (): boolean => typeof DecompressionStream !== "undefined";

/** Everything that a stream has to say, of at most so many bytes. */
async function drained(readable: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  const reader = readable.getReader();
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return parts;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError(`more than ${most} bytes`);
    }
    parts.push(value);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Inflates at most `most` bytes. They are written into the stream: a `Blob` would take them through another process. */
export async function inflate(
  bytes: Uint8Array<ArrayBuffer>,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream("deflate-raw");
  const writer = writable.getWriter();
  // What is wrong with the bytes is told to whoever reads, too.
  const ignored = () => {};
  writer.write(bytes).catch(ignored);
  writer.close().catch(ignored);
  return joined(await drained(readable, most));
}

/** Bytes that lie by their place in a number, all lowest ones first, as numbers. */
function interleaved(bytes: Uint8Array, itemSize: number): Uint8Array<ArrayBuffer> {
  const n = bytes.length / itemSize;
  const whole = new Uint8Array(bytes.length);
  for (let place = 0; place < itemSize; place++) {
    const from = place * n;
    for (let i = 0, to = place; i < n; i++, to += itemSize) whole[to] = bytes[from + i] ?? 0;
  }
  return whole;
}

function expect(bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected) throw new RangeError(`${expected} bytes expected, ${bytes.length} found`);
}

/** Cells that were written byte place by byte place. */
export function cellsOfBytes(bytes: Uint8Array, count: number, encoding: "bf16" | "f32"): Cells {
  const itemSize = encoding === "bf16" ? 2 : 4;
  expect(bytes, count * itemSize);
  const { buffer } = interleaved(bytes, itemSize);
  return encoding === "bf16" ? new Uint16Array(buffer) : new Float32Array(buffer);
}

/** bfloat16 patterns from their indices in a palette. */
export function cellsOfPalette(
  indices: Uint8Array,
  palette: Uint8Array<ArrayBuffer>,
  count: number,
): Uint16Array {
  expect(indices, count);
  const patterns = new Uint16Array(palette.slice().buffer);
  const cells = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const pattern = patterns[indices[i] ?? 0];
    if (pattern === undefined) throw new RangeError(`color ${indices[i]} of ${patterns.length}`);
    cells[i] = pattern;
  }
  return cells;
}
