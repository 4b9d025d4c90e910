/** From the store's newest frame to pixels on two canvases. */

import { computed, type ReadonlySignal, useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { drawMarks, drawPicture, resize } from "../picture/canvas.ts";
import { layOut, type Picture } from "../picture/layout.ts";
import type { Limits } from "../picture/limits.ts";
import type { Kind } from "../protocol.gen.ts";
import type { PlaneData } from "../source/source.ts";
import { useView } from "./context.ts";
import type { Size } from "./hooks.ts";
import { marksOf } from "./marks.ts";

const ANY: Limits = { low: 0, high: 1, diverging: false };

export interface Shown {
  readonly data: ReadonlySignal<PlaneData | null>;
  readonly picture: ReadonlySignal<Picture | null>;
  readonly limits: ReadonlySignal<Limits | null>;
}

/** One tensor of the newest frame, laid out for its place. */
export function usePicture(tensor: Kind, wishedHeight: number, { width, pixelRatio }: Size): Shown {
  const { store } = useView();
  return useMemo(() => {
    const data = computed(() => store.planeOf(tensor));
    const picture = computed(() =>
      data.value === null
        ? null
        : layOut(data.value, width, Math.round(wishedHeight * pixelRatio), pixelRatio),
    );
    const limits = computed(() => (data.value?.cells ? store.limitsFor(data.value.plane) : null));
    return { data, picture, limits };
  }, [store, tensor, wishedHeight, width, pixelRatio]);
}

/** Asks for the tensor at the size of its place while it is on screen. */
export function useRequest(
  tensor: Kind,
  wishedHeight: number,
  { width, pixelRatio }: Size,
  visible: boolean,
): void {
  const { store } = useView();
  const view = useMemo(() => ({}), []);
  useEffect(() => {
    const shown = visible && width > 0;
    const max_rows = Math.round(wishedHeight * pixelRatio);
    store.requests.set(view, shown ? { tensor, max_rows, max_cols: width, variable: null } : null);
  }, [store, view, tensor, wishedHeight, width, pixelRatio, visible]);
  useEffect(() => () => store.requests.set(view, null), [store, view]);
}

/** Draws with the screen's next frame whenever the picture, its scale, the theme or the marks change. */
export function usePainting(
  { picture, limits }: Shown,
  cells: RefObject<HTMLCanvasElement | null>,
  marks: RefObject<HTMLCanvasElement | null>,
): void {
  const { store, theme } = useView();
  useEffect(() => {
    let drawn: readonly unknown[] = [];
    return store.addPainter(() => {
      const now = picture.peek();
      if (now === null || cells.current === null || marks.current === null) return;
      const scale = limits.peek() ?? ANY;
      const colors = theme.peek();
      const state = [now, scale.low, scale.high, colors, cells.current];
      if (state.some((part, i) => part !== drawn[i])) {
        for (const canvas of [cells.current, marks.current])
          resize(canvas, now.width, now.height, now.pixelRatio);
        drawPicture(cells.current, now, scale, colors);
        drawn = state;
      }
      drawMarks(marks.current, marksOf(store, now), colors, now.pixelRatio);
    });
  }, [store, picture, limits, theme, cells, marks]);
  useSignalEffect(() => {
    void limits.value;
    void theme.value;
    if (picture.value !== null) marksOf(store, picture.value);
    store.repaint();
  });
}
