/** The colour scales of the maps: held still over the steps, or set by a person. */

import { type Signal, signal } from "@preact/signals";
import { type Group, groupOf } from "./group.ts";
import { bitsOf } from "./picture/bits.ts";
import { hold, type Limits, limitsOf } from "./picture/limits.ts";
import { type Ranks, ranksOf } from "./picture/ranks.ts";
import type { Norm, Scale } from "./picture/scale.ts";
import type { Plane } from "./protocol.gen.ts";
import type { FrameData, PlaneData } from "./source/source.ts";
import { minusWords } from "./words.ts";

export interface Scales {
  readonly norms: Readonly<Record<Group, Signal<Norm>>>;
  /** Whether a scale stays as it is from step to step; otherwise each picture has its own. */
  readonly locked: Signal<boolean>;
  /** The scale of a plane of the frame, `null` if nothing in it is finite. The same object while nothing changes. */
  scaleOf(data: PlaneData, frame: FrameData): Scale | null;
  /** Whether a person set the ends of a plane's scale. */
  isSet(plane: Plane): boolean;
  /** Sets both ends; `null` leaves them to the data again. Around zero the larger one is that of both sides. */
  setEnds(plane: Plane, ends: { readonly low: number; readonly high: number } | null): void;
}

interface Held {
  readonly limits: Limits | null;
  scale: Scale | null;
}

/** Of complex numbers the note says which part is drawn. */
function keyOf(plane: Plane): string {
  const { tensor, variable, output, dtype, note } = plane;
  return JSON.stringify([tensor, variable, output, minusWords(plane), dtype.startsWith("complex") && note]);
}

/** Ends in order and apart. */
function between(low: number, high: number, diverging: boolean): Limits {
  if (diverging) {
    const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return { low: -size, high: size, diverging };
  }
  return high > low ? { low, high, diverging } : { low, high: low + (Math.abs(low) || 1) * 1e-3, diverging };
}

export function createScales(): Scales {
  const norms = { parameters: signal<Norm>("linear"), outputs: signal<Norm>("linear") };
  const locked = signal(true);
  const set = signal<ReadonlyMap<string, Limits>>(new Map());
  const held = new Map<string, Held>();
  let layer = "";
  let seen: FrameData | null = null;
  let seenLocked = true;

  const settingKey = (plane: Plane): string => `${layer} ${keyOf(plane)}`;

  /** Takes the frame's planes into account, once. */
  function follow(frame: FrameData, keep: boolean): void {
    if (frame === seen && keep === seenLocked) return;
    seen = frame;
    seenLocked = keep;
    if (frame.layer !== layer) held.clear();
    layer = frame.layer;
    for (const { plane, cells } of frame.planes) {
      if (cells === null || plane.part !== "map") continue;
      const before = held.get(keyOf(plane));
      const own = limitsOf(plane);
      const limits = keep ? hold(before?.limits ?? null, own) : own;
      const same = before?.limits?.low === limits?.low && before?.limits?.high === limits?.high;
      // A scale by rank that is not held has the ranks of its own picture.
      if (before === undefined || !same || !keep) held.set(keyOf(plane), { limits, scale: null });
    }
  }

  function ranksFor({ cells }: PlaneData, norm: Norm, before: Scale | null): Ranks | null {
    if (norm !== "rank" || cells === null) return null;
    return before?.ranks ?? ranksOf(bitsOf(cells));
  }

  return {
    norms,
    locked,
    scaleOf(data, frame) {
      follow(frame, locked.value);
      const norm = norms[groupOf(data.plane.tensor)].value;
      const entry = held.get(keyOf(data.plane));
      const limits = set.value.get(settingKey(data.plane)) ?? entry?.limits ?? null;
      if (entry === undefined || limits === null) return null;
      const { scale } = entry;
      if (scale?.norm === norm && scale.low === limits.low && scale.high === limits.high) return scale;
      entry.scale = { ...limits, norm, ranks: ranksFor(data, norm, scale) };
      return entry.scale;
    },
    isSet: (plane) => set.value.has(settingKey(plane)),
    setEnds(plane, ends) {
      const next = new Map(set.peek());
      const known = held.get(keyOf(plane))?.limits ?? limitsOf(plane);
      if (ends === null || known === null) next.delete(settingKey(plane));
      else next.set(settingKey(plane), between(ends.low, ends.high, known.diverging));
      set.value = next;
    },
  };
}
