import type { Signal } from "@preact/signals";
import { formatLabel } from "../format.ts";
import { placing, type Scale, valueAt } from "../picture/scale.ts";
import type { Kind } from "../protocol.gen.ts";
import { planeOf } from "../store.ts";
import { kindWords } from "../words.ts";
import { useView } from "./context.ts";
import type { Shown } from "./picture.ts";

interface Props {
  readonly which: "low" | "high";
  readonly tensor: Kind;
  readonly shown: Shown;
  /** What the bar's height stands for while an end is dragged: the scale as it was when that began. */
  readonly axis: Signal<Scale | null>;
}

/** The ends stay apart by this share of the bar. */
const LEAST = 0.02;

/** How far a key moves an end, in shares of the bar. */
const KEYS: Record<string, number> = { ArrowUp: 0.05, ArrowDown: -0.05, PageUp: 0.5, PageDown: -0.25 };

/** One end of the scale, by pointer and by key. A double click, or Delete, leaves it to the data again. */
export function End({ which, tensor, shown, axis }: Props) {
  const { store } = useView();
  const scale = shown.scale.value;
  const plane = shown.told.value?.plane;
  if (scale === null || plane === undefined) return null;
  const place = placing(axis.value ?? scale)(scale[which]);

  /** Of the axis; around zero an end stays on its side. */
  const moveTo = (at: number, along: Scale) => {
    const now = planeOf(store.frame.peek(), tensor)?.plane;
    if (now === undefined) return;
    const other = along.diverging
      ? placing(along)(0)
      : placing(along)(which === "high" ? along.low : along.high);
    const bounded = which === "high" ? Math.max(at, other + LEAST) : Math.min(at, other - LEAST);
    const value = valueAt(along, bounded);
    const ends = along.diverging ? { low: value, high: value } : { low: scale.low, high: scale.high };
    store.scales.setEnds(now, { ...ends, [which]: value });
  };
  const reset = () => store.scales.setEnds(plane, null);
  const drag = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const bar = event.currentTarget.parentElement?.getBoundingClientRect();
    if (axis.peek() === null || bar === undefined) return;
    moveTo(1 - (event.clientY - bar.top) / bar.height, axis.peek() ?? scale);
  };
  const end = () => {
    axis.value = null;
  };

  return (
    <div
      class={store.scales.isSet(plane) ? `nnv-end nnv-end-${which} nnv-is-set` : `nnv-end nnv-end-${which}`}
      style={{ top: `${(1 - Math.max(0, Math.min(place, 1))) * 100}%` }}
      role="slider"
      tabIndex={0}
      aria-label={`${which} end of the colours of ${kindWords(tensor)}`}
      aria-orientation="vertical"
      aria-valuenow={scale[which]}
      aria-valuemin={which === "high" ? scale.low : Math.min(plane.low ?? scale.low, scale.low)}
      aria-valuemax={which === "high" ? Math.max(plane.high ?? scale.high, scale.high) : scale.high}
      aria-valuetext={formatLabel(scale[which])}
      title={
        store.scales.isSet(plane)
          ? "Set by hand: a double click, or Delete, leaves it to the data again"
          : "1st to 99th percentile, what is beyond has the colour of the end: drag to change it"
      }
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        axis.value = scale;
        if (event.isTrusted) event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onPointerUp={end}
      onPointerCancel={end}
      onDblClick={reset}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const by = KEYS[event.key];
        // Keys come faster than the view is rendered.
        const current = shown.scale.peek() ?? scale;
        if (by !== undefined) moveTo((which === "high" ? 1 : 0) + by, current);
        else if (event.key === "Delete" || event.key === "Backspace" || event.key === "Home") reset();
        else if (event.key === "End")
          store.scales.setEnds(plane, { low: plane.low ?? 0, high: plane.high ?? 0 });
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}
