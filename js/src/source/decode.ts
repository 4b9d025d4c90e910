/** Bytes from any host to typed arrays, checked against what the header promises. */

import { reasonOf } from "../format.ts";
import type { Column, Frame, Plane, Series } from "../protocol.gen.ts";
import type { Cells, FrameData, Line, NeuronData, PlaneData, SeriesData } from "./source.ts";

/** Returns the bytes of what a host calls a buffer: a view, an `ArrayBuffer` or base64. */
export function bytesOf(buffer: unknown): Uint8Array<ArrayBuffer> {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  if (ArrayBuffer.isView(buffer)) {
    const { byteOffset, byteLength } = buffer;
    if (buffer.buffer instanceof ArrayBuffer) return new Uint8Array(buffer.buffer, byteOffset, byteLength);
    return new Uint8Array(new Uint8Array(buffer.buffer, byteOffset, byteLength));
  }
  if (typeof buffer === "string") return Uint8Array.from(atob(buffer), (char) => char.charCodeAt(0));
  throw new TypeError(
    `a buffer must be binary or base64, received ${buffer === null ? "null" : typeof buffer}`,
  );
}

function sized(bytes: Uint8Array, expected: number, what: string): void {
  if (bytes.byteLength !== expected) {
    throw new RangeError(`${what}: ${expected} bytes expected, ${bytes.byteLength} received`);
  }
}

/** Typed arrays need aligned memory; hosts do not promise it. */
function aligned(bytes: Uint8Array<ArrayBuffer>, itemSize: number): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % itemSize === 0 ? bytes : bytes.slice();
}

function cellsOf(plane: Plane, buffers: readonly unknown[], what: string): Cells {
  const itemSize = plane.encoding === "bf16" ? 2 : 4;
  const count = plane.rows * plane.cols;
  const bytes = aligned(bytesOf(buffers[plane.buffer]), itemSize);
  sized(bytes, count * itemSize, what);
  return plane.encoding === "bf16"
    ? new Uint16Array(bytes.buffer, bytes.byteOffset, count)
    : new Float32Array(bytes.buffer, bytes.byteOffset, count);
}

/** A plane that cannot be read becomes words, so that the others are still drawn. */
function decodePlane(plane: Plane, buffers: readonly unknown[], what: string): PlaneData {
  if (plane.buffer < 0) return { plane, cells: null, missing: plane.missing ?? "nothing to draw" };
  try {
    return { plane, cells: cellsOf(plane, buffers, what), missing: null };
  } catch (error) {
    return { plane, cells: null, missing: reasonOf(error) };
  }
}

export function decodeFrame(frame: Frame, buffers: readonly unknown[]): FrameData {
  const { seq, layer, step, newest, sample, labels } = frame;
  const planes = frame.planes.map((plane) => decodePlane(plane, buffers, `frame ${seq}`));
  const order = orderOf(frame, buffers);
  return { seq, layer, step, newest, sample, labels, planes, order, neuron: neuronOf(frame, buffers) };
}

function neuronOf({ neuron }: Frame, buffers: readonly unknown[]): NeuronData | null {
  if (neuron === null) return null;
  const { index, weighted, bias, weights_step: weightsStep } = neuron;
  const lines = neuron.lines?.map((line) => decodeColumn(line, buffers)) ?? null;
  return { index, weighted, bias, weightsStep, lines };
}

function orderOf({ order_buffer, seq }: Frame, buffers: readonly unknown[]): Int32Array | null {
  if (order_buffer < 0) return null;
  const bytes = aligned(bytesOf(buffers[order_buffer]), 4);
  if (bytes.byteLength % 4 !== 0) throw new RangeError(`frame ${seq}: ${bytes.byteLength} bytes of neurons`);
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

function decodeColumn(column: Column, buffers: readonly unknown[]): Line {
  const x = aligned(bytesOf(buffers[column.x_buffer]), 8);
  const y = aligned(bytesOf(buffers[column.y_buffer]), 4);
  sized(x, column.n * 8, `steps of ${column.name}`);
  sized(y, column.n * 4, `values of ${column.name}`);
  return {
    name: column.name,
    layer: column.layer,
    run: column.run,
    steps: new Float64Array(x.buffer, x.byteOffset, column.n),
    values: new Float32Array(y.buffer, y.byteOffset, column.n),
  };
}

export function decodeSeries(series: Series, buffers: readonly unknown[]): SeriesData {
  return {
    firstStep: series.first_step,
    lastStep: series.last_step,
    lines: series.columns.map((column) => decodeColumn(column, buffers)),
    events: series.events,
    health: series.health,
  };
}
