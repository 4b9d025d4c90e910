/** A small picture whose cells are square, as those of an image are; rows that are no image are strips. */

import type { Plane } from "../protocol.gen.ts";
import type { PlaneData } from "../source/source.ts";
import { bitsOf } from "./bits.ts";
import type { Picture } from "./layout.ts";
import { poolPlane } from "./pool.ts";
import { alignedEdges, evenEdges, type Side, sidesOf } from "./side.ts";

/** CSS pixels. */
const LARGEST_CELL = 24;
const STRIP_HEIGHT = 16;
const WIDEST_CELL = 60;

/** From this ratio of columns to rows on a picture takes the whole width. */
const WIDE = 2.5;

/** Without the gap after the last tile, which separates it from nothing. */
const fullCells = ({ full, fullTile }: Side): number => (fullTile > 0 ? full - 1 : full);

const drawnCells = ({ cells, tile }: Side): number => (tile > 0 ? cells - 1 : cells);

/** Whether each row is called by a name, such as that of a gate. */
export const hasNames = ({ row_axes: [axis] }: Plane): boolean => (axis?.labels.length ?? 0) > 0;

/** Whether a picture is so wide, with what it is called, that two of them do not lie side by side. */
export function isWide({ plane }: PlaneData): boolean {
  return hasNames(plane) || (plane.full_cols > WIDE * plane.full_rows && plane.full_cols > 1);
}

/** Lays a plane out within so many device pixels; `null` if there is nothing to draw. */
export function layOutSquare(
  data: PlaneData,
  width: number,
  room: number,
  pixelRatio: number,
): Picture | null {
  if (data.cells === null || data.cells.length === 0 || width === 0) return null;
  const whole = sidesOf(data.plane);
  const [nRows, nCols] = [fullCells(whole.rows), fullCells(whole.cols)];
  const named = hasNames(data.plane) && whole.rows.fullTile === 0;
  const strip = named || (nRows === 1 && nCols > 1);
  const largest = Math.round(LARGEST_CELL * pixelRatio);
  const unit = Math.min(width / nCols, room / nRows, largest);
  const each = unit > 1 ? Math.floor(unit) : unit;
  // Whatever was pooled, and by which factors: the picture keeps its shape.
  const pixels = (full: number): number => Math.max(1, Math.floor(full * each));
  const size = {
    width: strip ? Math.min(width, nCols * Math.round(WIDEST_CELL * pixelRatio)) : pixels(nCols),
    height: strip ? Math.min(room, nRows * Math.round(STRIP_HEIGHT * pixelRatio)) : pixels(nRows),
  };
  const fitting = poolPlane(data, size.height, size.width);
  const { rows, cols } = sidesOf(fitting.plane);
  return {
    data: fitting,
    bits: bitsOf(fitting.cells ?? data.cells),
    rows,
    cols,
    rowEdges: evenEdges(rows.cells, drawnCells(rows), size.height),
    colEdges: strip ? alignedEdges(cols, size.width) : evenEdges(cols.cells, drawnCells(cols), size.width),
    ...size,
    pixelRatio,
  };
}
