/** An axis that ends at round numbers: its range, its ticks and how they are written. */

import { trueMinus } from "../format.ts";

export interface Axis {
  readonly name: string;
  readonly range: readonly [number, number];
  readonly step: number;
  /** Whether range and step are powers of ten. */
  readonly log?: boolean;
}

const MOST_INTERVALS = 4;

/** The smallest of 1, 2, 5, 10 … times a power of ten that is not below `least`. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((each) => each * power >= least * 0.999_999) ?? 10) * power;
}

/** From zero, or from below it, to beyond the extremes in a few equal steps. */
export function axisOf(name: string, lowest: number, highest: number): Axis {
  const low = Math.min(0, lowest);
  const high = Math.max(0, highest);
  let step = high > low ? niceStep((high - low) / MOST_INTERVALS) : 1;
  let [first, last] = ends(low, high, step);
  // Both ends are rounded: below and above zero that may be one step too many.
  while (last - first > MOST_INTERVALS) {
    step = niceStep(step * 1.5);
    [first, last] = ends(low, high, step);
  }
  return { name, range: [first * step, Math.max(last, first + 1) * step], step };
}

/** Of powers of ten, from and to whole ones; the extremes are above zero. */
export function logAxisOf(name: string, lowest: number, highest: number): Axis {
  const low = Math.floor(Math.log10(lowest));
  const high = Math.max(low + 1, Math.ceil(Math.log10(highest)));
  const step = Math.ceil((high - low) / MOST_INTERVALS);
  const [first, last] = ends(low, high, step);
  return { name, range: [first * step, last * step], step, log: true };
}

function ends(low: number, high: number, step: number): [number, number] {
  // Zero has no sign here.
  return [Math.floor(low / step + 1e-6) + 0, Math.ceil(high / step - 1e-6) + 0];
}

export function ticksOf({ range: [low, high], step }: Axis): number[] {
  const first = Math.round(low / step);
  const count = Math.round(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

/** What stands at a tick. */
export function tickText({ log = false, step }: Axis, tick: number): string {
  if (!log) return formatTick(tick, step);
  return tick >= -3 && tick <= 4 ? String(Number((10 ** tick).toFixed(3))) : trueMinus(`1e${tick}`);
}

const exponentOf = (value: number): number => Number(value.toExponential().split("e")[1]);

/** With as many digits as tell two ticks apart; the ticks of one axis all in the same manner. */
export function formatTick(value: number, step: number): string {
  if (Math.abs(value) < step / 2) return "0";
  const digits = exponentOf(step);
  if (step < 5e4 && digits >= -3) return trueMinus(value.toFixed(Math.max(0, -digits)));
  const [mantissa, exponent] = value.toExponential(Math.max(0, exponentOf(value) - digits)).split("e");
  return trueMinus(`${Number(mantissa)}e${Number(exponent)}`);
}
