/** A source that needs no kernel: everything is in the page. For shared files, the demo, tests and benchmarks. */

import { type Signal, signal } from "@preact/signals";
import { formatValue } from "../format.ts";
import { cellValue } from "../picture/bits.ts";
import { poolPlane } from "../picture/pool.ts";
import { cellAt, sidesOf } from "../picture/side.ts";
import type { Kind, LayerEntry, MapRequest, Notice, Plane, Status } from "../protocol.gen.ts";
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

function missingPlane(tensor: Kind, missing: string): PlaneData {
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
    part: "map",
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

  function draw(wanted: Wanted, request: MapRequest): PlaneData {
    const { layer, step, sample } = wanted;
    const entry = find(layer, request.tensor, step, sample);
    const reasons = run.layers.find(({ path }) => path === layer)?.reasons;
    if (entry === null) return missingPlane(request.tensor, reasons?.[request.tensor] ?? "not recorded");
    return poolPlane(
      { plane: entry.plane, cells: entry.cells, missing: null },
      request.max_rows,
      request.max_cols,
    );
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
      };
    },
    painted() {},
    async command(command) {
      onCommand(command);
    },
    async read({ layer, tensor, step, sample, row, column }) {
      const entry = find(layer, tensor, step, sample);
      if (entry === null) throw new Error("not recorded");
      const sides = sidesOf(entry.plane);
      const index = cellAt(sides.rows, row) * entry.plane.cols + cellAt(sides.cols, column);
      return formatValue(cellValue(entry.cells, index));
    },
    tell(level, text) {
      notice.value = { kind: "notice", level, text };
    },
    dismissNotice() {
      notice.value = null;
    },
  };
}
