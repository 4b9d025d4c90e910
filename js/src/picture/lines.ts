/** Lines over the steps, on a plain 2-D canvas. */

export interface Frame2d {
  /** Device pixels. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Scale {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

export function xOf(step: number, frame: Frame2d, { x: [from, to] }: Pick<Scale, "x">): number {
  return frame.left + ((step - from) / (to - from || 1)) * (frame.right - frame.left);
}

export function yOf(value: number, frame: Frame2d, { y: [low, high] }: Pick<Scale, "y">): number {
  return frame.bottom - ((value - low) / (high - low || 1)) * (frame.bottom - frame.top);
}

/** Smallest and largest finite value, `null` if there is none. */
export function rangeOf(values: ArrayLike<number>): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** The same of all values of several lines. */
export const rangeOfAll = (lines: readonly ArrayLike<number>[]): [number, number] | null =>
  rangeOf(lines.flatMap((values) => rangeOf(values) ?? []));

/** The mean over a window around each value, cut at the ends; what is not finite is left out, and stays a gap. */
export function smooth(values: Float32Array, window: number): Float32Array {
  const half = Math.max(0, Math.floor(window / 2));
  const sums = new Float64Array(values.length + 1);
  const counts = new Uint32Array(values.length + 1);
  for (const [i, value] of values.entries()) {
    const finite = Number.isFinite(value);
    sums[i + 1] = (sums[i] ?? 0) + (finite ? value : 0);
    counts[i + 1] = (counts[i] ?? 0) + (finite ? 1 : 0);
  }
  return values.map((value, i) => {
    const from = Math.max(0, i - half);
    const to = Math.min(values.length, i + half + 1);
    const count = (counts[to] ?? 0) - (counts[from] ?? 0);
    return Number.isFinite(value) ? ((sums[to] ?? 0) - (sums[from] ?? 0)) / count : Number.NaN;
  });
}

/** Lengths are CSS pixels. */
export interface Stroke {
  readonly color: string;
  readonly width: number;
  readonly dash?: readonly number[];
}

/** The radius of a dot, in widths of its line: to be found at a glance, and yet no mark of its own. */
const DOT = 2;

type Point = readonly [x: number, y: number];

/** The unbroken runs of a line, in pixels; a value that is not finite is a gap. */
function runsOf(
  steps: ArrayLike<number>,
  values: ArrayLike<number>,
  frame: Frame2d,
  scale: Scale,
): readonly (readonly Point[])[] {
  const runs: Point[][] = [];
  let run: Point[] | null = null;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    const step = steps[i] ?? Number.NaN;
    if (!Number.isFinite(value) || !Number.isFinite(step)) {
      run = null;
      continue;
    }
    if (run === null) {
      run = [];
      runs.push(run);
    }
    run.push([xOf(step, frame, scale), yOf(value, frame, scale)]);
  }
  return runs;
}

/** Draws one line; a value that is not finite is a gap, a lonely value a dot. */
export function drawLine(
  context: CanvasRenderingContext2D,
  steps: ArrayLike<number>,
  values: ArrayLike<number>,
  frame: Frame2d,
  scale: Scale,
  { color, width, dash = [] }: Stroke,
  pixelRatio: number,
): void {
  const runs = runsOf(steps, values, frame, scale);
  context.strokeStyle = color;
  context.lineWidth = width * pixelRatio;
  context.lineJoin = "round";
  context.lineCap = "round";
  context.setLineDash(dash.map((length) => length * pixelRatio));
  context.beginPath();
  for (const run of runs) {
    if (run.length < 2) continue;
    for (const [i, [x, y]] of run.entries()) {
      if (i === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
  }
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = color;
  const radius = DOT * width * pixelRatio;
  context.beginPath();
  for (const run of runs) {
    const [point] = run;
    if (point === undefined || run.length > 1) continue;
    const [x, y] = point;
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.fill();
}

/** The last finite value of a line and its step. */
export function lastOf(steps: ArrayLike<number>, values: ArrayLike<number>): [number, number] | null {
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i] ?? Number.NaN;
    if (Number.isFinite(value)) return [steps[i] ?? 0, value];
  }
  return null;
}

/** Moves wished places apart so that neighbours are at least `gap` from each other, none outside of the range. */
export function spread(places: readonly number[], gap: number, low: number, high: number): number[] {
  const order = places.map((place, i) => ({ place, i })).sort((a, b) => a.place - b.place);
  let floor = low;
  for (const item of order) {
    item.place = Math.max(item.place, floor);
    floor = item.place + gap;
  }
  let ceiling = high;
  for (const item of order.reverse()) {
    item.place = Math.min(item.place, ceiling);
    ceiling = item.place - gap;
  }
  return order.sort((a, b) => a.i - b.i).map(({ place }) => place);
}
