/** A source that needs no kernel: everything is in the page. For shared files, the demo, tests and benchmarks. */

import { type Signal, signal } from "@preact/signals";
import { formatValue } from "../format.ts";
import { cellValue } from "../picture/bits.ts";
import { poolPlane } from "../picture/pool.ts";
import { cellAt, sidesOf } from "../picture/side.ts";
import type { Kind, LayerEntry, MapRequest, Notice, Order, Plane, Status } from "../protocol.gen.ts";
import { inOrder, sortNeurons } from "./columns.ts";
import { crop } from "./crop.ts";
import { clipOf, difference, firstBad, histogramOf, measure } from "./measure.ts";
import type {
  Cells,
  Command,
  Connection,
  FrameData,
  FrameSource,
  PlaneData,
  SeriesData,
  Wanted,
} from "./source.ts";

/** One tensor at one step, in the form in which it was recorded. */
export interface RecordedPlane {
  readonly layer: string;
  readonly step: number;
  /** `null` if the picture is the same for every sample. */
  readonly sample: number | null;
  readonly plane: Plane;
  readonly cells: Cells;
}

export interface RecordedRun {
  readonly status: Status;
  readonly layers: readonly LayerEntry[];
  readonly series: SeriesData | null;
  readonly labels: readonly string[];
  readonly planes: readonly RecordedPlane[];
}

/** What whoever holds the data may change while it is shown. */
export interface MemorySource extends FrameSource {
  readonly status: Signal<Status | null>;
  readonly connection: Signal<Connection>;
  readonly waiting: Signal<boolean>;
}

type Finder = (layer: string, tensor: Kind, step: number, sample: number) => RecordedPlane | null;

/** Finds the newest plane that is not newer than the step; -1 is the newest of all. */
function finderOf(planes: readonly RecordedPlane[]): Finder {
  const byTensor = groupBy(planes, keyOf);
  for (const list of byTensor.values()) list.sort((a, b) => b.step - a.step);
  return (layer, tensor, step, sample) => {
    const list = byTensor.get(`${tensor} ${layer}`) ?? [];
    const fits = (entry: RecordedPlane) =>
      (step < 0 || entry.step <= step) && (entry.sample === null || entry.sample === sample);
    return list.find(fits) ?? null;
  };
}

const keyOf = (entry: RecordedPlane): string => `${entry.plane.tensor} ${entry.layer}`;

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

/** What single neurons are made of needs the batch, which a recording for a page leaves out. */
const NO_PARTS = "the recording in this page holds whole layers, not what single neurons are made of";

function missingPlane(tensor: Kind, missing: string, part: MapRequest["part"] = "map"): PlaneData {
  const plane: Plane = {
    tensor,
    variable: null,
    dtype: "float32",
    shape: [],
    axes: [],
    row_axes: [],
    col_axes: [],
    gutter: false,
    full_rows: 0,
    full_cols: 0,
    rows: 0,
    cols: 0,
    row_factor: 1,
    col_factor: 1,
    neuron_cols: 0,
    reduce: "none",
    encoding: "f32",
    buffer: -1,
    missing,
    note: null,
    low: null,
    high: null,
    clip_low: null,
    clip_high: null,
    n_nan: 0,
    n_posinf: 0,
    n_neginf: 0,
    value: null,
    output: 0,
    part,
    row_start: 0,
    col_start: 0,
    shown_rows: 0,
    shown_cols: 0,
    further: [],
    compared: null,
    histogram: [],
    first_bad: null,
  };
  return { plane, cells: null, missing };
}

