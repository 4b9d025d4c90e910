import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatLabel, plural } from "../format.ts";
import { type Beyond, countBeyond } from "../picture/beyond.ts";
import { mapFor } from "../picture/canvas.ts";
import { drawBar } from "../picture/colorbar.ts";
import { placing, type Scale } from "../picture/scale.ts";
import type { Kind } from "../protocol.gen.ts";
import { useView } from "./context.ts";
import { End } from "./End.tsx";
import { useDrawing, useSize } from "./hooks.ts";
import type { Shown } from "./picture.ts";

interface Props {
  readonly tensor: Kind;
  readonly shown: Shown;
  /** CSS pixels. */
  readonly height: number;
}

const NONE: Beyond = { above: 0, below: 0 };

/** CSS pixels, as in `reading.css`. */
const NUMBER_HEIGHT = 11;
const COUNT_HEIGHT = 26;

/** `12 above`, `1.2k above`: as much as there is room for; the exact number is in the title. */
function Count({ n, of }: { n: number; of: "above" | "below" }) {
  if (n === 0) return null;
  const short = n < 1000 ? String(n) : `${Number((n / 1000).toPrecision(2))}k`;
  const words = `${plural(n, "cell")} ${of} the scale`;
  return (
    <span class={`nnv-bar-count nnv-bar-${of}`} title={words}>
      {short} {of}
    </span>
  );
}

interface WordsProps {
  readonly which: "low" | "high";
  /** Where the end is along the bar, from 0 to 1: it takes its number along while it is dragged. */
  readonly place: number;
  readonly value: number;
  readonly beyond: number;
}

/** The number of one end and how many cells are beyond it: above the upper end, beneath the lower one, but never outside. */
function EndWords({ which, place, value, beyond }: WordsProps) {
  const height = NUMBER_HEIGHT + (beyond > 0 ? COUNT_HEIGHT : 0);
  const from = Math.max(0, Math.min(which === "high" ? place : 1 - place, 1));
  const at = `min(${from * 100}%, 100% - ${height}px)`;
  const number = <span class={`nnv-bar-${which}`}>{formatLabel(value)}</span>;
  return (
    <div class="nnv-bar-words" style={which === "high" ? { bottom: at } : { top: at }}>
      {which === "high" && number}
      <Count n={beyond} of={which === "high" ? "above" : "below"} />
      {which === "low" && number}
    </div>
  );
}

interface RampProps {
  readonly shown: Shown;
  readonly axis: Signal<Scale | null>;
  readonly beyond: ReadonlySignal<Beyond>;
}

/** Ramp and histogram. */
function Ramp({ shown, axis, beyond }: RampProps) {
  const { theme } = useView();
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(canvas);
  useDrawing(() => {
    const [scale, colors, counted] = [shown.scale.value, theme.value, shown.counted.value];
    const over = axis.value ?? scale;
    if (canvas.current === null || scale === null || over === null || size.width === 0) return;
    const { histogram = [], low, high } = counted?.plane ?? {};
    canvas.current.width = size.width;
    canvas.current.height = size.height;
    const bar = { map: mapFor(scale, colors), scale, axis: over, beyond: beyond.value };
    drawBar(canvas.current, { ...bar, histogram, low: low ?? 0, high: high ?? 0 }, colors, size.pixelRatio);
  });
  return <canvas ref={canvas} />;
}

function useBeyond({ counted, scale }: Shown): ReadonlySignal<Beyond> {
  return useComputed(() => {
    const cells = counted.value?.cells ?? null;
    return cells === null || scale.value === null ? NONE : countBeyond(cells, scale.value);
  });
}

/** The colour scale: its ends in numbers and to drag, what is beyond them, and how often each value is. */
export function Bar({ tensor, shown, height }: Props) {
  const axis = useSignal<Scale | null>(null);
  const counts = useBeyond(shown);
  const scale = shown.scale.value;
  if (scale === null) return <div class="nnv-bar" />;
  const beyond = counts.value;
  const place = placing(axis.value ?? scale);
  return (
    <div class="nnv-bar" style={{ height: `${height}px` }}>
      <Ramp shown={shown} axis={axis} beyond={counts} />
      {scale.diverging && axis.value === null && (
        <span class="nnv-bar-zero" style={{ top: `${(1 - place(0)) * 100}%` }}>
          0
        </span>
      )}
      <EndWords which="high" place={place(scale.high)} value={scale.high} beyond={beyond.above} />
      <EndWords which="low" place={place(scale.low)} value={scale.low} beyond={beyond.below} />
      <End which="high" tensor={tensor} shown={shown} axis={axis} />
      <End which="low" tensor={tensor} shown={shown} axis={axis} />
    </div>
  );
}
