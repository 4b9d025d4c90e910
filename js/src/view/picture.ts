/** From the store's newest frame to pixels on two canvases. */

import { computed, type ReadonlySignal, useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { drawMarks, drawPicture, resize } from "../picture/canvas.ts";
import { createLayOut, fills, type Layout, type Picture } from "../picture/layout.ts";
import { linear, type Scale } from "../picture/scale.ts";
import type { Kind } from "../protocol.gen.ts";
import { mapRequest } from "../requests.ts";
import type { PlaneData } from "../source/source.ts";
import { planeOf } from "../store.ts";
import { useView } from "./context.ts";
import type { Size } from "./hooks.ts";
import { marksOf } from "./marks.ts";

/** Where nothing is finite. */
export const ANY = linear({ low: 0, high: 1, diverging: false });

/** Parts that change at different rates, so that a new frame redraws canvases and leaves the rest of the page alone. */
export interface Shown {
  /** What words tell of, a moment behind the picture. */
  readonly told: ReadonlySignal<PlaneData | null>;
  /** What is counted, behind it also at rest. */
  readonly counted: ReadonlySignal<PlaneData | null>;
  /** Why there is no picture, `null` if there is one or nobody knows yet. */
  readonly missing: ReadonlySignal<string | null>;
  readonly waiting: ReadonlySignal<boolean>;
  readonly picture: ReadonlySignal<Picture | null>;
  /** Where its cells lie: the same object while only their values change. */
  readonly layout: ReadonlySignal<Layout | null>;
  /** Of the picture in CSS pixels; `null` if it is much lower than its place. Held while one is waited for. */
  readonly height: ReadonlySignal<number | null>;
  readonly scale: ReadonlySignal<Scale | null>;
}

/** One tensor of the newest frame, laid out for its place. */
export function usePicture(tensor: Kind, height: number, { width, pixelRatio }: Size): Shown {
  const { store } = useView();
  return useMemo(() => {
    const data = computed(() => planeOf(store.frame.value, tensor));
    const told = computed(() => planeOf(store.told.value, tensor));
    const counted = computed(() => planeOf(store.counted.value, tensor));
    const room = Math.round(height * pixelRatio);
    const layOut = createLayOut(width, room, pixelRatio);
    const picture = computed(() => (data.value === null ? null : layOut(data.value)));
    const layout = computed(() => picture.value?.layout ?? null);
    let last: number | null = height;
    const filled = computed(() => {
      const now = layout.value;
      if (now !== null) last = fills(now, room) ? now.height / pixelRatio : null;
      return last;
    });
    const scale = computed(() => {
      const [drawn, frame] = [data.value, store.frame.value];
      // Without a finite value there is no scale, whatever the steps before had.
      if (drawn === null || frame === null || drawn.cells === null || drawn.plane.low === null) return null;
      return store.scales.scaleOf(drawn, frame);
    });
    const missing = computed(() => {
      const { cells, missing: why } = data.value ?? { cells: undefined, missing: null };
      return cells === null || cells?.length === 0 ? (why ?? "no values") : null;
    });
    const waiting = computed(() => picture.value === null);
    return { told, counted, missing, waiting, picture, layout, height: filled, scale };
  }, [store, tensor, height, width, pixelRatio]);
}

/** Asks for the tensor at the size of its place while it is on screen. */
export function useRequest(
  tensor: Kind,
  height: number,
  { width, pixelRatio }: Size,
  visible: boolean,
): void {
  const { store } = useView();
  const view = useMemo(() => ({}), []);
  useEffect(() => {
    const shown = visible && width > 0;
    const max_rows = Math.round(height * pixelRatio);
    store.requests.set(view, shown ? mapRequest(tensor, max_rows, width) : null);
  }, [store, view, tensor, height, width, pixelRatio, visible]);
  useEffect(() => () => store.requests.set(view, null), [store, view]);
}

/** Answers whether anything differs from the last time it was asked. */
function changeDetector(): (...state: readonly unknown[]) => boolean {
  let last: readonly unknown[] = [];
  return (...state) => {
    const changed = state.some((part, i) => part !== last[i]);
    last = state;
    return changed;
  };
}

/** Draws with the screen's next frame whenever the picture, its scale, the theme or the marks change. */
export function usePainting(
  { picture, scale }: Shown,
  cells: RefObject<HTMLCanvasElement | null>,
  marks: RefObject<HTMLCanvasElement | null>,
): void {
  const { store, theme } = useView();
  const places = useMemo(
    () => computed(() => (picture.value === null ? null : marksOf(store, picture.value))),
    [store, picture],
  );
  useEffect(() => {
    const cellsChanged = changeDetector();
    const marksChanged = changeDetector();
    return store.addPainter(() => {
      const now = picture.peek();
      if (now === null || cells.current === null || marks.current === null) return;
      const { width, height, pixelRatio } = now;
      const coloring = scale.peek() ?? ANY;
      const colors = theme.peek();
      if (cellsChanged(now, coloring, colors, cells.current)) {
        resize(cells.current, width, height, pixelRatio);
        drawPicture(cells.current, now, coloring, colors);
      }
      const marked = places.peek();
      // While it runs the picture is new in every frame and the marks hardly ever.
      if (marked === null) return;
      if (!marksChanged(width, height, colors, marks.current, JSON.stringify(marked))) return;
      resize(marks.current, width, height, pixelRatio);
      drawMarks(marks.current, marked, colors, pixelRatio);
    });
  }, [store, picture, scale, theme, cells, marks, places]);
  useSignalEffect(() => {
    void scale.value;
    void theme.value;
    void places.value;
    store.repaint();
  });
}
