/** What the two ends of a colour bar stand for, held still while a picture moves. */

import type { Plane } from "../protocol.gen.ts";

export interface Limits {
  readonly low: number;
  readonly high: number;
  readonly diverging: boolean;
}

/** A frame must pass the held limit by this factor before the scale grows. */
const GROW = 1.1;

/** And fall below it by this one before it shrinks: gradients lose orders of magnitude over a run. */
const SHRINK = 0.25;

/** The limits that one frame alone would have: percentiles, so that one outlier does not flatten the picture. */
export function limitsOf(plane: Plane): Limits | null {
  const { low, high } = plane;
  if (low === null || high === null) return null;
  const diverging = plane.tensor !== "activations" || plane.compared !== null || low < 0;
  const clipLow = plane.clip_low ?? low;
  const clipHigh = plane.clip_high ?? high;
  if (!diverging) return { low: 0, high: clipHigh > 0 ? clipHigh : high > 0 ? high : 1, diverging };
  // More than 98 % zeros, as in sparse gradients: the percentiles say nothing.
  const clipped = Math.max(Math.abs(clipLow), Math.abs(clipHigh));
  const size = clipped > 0 ? clipped : Math.max(Math.abs(low), Math.abs(high)) || 1;
  return { low: -size, high: size, diverging };
}

/** Keeps the held limits unless the new frame leaves them clearly. */
export function hold(held: Limits | null, now: Limits | null): Limits | null {
  if (held === null || now === null) return now ?? held;
  if (now.diverging !== held.diverging) return now.diverging ? now : held;
  if (now.high > held.high) return now.high > held.high * GROW ? stretch(now, GROW) : held;
  return now.high < held.high * SHRINK ? now : held;
}

function stretch(limits: Limits, factor: number): Limits {
  return { ...limits, low: limits.low * factor, high: limits.high * factor };
}
