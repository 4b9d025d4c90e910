/** From values to places on a colour bar, 0 at its low end and 1 at its high one, and back. */

import type { Limits } from "./limits.ts";
import { type Ranks, rankOf, valueOfRank } from "./ranks.ts";

/** How a scale spreads values: evenly, by size from zero (`symlog`), or so that each colour is as frequent (`rank`). */
export const NORMS = ["linear", "symlog", "rank"] as const;

export type Norm = (typeof NORMS)[number];

export interface Scale extends Limits {
  readonly norm: Norm;
  /** Of the norm `rank`; others have none. */
  readonly ranks: Ranks | null;
}

/** A symlog scale is linear up to this share of its larger end: two orders of magnitude above it are told apart. */
const LINEAR_SHARE = 1e-2;

interface Bend {
  to(value: number): number;
  from(bent: number): number;
}

const STRAIGHT: Bend = { to: (value) => value, from: (bent) => bent };

function bendOf({ norm, ranks, low, high }: Scale): Bend {
  if (norm === "symlog") {
    const unit = Math.max(Math.abs(low), Math.abs(high)) * LINEAR_SHARE || 1;
    return {
      to: (value) => Math.sign(value) * Math.log1p(Math.abs(value) / unit),
      from: (bent) => Math.sign(bent) * Math.expm1(Math.abs(bent)) * unit,
    };
  }
  if (norm === "rank" && ranks !== null) {
    return { to: (value) => rankOf(ranks, value), from: (bent) => valueOfRank(ranks, bent) };
  }
  return STRAIGHT;
}

/** Returns the place of a value; beyond 0 and 1 for one beyond the ends. */
export function placing(scale: Scale): (value: number) => number {
  const { to } = bendOf(scale);
  const [low, high] = [to(scale.low), to(scale.high)];
  const length = high - low || 1;
  return (value) => (to(value) - low) / length;
}

/** The value at a place. */
export function valueAt(scale: Scale, place: number): number {
  const { to, from } = bendOf(scale);
  const [low, high] = [to(scale.low), to(scale.high)];
  return from(low + place * (high - low));
}

export function linear(limits: Limits): Scale {
  return { ...limits, norm: "linear", ranks: null };
}