export function createMemorySource(
  run: RecordedRun,
  onCommand: (command: Command) => void = () => {
    throw new Error("a recording cannot be run");
  },
): MemorySource {
  const find = finderOf(run.planes);
  const status = signal<Status | null>(run.status);
  const frame = signal<FrameData | null>(null);
  const notice = signal<Notice | null>(null);
  let seq = 0;

  const orders = new Map<string, Int32Array | null>();
  const completed = new WeakMap<RecordedPlane, PlaneData>();
  const clips = new WeakMap<Cells, ReturnType<typeof clipOf>>();

  /** What the header may lack: a histogram, and where the first bad value is. */
  function complete(entry: RecordedPlane): PlaneData {
    const known = completed.get(entry);
    if (known !== undefined) return known;
    const { plane, cells } = entry;
    const histogram =
      plane.histogram.length > 0 ? plane.histogram : histogramOf(cells, plane.low, plane.high);
    const bad = plane.n_nan + plane.n_posinf + plane.n_neginf > 0;
    const first_bad = bad ? (plane.first_bad ?? firstBad(plane, cells)) : null;
    const data = { plane: { ...plane, histogram, first_bad }, cells, missing: null };
    completed.set(entry, data);
    return data;
  }

  function orderOf({ layer, order }: Pick<Wanted, "layer" | "order">): Int32Array | null {
    if (order === null) return null;
    const key = JSON.stringify([layer, order]);
    if (!orders.has(key)) orders.set(key, sort(layer, order));
    return orders.get(key) ?? null;
  }

  function sort(layer: string, { by, step }: Order): Int32Array | null {
    const weights = by === "activity" ? null : find(layer, "weights", step, 0);
    const entry = weights ?? find(layer, "activations", step, 0);
    return entry === null ? null : sortNeurons(complete(entry), by);
  }

  /** The whole picture: the difference and in the order that is asked for. */
  function whole(wanted: Omit<Wanted, "maps" | "neuron">, tensor: Kind): PlaneData {
    const { layer, step, sample, compare } = wanted;
    const entry = find(layer, tensor, step, sample);
    const reasons = run.layers.find(({ path }) => path === layer)?.reasons;
    if (entry === null) return missingPlane(tensor, reasons?.[tensor] ?? "not recorded");
    let data = complete(entry);
    if (compare !== null) {
      const before = find(layer, tensor, compare, sample);
      if (before?.cells.length !== entry.cells.length)
        return missingPlane(tensor, `not recorded at step ${compare}`);
      const cells = difference(entry.cells, before.cells);
      const plane: Plane = { ...data.plane, compared: before.step, encoding: "f32" };
      data = { plane: { ...plane, ...measure(plane, cells) }, cells, missing: null };
    }
    const order = orderOf(wanted);
    if (order === null) return data;
    const sorted = inOrder(data, order);
    const { plane, cells } = sorted;
    if (plane.first_bad === null || cells === null) return sorted;
    return { ...sorted, plane: { ...plane, first_bad: firstBad(plane, cells) } };
  }

  function draw(wanted: Wanted, request: MapRequest): PlaneData {
    if (request.part !== "map") return missingPlane(request.tensor, NO_PARTS, request.part);
    const data = crop(whole(wanted, request.tensor), request.window);
    const drawn = poolPlane(data, request.max_rows, request.max_cols);
    if (drawn === data || drawn.cells === null) return drawn;
    // A cell is an extreme of many values: on the scale of the values most cells would be at its ends.
    const clip = clips.get(data.cells ?? drawn.cells) ?? clipOf(drawn.cells);
    clips.set(data.cells ?? drawn.cells, clip);
    return { ...drawn, plane: { ...drawn.plane, ...clip } };
  }

  function stepOf({ layer, step, sample, maps }: Wanted): number {
    const steps = maps.map(({ tensor }) => find(layer, tensor, step, sample)?.step ?? 0);
    return step < 0 ? Math.max(0, ...steps) : step;
  }

  return {
    status,
    layers: signal(run.layers),
    series: signal(run.series),
    frame,
    notice,
    connection: signal<Connection>("live"),
    waiting: signal(false),
    watch(wanted) {
      if (wanted.maps.length === 0) return;
      const planes = wanted.maps.map((request) => draw(wanted, request));
      const { layer, sample, step } = wanted;
      seq += 1;
      frame.value = {
        seq,
        layer,
        step: stepOf(wanted),
        newest: step < 0,
        sample,
        labels: run.labels,
        planes,
        order: orderOf(wanted),
        neuron: null,
      };
    },
    painted() {},
    async command(command) {
      onCommand(command);
    },
    async read(place) {
      const { plane, cells } = whole(place, place.tensor);
      if (cells === null) throw new Error("not recorded");
      const sides = sidesOf(plane);
      const index = cellAt(sides.rows, place.row) * plane.cols + cellAt(sides.cols, place.column);
      return formatValue(cellValue(cells, index));
    },
    tell(level, text) {
      notice.value = { kind: "notice", level, text };
    },
    dismissNotice() {
      notice.value = null;
    },
  };
}
