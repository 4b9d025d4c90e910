/** Whole pictures: completed, subtracted, sorted, cut out and pooled as Python does it for a kernel's page. */

import { poolPlane } from "../picture/pool.ts";
import type { MapRequest, Plane } from "../protocol.gen.ts";
import { inOrder } from "./columns.ts";
import { crop } from "./crop.ts";
import { clipOf, difference, firstBad, histogramOf, measure } from "./measure.ts";
import { type RecordedPlane, taken } from "./recorded.ts";
import type { Cells, PlaneData } from "./source.ts";

/** A picture with all its cells. */
interface Full extends PlaneData {
  readonly cells: Cells;
}

const completed = new WeakMap<RecordedPlane, Plane>();
const clips = new WeakMap<Cells, ReturnType<typeof clipOf>>();

/** What the header may lack: a histogram, and where the first value is that is not finite. */
function headerOf(entry: RecordedPlane, cells: Cells): Plane {
  const known = completed.get(entry);
  if (known !== undefined) return known;
  const { plane } = entry;
  const histogram = plane.histogram.length > 0 ? plane.histogram : histogramOf(cells, plane.low, plane.high);
  const bad = plane.n_nan + plane.n_posinf + plane.n_neginf > 0;
  const first_bad = bad ? (plane.first_bad ?? firstBad(plane, cells)) : null;
  const header = { ...plane, histogram, first_bad };
  completed.set(entry, header);
  return header;
}

/** A recorded picture whose cells are at hand; `null` if they were left out. */
export function fullPicture(entry: RecordedPlane): Full | null {
  if (entry.cells === null) return null;
  const cells = taken(entry.cells);
  return { plane: headerOf(entry, cells), cells, missing: null };
}

/** By how much a picture is greater than it was; `null` where both have not the same cells. */
export function comparedWith(now: Full, before: Full, step: number): Full | null {
  if (now.cells.length !== before.cells.length || now.plane.rows !== before.plane.rows) return null;
  const cells = difference(now.cells, before.cells);
  const { row_factor, col_factor } = now.plane;
  const pooled_first = row_factor > 1 || col_factor > 1;
  const plane: Plane = { ...now.plane, compared: step, encoding: "f32" };
  const header = { ...plane, ...measure(plane, cells), ...(pooled_first ? { pooled_first } : {}) };
  return { plane: header, cells, missing: null };
}

/** The picture with its neurons in another order. */
export function sorted(data: PlaneData, order: Int32Array): PlaneData {
  const put = inOrder(data, order);
  const { plane, cells } = put;
  if (plane.first_bad === null || cells === null) return put;
  return { ...put, plane: { ...plane, first_bad: firstBad(plane, cells) } };
}

/** The part that is zoomed into, of no more cells than there is room for. */
export function fitted(whole: PlaneData, { window, max_rows, max_cols }: MapRequest): PlaneData {
  const data = crop(whole, window);
  const drawn = poolPlane(data, max_rows, max_cols);
  if (drawn === data || drawn.cells === null || data.cells === null) return drawn;
  // A cell is an extreme of many values: on the scale of the values most cells would be at its ends.
  const clip = clips.get(data.cells) ?? clipOf(drawn.cells);
  clips.set(data.cells, clip);
  return { ...drawn, plane: { ...drawn.plane, ...clip } };
}
