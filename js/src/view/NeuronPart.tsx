import { computed, type ReadonlySignal, type Signal, useComputed } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { Looked } from "../neuron/look.ts";
import { type PartName, partOf } from "../neuron/parts.ts";
import { inputAt, type PartPlace, placeOfInput, sameCells } from "../neuron/place.ts";
import { drawPicture, resize } from "../picture/canvas.ts";
import { type Picture, placeUnder, span } from "../picture/layout.ts";
import { hold, type Limits, limitsOf } from "../picture/limits.ts";
import { linear } from "../picture/scale.ts";
import { isWide, layOutSquare } from "../picture/square.ts";
import type { Plane } from "../protocol.gen.ts";
import { planeOf, type Store } from "../store.ts";
import { minusWords } from "../words.ts";
import { Blocks, namesWidth } from "./Blocks.tsx";
import { useView } from "./context.ts";
import { useDrawing } from "./hooks.ts";
import { ANY } from "./picture.ts";

/** CSS pixels: the room of a picture that stands beside another one, and of a wide one. */
export const TALL = 150;

interface Props {
  readonly name: PartName;
  readonly caption: string;
  readonly looked: Signal<Looked | null>;
  /** Of the panel, in device pixels. */
  readonly width: number;
  readonly pixelRatio: number;
  /** How many pictures stand side by side. */
  readonly columns: number;
}

/** Holds the colours still while the same tensor moves. */
function scaleHolder(): (plane: Plane, layer: string) => Limits | null {
  let held: Limits | null = null;
  let of = "";
  return (plane, layer) => {
    const now = JSON.stringify([layer, plane.variable, minusWords(plane), plane.note]);
    held = now === of ? hold(held, limitsOf(plane)) : limitsOf(plane);
    of = now;
    return held;
  };
}

/** The place that is looked at in this picture: by the pointer, else the input that the weights map selects. */
function placeIn(plane: Plane, looked: Looked | null, selectedInput: number | null): PartPlace | null {
  if (looked !== null) return sameCells(looked.plane, plane) ? looked.place : null;
  return selectedInput === null ? null : placeOfInput(plane, selectedInput);
}

/** The row of the weights map that is selected, where a row is an input. */
export function useSelectedInput(): ReadonlySignal<number | null> {
  const { store } = useView();
  return useMemo(
    () =>
      computed(() => {
        const axes = planeOf(store.told.value, "weights")?.plane.row_axes ?? [];
        const { row } = store.cells.parameters.value;
        return row >= 0 && axes.length === 1 && axes[0]?.name === "in" ? row : null;
      }),
    [store],
  );
}

/** Where a cell is in the picture, as CSS. */
function boxOf(picture: Picture, place: PartPlace): string {
  const rows = span(picture.rows, picture.rowEdges, place.row, place.row + 1);
  const cols = span(picture.cols, picture.colEdges, place.column, place.column + 1);
  if (rows === null || cols === null) return "";
  const css = (pixels: number): string => `${pixels / picture.pixelRatio}px`;
  const [top, bottom] = rows;
  const [left, right] = cols;
  return `left: ${css(left)}; top: ${css(top)}; width: ${css(right - left)}; height: ${css(bottom - top)}`;
}

/** Selects the input that is looked at in the maps of the weights, where a row is an input. */
export function selectInput(store: Store, { plane, place }: Looked): void {
  const input = inputAt(plane, place);
  const { parameters } = store.cells;
  const [axis] = planeOf(store.frame.peek(), "weights")?.plane.row_axes ?? [];
  // A layer that weighs the channels at each place has fewer rows than its input has values.
  if (input !== null && axis?.name === "in" && placeOfInput(plane, axis.size) === null)
    parameters.value = { ...parameters.peek(), row: input };
}

/** One part of the neuron as a picture. */
export function NeuronPart({ name, caption, looked, width, pixelRatio, columns }: Props) {
  const { store, theme } = useView();
  const canvas = useRef<HTMLCanvasElement>(null);
  const selected = useSelectedInput();
  const limits = useMemo(scaleHolder, []);
  const { wide, names } = useFitting(name);
  const room = Math.round(TALL * pixelRatio);
  const gap = Math.round(8 * pixelRatio);
  const column = Math.floor((width - gap * (columns - 1)) / columns);
  const share = (wide ? 2 * column + gap : column) - Math.round(names * pixelRatio);
  const picture = useMemo(
    () =>
      computed(() => {
        const data = partOf(store.frame.value, name);
        return data === null ? null : layOutSquare(data, share, room, pixelRatio);
      }),
    [store, name, share, room, pixelRatio],
  );
  useDrawing(() => {
    const now = picture.value;
    const colors = theme.value;
    if (now === null || canvas.current === null) return;
    const ends = limits(now.data.plane, store.frame.peek()?.layer ?? "");
    resize(canvas.current, now.width, now.height, pixelRatio);
    drawPicture(canvas.current, now, ends === null ? ANY : linear(ends), colors);
  });
  const drawn = useMemo(() => computed(() => picture.value !== null), [picture]).value;
  if (!drawn) return null;
  const look = (event: PointerEvent): Looked | null => {
    const now = picture.peek();
    const bounds = canvas.current?.getBoundingClientRect();
    if (now === null || bounds === undefined) return null;
    const x = ((event.clientX - bounds.left) / bounds.width) * now.width;
    const y = ((event.clientY - bounds.top) / bounds.height) * now.height;
    const { row, column } = placeUnder(now, x, y);
    return { plane: now.data.plane, place: { row, column } };
  };
  return (
    <figure
      class={wide ? "nnv-facet nnv-facet-wide" : "nnv-facet"}
      data-part={`${name.tensor} ${name.part}`}
      style={{ "--nnv-names": `${names}px` }}
    >
      <div
        class="nnv-facet-picture"
        onPointerMove={(event) => {
          looked.value = look(event);
        }}
        onPointerLeave={() => {
          looked.value = null;
        }}
        onPointerDown={(event) => {
          const at = look(event);
          if (at !== null) selectInput(store, at);
        }}
      >
        <canvas ref={canvas} role="img" aria-label={caption} />
        <Blocks layout={picture} />
        <PlaceMark picture={picture} looked={looked} selected={selected} />
      </div>
      <figcaption>{caption}</figcaption>
    </figure>
  );
}

/** Whether a part takes the whole width, and how much of it the names of its rows take. */
function useFitting(name: PartName): { wide: boolean; names: number } {
  const { store } = useView();
  const data = useMemo(() => computed(() => partOf(store.frame.value, name)), [store, name]);
  const wide = useComputed(() => data.value !== null && isWide(data.value)).value;
  const names = useComputed(() => (data.value === null ? 0 : namesWidth(data.value.plane))).value;
  return { wide, names };
}

interface MarkProps {
  readonly picture: ReadonlySignal<Picture | null>;
  readonly looked: ReadonlySignal<Looked | null>;
  readonly selected: ReadonlySignal<number | null>;
}

/** The cell that is looked at. Renders for itself, and only when it moves. */
function PlaceMark({ picture, looked, selected }: MarkProps) {
  const box = useMemo(
    () =>
      computed(() => {
        const now = picture.value;
        const place = now === null ? null : placeIn(now.data.plane, looked.value, selected.value);
        return now === null || place === null ? "" : boxOf(now, place);
      }),
    [picture, looked, selected],
  ).value;
  return box === "" ? null : <i class="nnv-facet-mark" style={box} />;
}
