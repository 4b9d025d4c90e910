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

/** `12 above`, `1.2k above`: as much as there is room for; the exact number is in the title. */
function Count({ n, of }: { n: number; of: "above" | "below" }) {
  if (n === 0) return null;
  const short = n < 1000 ? String(n) : `${Number((n / 1000).toPrecision(2))}k`;
  const words = `${plural(n, "cell")} ${of} the scale`;
  return (
    <span class={`nnv-bar-${of}`} title={words}>
      {short} {of}
    </span>
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
  const zero = placing(axis.value ?? scale)(0);
  return (
    <div class="nnv-bar" style={{ height: `${height}px` }}>
      <Ramp shown={shown} axis={axis} beyond={counts} />
      {scale.diverging && (
        <span class="nnv-bar-zero" style={{ top: `${(1 - zero) * 100}%` }}>
          0
        </span>
      )}
      <span class="nnv-bar-high">{formatLabel(scale.high)}</span>
      <Count n={beyond.above} of="above" />
      <Count n={beyond.below} of="below" />
      <span class="nnv-bar-low">{formatLabel(scale.low)}</span>
      <End which="high" tensor={tensor} shown={shown} axis={axis} />
      <End which="low" tensor={tensor} shown={shown} axis={axis} />
    </div>
  );
}
