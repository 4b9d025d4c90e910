/** The values of the cell that is looked at: from the picture where it holds them, otherwise asked for. */

import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { columnOf, type FullCell, hoveredRow, lacksRow, rowOf } from "./cell.ts";
import { formatValue } from "./format.ts";
import { cellValue } from "./picture/bits.ts";
import { holds, sidesOf } from "./picture/side.ts";
import type { Kind, Plane } from "./protocol.gen.ts";
import { drawnMaps } from "./shown.ts";
import type { FrameData, Place, PlaneData } from "./source/source.ts";
import { groupOf, type Store } from "./store.ts";

/** How long the eye must rest before a value is asked for. */
const PAUSE_MS = 40;

/** While it runs each step has new values: the kernel has better things to do than to read all of them out. */
const RUNNING_PAUSE_MS = 1000;
const KINDS: readonly Kind[] = ["weights", "gradients", "activations", "activation_gradients"];

export interface Reading {
  readonly tensor: Kind;
  /** `null` where the tensor has no such row: not every variable has a gradient. */
  readonly row: number | null;
  readonly column: number;
  /** `null` until it is known. */
  readonly text: string | null;
}

/** Whether the picture's own cells are good enough to be read out. */
function holdsValues({ plane, cells }: PlaneData, running: boolean): boolean {
  if (cells === null || plane.rows !== plane.shown_rows || plane.cols !== plane.shown_cols) return false;
  if (plane.dtype === "bfloat16") return true;
  return plane.encoding === "f32" ? plane.dtype === "float32" || plane.dtype === "float16" : running;
}

const cellKey = ({ step: _, ...place }: Place): string => JSON.stringify(place);

/** Reads one tensor's places one after the other; a place that was passed meanwhile is never asked for. */
function createReader(store: Store, tell: (place: Place, text: string) => void, abort: AbortSignal) {
  let next: Place | null = null;
  let busy = false;
  async function work(): Promise<void> {
    busy = true;
    const running = store.source.status.peek()?.state === "running";
    await new Promise((resolve) => setTimeout(resolve, running ? RUNNING_PAUSE_MS : PAUSE_MS));
    const place = next;
    next = null;
    if (place !== null && !abort.aborted) {
      const text = await store.source.read(place).catch(() => "not known");
      tell(place, text);
    }
    busy = false;
    if (next !== null && !abort.aborted) void work();
  }
  return (place: Place | null): void => {
    next = place;
    if (place !== null && !busy) void work();
  };
}

/** A cell of what a frame draws of a tensor, as the source is asked for it. Reads signals. */
export function placeToRead(store: Store, frame: FrameData, plane: Plane, { row, column }: FullCell): Place {
  const { layer, step, sample } = frame;
  const { tensor, variable, output, further, compared: compare } = plane;
  const [run, branch, beside] = [store.run.value, store.branch.value, store.beside.value];
  const at = Object.fromEntries(further.map(({ name, index }) => [name, index]));
  const how = {
    complex: store.choices.complex.value,
    order: store.order.value,
    compare,
    run,
    branch,
    beside,
  };
  return { layer, step, sample, tensor, variable, output, at, row, column, ...how };
}

export function createReadout(store: Store, abort: AbortSignal): ReadonlySignal<readonly Reading[]> {
  const readings = signal<readonly Reading[]>([]);
  const known = new Map<Kind, { cell: string; step: number; text: string }>();
  const version = signal(0);

  function tell(place: Place, text: string): void {
    known.set(place.tensor, { cell: cellKey(place), step: place.step, text });
    version.value += 1;
  }
  const readers = new Map(KINDS.map((tensor) => [tensor, createReader(store, tell, abort)]));

  function readingOf(data: PlaneData): Reading {
    const { plane, cells } = data;
    const { tensor } = plane;
    const hover = store.hover.value;
    const hovered = hover?.group === groupOf(tensor) ? hover : null;
    const cell = hovered ?? store.cells[groupOf(tensor)].value;
    const row = hovered === null ? rowOf(plane, cell, store.cursor.sample.value) : hoveredRow(plane, hovered);
    const neuron = hover?.neuron ?? store.cursor.neuron.value;
    const column = columnOf(plane, store.places.value.placeOf(neuron), cell.offset);
    const frame = store.told.value;
    if (lacksRow(plane, cell)) {
      readers.get(tensor)?.(null);
      return { tensor, row: null, column, text: "none" };
    }
    if (cells === null || frame === null || cells.length === 0) return { tensor, row, column, text: null };
    const sides = sidesOf(plane);
    const drawn = holds(sides.rows, row) && holds(sides.cols, column);
    if (drawn && holdsValues(data, store.source.status.value?.state === "running")) {
      readers.get(tensor)?.(null);
      const index = (row - plane.row_start) * plane.cols + column - plane.col_start;
      return { tensor, row, column, text: formatValue(cellValue(cells, index)) };
    }
    const value = plane.value ?? null;
    if (value !== null && value.row === row && value.column === column) {
      readers.get(tensor)?.(null);
      return { tensor, row, column, text: value.text };
    }
    const place = placeToRead(store, frame, plane, { row, column });
    const last = known.get(tensor);
    const current = last?.cell === cellKey(place);
    if (!current || last.step !== frame.step) readers.get(tensor)?.(place);
    return { tensor, row, column, text: current ? last.text : null };
  }

  const stop = effect(() => {
    version.value;
    const drawn = drawnMaps(store.told.value);
    readings.value = KINDS.flatMap((tensor) =>
      drawn.filter(({ plane }) => plane.tensor === tensor).map(readingOf),
    );
  });
  abort.addEventListener("abort", stop);
  return readings;
}
