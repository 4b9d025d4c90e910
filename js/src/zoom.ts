/** What is zoomed into, with the way back: per layer, in units of the pictures. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { type Group, groupOf } from "./group.ts";
import { type Side, sidesOf, unitOf, unitsOf } from "./picture/side.ts";
import type { Kind, Plane, Window } from "./protocol.gen.ts";

/** From the first unit up to, not including, the last one. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Maps whose columns are neurons share them; any other map has columns of its own. */
type Columns = "neurons" | Kind;

/** The parts that are shown; of what is not named, all. */
interface Part {
  readonly rows: Partial<Record<Group, Range>>;
  readonly columns: Partial<Record<Columns, Range>>;
}

/** Along both sides of one map. */
export interface Ranges {
  readonly rows: Range | undefined;
  readonly columns: Range | undefined;
}

export interface Zoom {
  /** The request's window for a tensor, `null` for all of it. */
  windowOf(tensor: Kind): Window | null;
  /**
   * Shows these parts of a map and of those that share its sides; `undefined` leaves a side as it is. A turn of the
   * wheel is one step back, however long.
   */
  into(plane: Plane, ranges: Ranges, byWheel?: boolean): void;
  /** Shows `factor` times as much, around a place of the full picture. */
  about(plane: Plane, row: number, column: number, factor: number, byWheel?: boolean): void;
  /** Moves what is shown so that a place of the full picture is among it. */
  reveal(plane: Plane, row: number | null, column: number | null): void;
  back(): void;
  reset(): void;
}

const ALL: Part = { rows: {}, columns: {} };

/** Windows have two sides: where only one is zoomed, the other one goes beyond any end. */
const BEYOND = 2 ** 40;

/** Turns of the wheel within this time are one. */
const TURN_MS = 600;

const columnsOf = (plane: Plane): Columns => (plane.neuron_cols > 0 ? "neurons" : plane.tensor);

function sameRange(a: Range | undefined, b: Range | undefined): boolean {
  return a?.from === b?.from && a?.to === b?.to;
}

/** Within the side and at least one unit; nothing if it is all of it. */
function within(side: Side, range: Range | undefined): Range | undefined {
  if (range === undefined) return undefined;
  const count = unitsOf(side);
  const from = Math.max(0, Math.min(Math.floor(range.from), count - 1));
  const to = Math.max(from + 1, Math.min(Math.ceil(range.to), count));
  return to - from >= count ? undefined : { from, to };
}

/** `factor` times as long, so that the unit keeps its place on screen. */
function stretch(side: Side, range: Range | undefined, index: number, factor: number): Range {
  const { from, to } = range ?? { from: 0, to: unitsOf(side) };
  const size = to - from;
  const wished = Math.round(size * factor);
  const next = Math.max(1, factor < 1 ? Math.min(wished, size - 1) : Math.max(wished, size + 1));
  const middle = index / unitOf(side) + 0.5;
  const before = Math.round(middle - ((middle - from) / size) * next);
  const first = Math.max(0, Math.min(before, unitsOf(side) - next));
  return { from: first, to: first + next };
}

/** As long as it is, moved no further than it must. */
function movedTo(side: Side, range: Range | undefined, index: number): Range | undefined {
  if (range === undefined) return undefined;
  const unit = Math.floor(index / unitOf(side));
  const by = Math.min(0, unit - range.from) + Math.max(0, unit - range.to + 1);
  return by === 0 ? range : { from: range.from + by, to: range.to + by };
}

/**
 * Keeps a stack for each of `of` (a layer, and what is chosen of it).
 *
 * Args:
 *   of: What the maps show now.
 *   ownColumns: The tensors whose columns are not neurons.
 */
export function createZoom(of: ReadonlySignal<string>, ownColumns: ReadonlySignal<readonly Kind[]>): Zoom {
  const stacks = signal<ReadonlyMap<string, readonly Part[]>>(new Map());
  const stack = computed(() => stacks.value.get(of.value) ?? []);
  const part = computed(() => stack.value.at(-1) ?? ALL);
  let turnedAt = Number.NEGATIVE_INFINITY;

  function put(next: readonly Part[]): void {
    stacks.value = new Map(stacks.peek()).set(of.peek(), next);
  }

  /** The part with other ranges of one map; the very same one if they are no others. */
  function changed(plane: Plane, rows: Range | undefined, columns: Range | undefined): Part {
    const now = part.peek();
    const [group, own] = [groupOf(plane.tensor), columnsOf(plane)];
    if (sameRange(rows, now.rows[group]) && sameRange(columns, now.columns[own])) return now;
    return { rows: { ...now.rows, [group]: rows }, columns: { ...now.columns, [own]: columns } };
  }

  const isAll = ({ rows, columns }: Part): boolean =>
    ![...Object.values(rows), ...Object.values(columns)].some((range) => range !== undefined);

  function show(next: Part, replacing: boolean): void {
    if (next === part.peek()) return;
    const before = replacing ? stack.peek().slice(0, -1) : stack.peek();
    put(isAll(next) ? [] : [...before, next]);
  }

  function rangesIn({ rows, columns }: Part, plane: Plane): Ranges {
    return { rows: rows[groupOf(plane.tensor)], columns: columns[columnsOf(plane)] };
  }

  function turns(byWheel: boolean): boolean {
    const now = performance.now();
    const same = byWheel && now - turnedAt < TURN_MS;
    turnedAt = byWheel ? now : Number.NEGATIVE_INFINITY;
    return same;
  }

  function into(plane: Plane, { rows, columns }: Ranges, byWheel = false): void {
    const sides = sidesOf(plane);
    const before = rangesIn(part.peek(), plane);
    const down = within(sides.rows, rows ?? before.rows);
    show(changed(plane, down, within(sides.cols, columns ?? before.columns)), turns(byWheel));
  }

  return {
    windowOf(tensor) {
      const rows = part.value.rows[groupOf(tensor)];
      const columns = part.value.columns[ownColumns.value.includes(tensor) ? tensor : "neurons"];
      if (rows === undefined && columns === undefined) return null;
      return {
        row_from: rows?.from ?? 0,
        row_to: rows?.to ?? BEYOND,
        column_from: columns?.from ?? 0,
        column_to: columns?.to ?? BEYOND,
      };
    },
    into,
    about(plane, row, column, factor, byWheel = false) {
      const { rows, cols } = sidesOf(plane);
      const now = rangesIn(part.peek(), plane);
      const down = stretch(rows, now.rows, row, factor);
      into(plane, { rows: down, columns: stretch(cols, now.columns, column, factor) }, byWheel);
    },
    reveal(plane, row, column) {
      const { rows, cols } = sidesOf(plane);
      const now = rangesIn(part.peek(), plane);
      const down = row === null ? now.rows : movedTo(rows, now.rows, row);
      const right = column === null ? now.columns : movedTo(cols, now.columns, column);
      show(changed(plane, down, right), true);
    },
    back() {
      put(stack.peek().slice(0, -1));
    },
    reset() {
      put([]);
    },
  };
}
