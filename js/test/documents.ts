/** Packs a recorded run as Python packs it into a shared file. */

import type { Chunk, Document, Gather, StoredPicture } from "../src/document.gen.ts";
import type { Plane, Series } from "../src/protocol.gen.ts";
import type { RecordedPlane, RecordedRun } from "../src/source/recorded.ts";
import type { Cells } from "../src/source/source.ts";

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const base64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

const bytesOf = (array: ArrayBufferView): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));

/** All lowest bytes first, then all second ones. */
function byPlace(bytes: Uint8Array, itemSize: number): Uint8Array<ArrayBuffer> {
  const n = bytes.length / itemSize;
  return Uint8Array.from(
    { length: bytes.length },
    (_, i) => bytes[(i % n) * itemSize + Math.floor(i / n)] ?? 0,
  );
}

export class Packer {
  readonly chunks: Chunk[] = [];
  readonly headers: Plane[] = [];
  text = "";

  async add(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    const packed = base64(await deflated(bytes));
    this.chunks.push({ start: this.text.length, length: packed.length, n_bytes: bytes.length });
    this.text += packed;
    return this.chunks.length - 1;
  }

  header(plane: Plane): number {
    const known = this.headers.findIndex((each) => JSON.stringify(each) === JSON.stringify(plane));
    return known >= 0 ? known : this.headers.push(plane) - 1;
  }

  /** The cells as they are, or as bytes of a palette where they have few values. */
  async cells(cells: Cells, usePalette: boolean): Promise<Pick<StoredPicture, "cells" | "palette">> {
    const patterns = [...new Set(cells)];
    if (usePalette && cells instanceof Uint16Array && patterns.length <= 256) {
      const palette = await this.add(bytesOf(Uint16Array.from(patterns)));
      const indices = Uint8Array.from(cells, (cell) => patterns.indexOf(cell));
      return { cells: await this.add(indices), palette };
    }
    const bytes = new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength);
    return { cells: await this.add(byPlace(bytes, cells.BYTES_PER_ELEMENT)), palette: -1 };
  }

  async picture(
    { layer, step, sample, plane, cells }: RecordedPlane,
    usePalette: boolean,
  ): Promise<StoredPicture> {
    const { low, high, clip_low, clip_high, n_nan, n_posinf, n_neginf, first_bad, histogram } = plane;
    const told = { low, high, clip_low, clip_high, n_nan, n_posinf, n_neginf, first_bad, histogram };
    const nothing = {
      low: null,
      high: null,
      clip_low: null,
      clip_high: null,
      n_nan: 0,
      n_posinf: 0,
      n_neginf: 0,
    };
    const header = this.header({ ...plane, ...nothing, first_bad: null, histogram: [] });
    const stored =
      cells === null ? { cells: -1, palette: -1 } : await this.cells(await cells.load(), usePalette);
    return { header, layer, step, sample, ...stored, ...told };
  }
}

const NO_SERIES: Series = {
  kind: "series",
  first_step: 0,
  last_step: 0,
  columns: [],
  events: [],
  health: [],
};

/** The document of a run and the text with its chunks. */
export async function packed(
  run: RecordedRun,
  usePalette = false,
  changes: Partial<Document> = {},
): Promise<{ document: Document; text: string }> {
  const packer = new Packer();
  const pictures: StoredPicture[] = [];
  for (const entry of run.planes) pictures.push(await packer.picture(entry, usePalette));
  const gathers: Gather[] = [];
  for (const { layer, tensor, part, form, plane, map } of run.parts) {
    const picture = pictures[run.planes.findIndex((entry) => entry.form === form)]?.header ?? -1;
    if (part !== "incoming" && part !== "output" && part !== "samples")
      throw new Error(`no gather for ${part}`);
    const header = packer.header(plane);
    gathers.push({ layer, tensor, part, picture, header, map: await packer.add(bytesOf(await map.load())) });
  }
  const lines: Document["lines"] = [];
  for (const { layer, name, firstNeuron, nNeurons, steps, values } of run.lines) {
    const x = await steps.load();
    if (name !== "weights_l2") throw new Error(`no line ${name}`);
    const chunks = {
      steps: await packer.add(bytesOf(x)),
      values: await packer.add(bytesOf(await values.load())),
    };
    lines.push({ layer, name, n_steps: x.length, n_neurons: nNeurons, first_neuron: firstNeuron, ...chunks });
  }
  const fed: Document["fed"] = [];
  for (const { layer, why, biasSteps, biases } of run.fed) {
    const [at, values] = [await biasSteps?.load(), await biases?.load()];
    const bias_steps = at === undefined ? -1 : await packer.add(bytesOf(at));
    const its = values === undefined ? -1 : await packer.add(bytesOf(values));
    fed.push({ layer, product: why === null, why, bias_steps, biases: its });
  }
  const { status, layers, withheld, labels } = run;
  const document: Document = {
    version: 1,
    title: "a run",
    status,
    layers: [...layers],
    series: NO_SERIES,
    headers: packer.headers,
    pictures,
    gathers,
    lines,
    fed,
    withheld: [...withheld],
    labels: Object.fromEntries(Object.entries(labels).map(([step, words]) => [step, [...words]])),
    layer: layers[0]?.path ?? "",
    panels: [],
    chunks: packer.chunks,
    ...changes,
  };
  return { document, text: packer.text };
}
