/** Which maps are on screen and how large, over all views of a widget. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { type Kind, MAX_FRAME_BYTES, type MapRequest } from "./protocol.gen.ts";

const BYTES_PER_CELL = 2;
const MOST_PIXELS = 8192;

/** A map of the whole tensor that stands for the layer. */
export function mapRequest(
  tensor: Kind,
  max_rows: number,
  max_cols: number,
  changes: Partial<MapRequest> = {},
): MapRequest {
  return {
    tensor,
    max_rows,
    max_cols,
    variable: null,
    output: 0,
    cell: null,
    at: {},
    window: null,
    part: "map",
    complex: "abs",
    ...changes,
  };
}

export interface Requests {
  /** One request a tensor and part of it, small enough for all of them to fit a message. */
  readonly all: ReadonlySignal<readonly MapRequest[]>;
  /** What one view's map can show, in device pixels; `null` when it is not visible. */
  set(view: object, request: MapRequest | null): void;
}

/** The smaller of two wishes: the larger view magnifies, the smaller one never shrinks. */
function smaller(a: MapRequest, b: MapRequest): MapRequest {
  return { ...a, max_rows: Math.min(a.max_rows, b.max_rows), max_cols: Math.min(a.max_cols, b.max_cols) };
}

const clamp = (pixels: number): number => Math.max(1, Math.min(Math.floor(pixels), MOST_PIXELS));

function combine(wishes: Iterable<MapRequest>): MapRequest[] {
  const byPicture = new Map<string, MapRequest>();
  for (const wish of wishes) {
    const picture = `${wish.tensor} ${wish.part}`;
    const known = byPicture.get(picture);
    byPicture.set(picture, known === undefined ? wish : smaller(known, wish));
  }
  const maps = [...byPicture].sort(([a], [b]) => a.localeCompare(b)).map(([, wish]) => wish);
  const bytes = maps.reduce((sum, map) => sum + map.max_rows * map.max_cols * BYTES_PER_CELL, 0);
  const shrink = Math.min(1, Math.sqrt(MAX_FRAME_BYTES / Math.max(bytes, 1)));
  return maps.map((map) => ({
    ...map,
    max_rows: clamp(map.max_rows * shrink),
    max_cols: clamp(map.max_cols * shrink),
  }));
}

export function createRequests(): Requests {
  const wishes = new Map<object, MapRequest>();
  const all = signal<readonly MapRequest[]>([]);
  return {
    all,
    set(view, request) {
      if (request === null) wishes.delete(view);
      else wishes.set(view, request);
      const next = combine(wishes.values());
      if (JSON.stringify(next) !== JSON.stringify(all.peek())) all.value = next;
    },
  };
}
