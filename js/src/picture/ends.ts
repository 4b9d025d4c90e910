/** Where lines end, and where their names stand there: none on another or on a line, and none where there is no room. */

import { type Frame2d, lastOf, type Scale, spread, xOf, yOf } from "./lines.ts";
import type { Curve, Plot } from "./plot.ts";

/** CSS pixels from one name to the next, and from the end of a line to its name. */
export const NAME_GAP = 14;

/** The share of the gap that a name fills. */
const FILLED = 0.9;

/** How many gaps a name may stand away from the end of its line: farther away it is anybody's. */
const NEAR = [0, -1, 1];
const HELD_NEAR = [...NEAR, -2, 2, -3, 3];

/** Where a curve ends. Device pixels. */
export interface End {
  readonly curve: Curve;
  readonly x: number;
  readonly y: number;
}

/** Where a name stands: from `x` to the right, or up to it. */
export interface Place {
  readonly curve: Curve;
  readonly x: number;
  readonly y: number;
  readonly right: boolean;
}

/** A line of words: how far it reaches, and its middle. */
interface Box {
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

/** What all of them need. Lengths are device pixels. */
interface Room {
  readonly plot: Plot;
  readonly frame: Frame2d;
  readonly gap: number;
  readonly widthOf: (curve: Curve) => number;
}

const scaleOf = (plot: Plot, { side }: Curve): Scale => ({ x: plot.x, y: plot[side]?.range ?? [0, 1] });

/** The ends of all curves that have a name there. */
export function endsOf(plot: Plot, frame: Frame2d): End[] {
  return plot.curves.flatMap((curve) => {
    const last = curve.labelled || curve.faint ? lastOf(curve.steps, curve.values) : null;
    if (last === null) return [];
    const y = yOf(last[1], frame, scaleOf(plot, curve));
    return [{ curve, x: xOf(last[0], frame, plot), y: Math.max(frame.top, Math.min(y, frame.bottom)) }];
  });
}

/**
 * Names of the lines that are shown stand behind the newest end of them; where there is no room, before it and beside
 * their lines. Those of other branches stand at their own ends, the newest branches first, while there is room.
 *
 * @param held Other branches whose names are wanted before all others.
 */
export function placeNames(room: Room, held: readonly string[] = []): Place[] {
  const { plot, frame, gap } = room;
  const ends = endsOf(plot, frame);
  const others = ends.filter(({ curve }) => curve.faint).reverse();
  const places = placesOfShown(
    ends.filter(({ curve }) => !curve.faint),
    room,
  );
  const isFree = (box: Box) =>
    places.every((place) => {
      const other = boxOf(place, room);
      const beside = box.right + gap / 2 <= other.left || other.right + gap / 2 <= box.left;
      return beside || Math.abs(box.y - other.y) >= FILLED * gap;
    });
  const isHeld = ({ curve }: End) => held.includes(curve.name);
  for (const end of [...others.filter(isHeld), ...others.filter((each) => !isHeld(each))]) {
    const wanted = isHeld(end) || others.length === 1;
    const free = placesAround(end, gap, wanted ? HELD_NEAR : NEAR).filter((place) => {
      const box = boxOf(place, room);
      return isInside(box, frame) && isFree(box);
    });
    const place = free.find((each) => !isCrossed(boxOf(each, room), room)) ?? (wanted ? free[0] : undefined);
    if (place !== undefined) places.push(place);
  }
  return places;
}

function boxOf({ curve, x, y, right }: Place, { widthOf }: Room): Box {
  const width = widthOf(curve);
  return right ? { left: x, right: x + width, y } : { left: x - width, right: x, y };
}

const isInside = ({ left, right, y }: Box, frame: Frame2d): boolean =>
  left >= frame.left && right <= frame.right && y >= frame.top && y <= frame.bottom;

/** Whether a line goes through it; steps that are far apart are joined by a straight one. */
function isCrossed({ left, right, y }: Box, { plot, frame, gap }: Room): boolean {
  const half = (FILLED * gap) / 2;
  return plot.curves.some((curve) => {
    const { steps, values } = curve;
    const scale = scaleOf(plot, curve);
    for (let i = firstAfter(steps, left, frame, plot); i < steps.length; i++) {
      const from = Math.max(0, i - 1);
      const [x0, x1] = [from, i].map((at) => xOf(steps[at] ?? 0, frame, plot)) as [number, number];
      if (x0 > right) return false;
      const [y0, y1] = [from, i].map((at) => yOf(values[at] ?? Number.NaN, frame, scale)) as [number, number];
      const at = (x: number) => (x1 === x0 ? y1 : y0 + ((x - x0) / (x1 - x0)) * (y1 - y0));
      const [a, b] = [at(Math.max(left, x0)), at(Math.min(right, x1))];
      if (Math.min(a, b) < y + half && Math.max(a, b) > y - half) return true;
    }
    return false;
  });
}

/** The first of the steps that lies at `left` or behind it. */
function firstAfter(steps: Float64Array, left: number, frame: Frame2d, plot: Plot): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xOf(steps[middle] ?? 0, frame, plot) < left) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Behind an end, then before it: there a name would lie on its own line, and stands beside it. */
function placesAround({ curve, x, y }: End, gap: number, near: readonly number[]): Place[] {
  const behind = near.map((n) => ({ curve, x: x + gap / 2, y: y + n * gap, right: true }));
  const before = near.filter((n) => n !== 0).map((n) => ({ curve, x, y: y + n * gap, right: false }));
  return [...behind, ...before];
}

function placesOfShown(ends: readonly End[], room: Room): Place[] {
  const { frame, gap, widthOf } = room;
  const newest = Math.max(...ends.map(({ x }) => x));
  const widest = Math.max(0, ...ends.map(({ curve }) => widthOf(curve)));
  const right = newest + gap + widest < frame.right;
  const x = right ? newest + gap : newest - gap;
  const [top, bottom] = [frame.top + gap / 2, frame.bottom - gap / 2];
  const beside = (y: number) => (y - gap > top ? y - gap : y + gap);
  const wished = ends.map(({ curve, y }) => {
    // Another branch may go on where this one has ended.
    const isTaken = (at: number) => isCrossed(boxOf({ curve, x, y: at, right }, room), room);
    const free = [y, y - gap, y + gap].find((at) => at >= top && at <= bottom && !isTaken(at));
    return right ? (free ?? y) : beside(y);
  });
  const ys = spread(wished, gap, top, bottom);
  return ends.map(({ curve }, i) => ({ curve, x, y: ys[i] ?? 0, right }));
}
