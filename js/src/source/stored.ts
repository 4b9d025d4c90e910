/** A shared file's document as a recorded run: what it holds is packed, and unpacked when somebody looks. */

import { DOCUMENT_VERSION, type Document, type StoredPicture } from "../document.gen.ts";
import type { LayerEntry, Plane, Status } from "../protocol.gen.ts";
import { type Chunks, createChunks } from "./chunks.ts";
import type {
  Lazy,
  RecordedFed,
  RecordedLines,
  RecordedPart,
  RecordedPlane,
  RecordedRun,
} from "./recorded.ts";
import type { Cells, Line, SeriesData } from "./source.ts";
import { cellsOfBytes, cellsOfPalette } from "./unpack.ts";
import { OF_SAMPLES } from "./words.ts";

/** Bytes of unpacked arrays that are kept: a few hundred pictures. */
const BUDGET = 96 << 20;

type Bytes = Uint8Array<ArrayBuffer>;

const float64 = (bytes: Bytes) => new Float64Array(bytes.buffer);
const float32 = (bytes: Bytes) => new Float32Array(bytes.buffer);
const int32 = (bytes: Bytes) => new Int32Array(bytes.buffer);

function headerAt(document: Document, index: number): Plane {
  const header = document.headers[index];
  if (header === undefined) throw new Error(`this file names a header ${index} that it does not hold`);
  return header;
}

function cellsOf(chunks: Chunks, { cells, palette }: StoredPicture, plane: Plane): Lazy<Cells> | null {
  if (cells < 0) return null;
  const count = plane.rows * plane.cols;
  return palette < 0
    ? chunks.lazy([cells], (bytes) => cellsOfBytes(bytes, count, plane.encoding))
    : chunks.lazy([cells, palette], (indices, patterns) => cellsOfPalette(indices, patterns, count));
}

function planeOf(chunks: Chunks, document: Document, stored: StoredPicture): RecordedPlane {
  const { header, layer, step, sample, cells, palette, ...told } = stored;
  const plane = { ...headerAt(document, header), ...told };
  if (palette >= 0) plane.encoding = "bf16";
  plane.buffer = cells < 0 ? -1 : 0;
  return { layer, step, sample, plane, form: header, cells: cellsOf(chunks, stored, plane) };
}

function partsOf(chunks: Chunks, document: Document): RecordedPart[] {
  return document.gathers.map(({ layer, tensor, part, picture, header, map }) => ({
    layer,
    tensor,
    part,
    form: picture,
    plane: { ...headerAt(document, header), tensor, part },
    map: chunks.lazy([map], int32),
  }));
}

function linesOf(chunks: Chunks, document: Document): RecordedLines[] {
  return document.lines.map(({ layer, name, first_neuron, n_neurons, steps, values }) => ({
    layer,
    name,
    firstNeuron: first_neuron,
    nNeurons: n_neurons,
    steps: chunks.lazy([steps], float64),
    values: chunks.lazy([values], float32),
  }));
}

function fedOf(chunks: Chunks, document: Document): RecordedFed[] {
  return document.fed.map(({ layer, product, why, bias_steps, biases }) => ({
    layer,
    why: product ? null : (why ?? "it is no sum of weights times inputs"),
    biasSteps: bias_steps < 0 ? null : chunks.lazy([bias_steps], float64),
    biases: biases < 0 ? null : chunks.lazy([biases], float32),
  }));
}

/** All lines together: the timeline and the list of layers show them at once. */
function seriesOf(chunks: Chunks, { series }: Document): Lazy<SeriesData> {
  const { first_step: firstStep, last_step: lastStep, columns, events, health } = series;
  const indices = columns.flatMap(({ x_buffer, y_buffer }) => [x_buffer, y_buffer]);
  return chunks.lazy(indices, (...parts) => {
    const lines = columns.map(({ name, layer }, i): Line => {
      const [x, y] = [parts[2 * i], parts[2 * i + 1]];
      if (x === undefined || y === undefined) throw new Error(`the line ${name} has no values`);
      return { name, layer, steps: float64(x), values: float32(y) };
    });
    return { firstStep, lastStep, lines, events, health };
  });
}

/** How many samples there is something to see of: fewer than were recorded, or none. */
function samplesIn({ pictures, headers }: Document, { path, n_samples }: LayerEntry): number {
  const told = pictures.filter(({ layer, cells }) => layer === path && cells >= 0);
  const ofSamples = told.filter(({ header }) => {
    const plane = headers[header];
    return plane !== undefined && OF_SAMPLES.includes(plane.tensor);
  });
  if (ofSamples.length === 0) return 0;
  const own = ofSamples.flatMap(({ sample }) => sample ?? []);
  return own.length === 0 ? n_samples : Math.min(n_samples, Math.max(...own) + 1);
}

/** Nothing runs behind a file, or waits to be run. */
function atRest(status: Status): Status {
  const source = status.source === "session" ? "recording" : status.source;
  const state = status.state === "running" || status.state === "idle" ? "finished" : status.state;
  return { ...status, source, state, activity: null, steps_per_second: null, watch_cost: null };
}

/**
 * Reads a document whose chunks are in `text`.
 *
 * Raises an error in words if another version wrote it, or if it refers to what it does not hold.
 */
export function recordedRun(document: Document, text: string): RecordedRun {
  if (document.version !== DOCUMENT_VERSION) {
    const versions = `form ${document.version}, and this page reads form ${DOCUMENT_VERSION}`;
    throw new Error(`this file is of ${versions}: export it again`);
  }
  const chunks = createChunks(text, document.chunks, BUDGET);
  return {
    status: atRest(document.status),
    layers: document.layers.map((layer) => ({ ...layer, n_samples: samplesIn(document, layer) })),
    series: seriesOf(chunks, document),
    labels: document.labels,
    planes: document.pictures.map((stored) => planeOf(chunks, document, stored)),
    parts: partsOf(chunks, document),
    lines: linesOf(chunks, document),
    fed: fedOf(chunks, document),
    withheld: document.withheld,
  };
}
