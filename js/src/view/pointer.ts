/** What the pointer does on a picture: it reads out, a click selects, a drag and the wheel zoom. */

import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import { offsetOf, placeAt, rowName } from "../cell.ts";
import { groupOf } from "../group.ts";
import { type Picture, placeUnder, unitsBetween } from "../picture/layout.ts";
import { useView } from "./context.ts";
import { select } from "./select.ts";

/** A shorter drag is a click. CSS pixels. */
const LEAST_DRAG = 4;

/** What one notch of a usual wheel scrolls. CSS pixels. */
const NOTCH = 100;
const PER_NOTCH = 1.25;

/** In CSS pixels within the picture. */
interface Point {
  readonly x: number;
  readonly y: number;
}

/** From where a drag began to where it is. */
export interface Brush {
  readonly from: Point;
  readonly to: Point;
}

interface Pointer {
  /** What is being dragged over. */
  readonly brush: ReadonlySignal<Brush | null>;
  readonly handlers: {
    onPointerDown(event: PointerEvent): void;
    onPointerMove(event: PointerEvent): void;
    onPointerUp(event: PointerEvent): void;
    onPointerCancel(): void;
    onPointerLeave(): void;
    onDblClick(): void;
    onWheel(event: WheelEvent): void;
  };
}

/** Which sides a drag is along: one that hardly moved keeps what it shows. */
function sidesOfDrag({ from, to }: Brush): { down: boolean; right: boolean } {
  return { down: Math.abs(to.y - from.y) >= LEAST_DRAG, right: Math.abs(to.x - from.x) >= LEAST_DRAG };
}

/** The rectangle that is seen: the whole length of a side that the drag is not along. */
export function boxOf(brush: Brush): { left: string; width: string; top: string; height: string } {
  const { down, right } = sidesOfDrag(brush);
  const { from, to } = brush;
  return {
    left: right ? `${Math.min(from.x, to.x)}px` : "0",
    width: right ? `${Math.abs(to.x - from.x)}px` : "100%",
    top: down ? `${Math.min(from.y, to.y)}px` : "0",
    height: down ? `${Math.abs(to.y - from.y)}px` : "100%",
  };
}

export function usePointer(
  shown: ReadonlySignal<Picture | null>,
  canvas: RefObject<HTMLCanvasElement | null>,
): Pointer {
  const { store } = useView();
  const brush = useSignal<Brush | null>(null);
  const began = useRef<Point | null>(null);
  const turned = useRef(0);

  const pointOf = (event: MouseEvent): Point => {
    const bounds = canvas.current?.getBoundingClientRect();
    const within = (at: number, size: number) => Math.max(0, Math.min(at, size));
    return {
      x: within(event.clientX - (bounds?.left ?? 0), bounds?.width ?? 0),
      y: within(event.clientY - (bounds?.top ?? 0), bounds?.height ?? 0),
    };
  };
  const inPicture = (picture: Picture, { x, y }: Point) => {
    // The pixel after the last one belongs to the last cell.
    const scale = picture.pixelRatio;
    return { x: Math.min(x * scale, picture.width - 1), y: Math.min(y * scale, picture.height - 1) };
  };
  const placeOf = (event: MouseEvent) => {
    const picture = shown.peek();
    if (picture === null) return null;
    const { x, y } = inPicture(picture, pointOf(event));
    return { plane: picture.data.plane, ...placeUnder(picture, x, y) };
  };
  const hover = (event: PointerEvent) => {
    const place = placeOf(event);
    if (place === null) return;
    const { plane, row, column } = place;
    const places = store.places.peek();
    const neuron = places.neuronAt(placeAt(plane, column, places.placeOf(store.cursor.neuron.peek())));
    const at = { row, neuron, offset: offsetOf(plane, column), name: rowName(plane, row) };
    store.hover.value = { group: groupOf(plane.tensor), ...at };
  };
  const zoomInto = (drag: Brush) => {
    const picture = shown.peek();
    if (picture === null) return;
    const [a, b] = [inPicture(picture, drag.from), inPicture(picture, drag.to)];
    const { down, right } = sidesOfDrag(drag);
    store.zoom.into(picture.data.plane, {
      rows: down ? unitsBetween(picture.rows, picture.rowEdges, a.y, b.y) : undefined,
      columns: right ? unitsBetween(picture.cols, picture.colEdges, a.x, b.x) : undefined,
    });
  };
  const end = () => {
    began.current = null;
    brush.value = null;
  };

  return {
    brush,
    handlers: {
      onPointerDown(event) {
        if (event.button !== 0 || !event.isPrimary) return;
        began.current = pointOf(event);
        // An event that a script made has no pointer to capture.
        if (event.isTrusted && event.currentTarget instanceof Element)
          event.currentTarget.setPointerCapture(event.pointerId);
      },
      onPointerMove(event) {
        hover(event);
        if (began.current === null) return;
        const drag = { from: began.current, to: pointOf(event) };
        const { down, right } = sidesOfDrag(drag);
        brush.value = down || right ? drag : null;
      },
      onPointerUp(event) {
        if (began.current === null) return;
        const drag = brush.peek();
        end();
        const place = placeOf(event);
        if (drag !== null) zoomInto(drag);
        else if (place !== null) select(store, place.plane, place);
      },
      onPointerCancel: end,
      onPointerLeave() {
        store.hover.value = null;
      },
      onDblClick() {
        store.zoom.back();
      },
      onWheel(event) {
        const map = event.currentTarget;
        const focused = map instanceof Element && map.matches(":focus");
        if (!event.ctrlKey && !focused) return;
        event.preventDefault();
        turned.current += event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? NOTCH / 3 : 1);
        const place = placeOf(event);
        if (place === null || Math.abs(turned.current) < NOTCH / 2) return;
        const factor = PER_NOTCH ** Math.max(-3, Math.min(turned.current / NOTCH, 3));
        turned.current = 0;
        store.zoom.about(place.plane, place.row, place.column, factor, true);
      },
    },
  };
}
