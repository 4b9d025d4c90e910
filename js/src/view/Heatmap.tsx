import { computed, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { columnOf, neuronOf, offsetOf, rowOf, rowsAreSamples } from "../cell.ts";
import { drawMarks, drawPicture, type Marks, resize } from "../picture/canvas.ts";
import { layOut, type Picture, placeUnder, span } from "../picture/layout.ts";
import type { Kind, Plane } from "../protocol.gen.ts";
import { groupOf, type Store } from "../store.ts";
import { Bar } from "./Bar.tsx";
import { useView } from "./context.ts";
import { useSize, useVisible } from "./hooks.ts";
import { Label } from "./Label.tsx";
import { select, useMapKeys } from "./select.ts";

interface Props {
  readonly tensor: Kind;
  /** CSS pixels. */
  readonly wishedHeight: number;
}

function marksOf(store: Store, picture: Picture, plane: Plane): Marks {
  const group = groupOf(plane.tensor);
  const { cursor } = store;
  const columnsOf = (neuron: number, offset: number): readonly [number, number] => {
    const each = plane.neuron_cols;
    const from = each > 0 ? neuron * each : offset;
    const width = each > 1 && plane.gutter ? each - 1 : 1;
    return span(picture.cols, picture.colEdges, Math.min(from, plane.full_cols - 1), from + width);
  };
  const rowAt = (row: number) => span(picture.rows, picture.rowEdges, row, row + 1);
  const cell = store.cells[group].value;
  const chosen = rowsAreSamples(plane) || cell.row >= 0;
  const hover = store.hover.value;
  const overColumn = hover === null ? 0 : columnOf(plane, hover.neuron, hover.offset);
  return {
    column: columnsOf(cursor.neuron.value, cell.offset),
    row: chosen ? rowAt(rowOf(plane, cell, cursor.sample.value)) : null,
    hoverColumn: hover === null ? null : span(picture.cols, picture.colEdges, overColumn, overColumn + 1),
    hoverRow: hover?.group === group ? rowAt(Math.min(hover.row, plane.full_rows - 1)) : null,
  };
}

/** One tensor as a picture, with its name at the left and its scale at the right. */
export function Heatmap({ tensor, wishedHeight }: Props) {
  const { store, theme } = useView();
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const { width, pixelRatio } = useSize(box);
  const visible = useVisible(box);
  const view = useMemo(() => ({}), []);
  const height = Math.round(wishedHeight * pixelRatio);

  useEffect(() => {
    const shown = visible && width > 0;
    store.requests.set(view, shown ? { tensor, max_rows: height, max_cols: width, variable: null } : null);
    return () => store.requests.set(view, null);
  }, [store, tensor, visible, width, height, view]);

  const data = useMemo(() => computed(() => store.planeOf(tensor)), [store, tensor]);
  const picture = useMemo(
    () => computed(() => (data.value === null ? null : layOut(data.value, width, height, pixelRatio))),
    [data, width, height, pixelRatio],
  );
  const limits = useMemo(
    () => computed(() => (data.value === null ? null : store.limitsFor(data.value.plane))),
    [data, store],
  );

  useEffect(() => {
    let drawn: unknown[] = [];
    return store.addPainter(() => {
      const now = picture.peek();
      const scale = limits.peek() ?? { low: 0, high: 1, diverging: false };
      if (now === null || canvas.current === null || overlay.current === null) return;
      const state = [now, scale.low, scale.high, theme.peek()];
      if (state.some((part, i) => part !== drawn[i])) {
        resize(canvas.current, now.width, now.height, pixelRatio);
        resize(overlay.current, now.width, now.height, pixelRatio);
        drawPicture(canvas.current, now, scale, theme.peek());
        drawn = state;
      }
      drawMarks(overlay.current, marksOf(store, now, now.data.plane), theme.peek(), pixelRatio);
    });
  }, [store, picture, limits, theme, pixelRatio]);

  useSignalEffect(() => {
    const now = picture.value;
    void limits.value;
    void theme.value;
    if (now !== null) marksOf(store, now, now.data.plane);
    store.repaint();
  });
  useEffect(() => store.repaint(), [store, picture]);

  const placeOf = (event: PointerEvent) => {
    const now = picture.peek();
    const bounds = body.current?.getBoundingClientRect();
    if (now === null || bounds === undefined) return null;
    const x = ((event.clientX - bounds.left) / bounds.width) * now.width;
    const y = ((event.clientY - bounds.top) / bounds.height) * now.height;
    return { plane: now.data.plane, ...placeUnder(now, x, y) };
  };
  const hover = (event: PointerEvent) => {
    const place = placeOf(event);
    if (place === null) return;
    const { plane, row, column } = place;
    const neuron = neuronOf(plane, column, store.cursor.neuron.peek());
    store.hover.value = { group: groupOf(tensor), row, neuron, offset: offsetOf(plane, column) };
  };
  const pick = (event: PointerEvent) => {
    const place = placeOf(event);
    if (place !== null) select(store, place.plane, place);
  };
  const onKeyDown = useMapKeys(tensor);
  const found = data.value;
  const empty = found !== null && picture.value === null;
  return (
    <div class="nnv-map" data-tensor={tensor}>
      <Label tensor={tensor} data={found} />
      <div class="nnv-map-box" ref={box}>
        {empty ? (
          <p class="nnv-missing">{found.missing ?? "nothing to draw"}</p>
        ) : (
          <div
            ref={body}
            class={picture.value === null ? "nnv-map-body nnv-blank" : "nnv-map-body"}
            style={picture.value === null ? { height: `${wishedHeight}px` } : undefined}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keys
            tabIndex={0}
            role="application"
            aria-roledescription="heatmap"
            aria-label={`${tensor.replace("_", " ")} of ${store.layer.value?.path ?? "no layer"}`}
            onPointerMove={hover}
            onPointerLeave={() => {
              store.hover.value = null;
            }}
            onPointerDown={pick}
            onKeyDown={onKeyDown}
          >
            <canvas ref={canvas} class="nnv-data" />
            <canvas ref={overlay} class="nnv-overlay" />
          </div>
        )}
      </div>
      <Bar limits={found?.cells ? limits.value : null} />
    </div>
  );
}
