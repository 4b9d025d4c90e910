import type { ReadonlySignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatLabel } from "../format.ts";
import { drawBar, mapFor } from "../picture/canvas.ts";
import type { Limits } from "../picture/limits.ts";
import { useView } from "./context.ts";
import { useDrawing } from "./hooks.ts";

interface Props {
  readonly limits: ReadonlySignal<Limits | null>;
  /** CSS pixels. */
  readonly height: number;
}

/** The colour scale with its ends in numbers. */
export function Bar({ limits: shown, height }: Props) {
  const { theme } = useView();
  const limits = shown.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  useDrawing(() => {
    const colors = theme.value;
    if (canvas.current !== null && limits !== null) drawBar(canvas.current, mapFor(limits, colors));
  });
  if (limits === null) return <div class="nnv-bar" />;
  return (
    <div
      class="nnv-bar"
      style={{ height: `${height}px` }}
      title="1st to 99th percentile; what is beyond has the colour of the end"
    >
      <canvas ref={canvas} />
      <span>{formatLabel(limits.high)}</span>
      {limits.diverging && <span>0</span>}
      <span>{formatLabel(limits.low)}</span>
    </div>
  );
}
