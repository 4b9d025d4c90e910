import { useRef } from "preact/hooks";
import { resize } from "../picture/canvas.ts";
import { drawStrip } from "../picture/strip.ts";
import { useView } from "./context.ts";
import { useDrawing, useSize } from "./hooks.ts";

/** The gradient's norm over the steps: each reading grey, the run of them in the accent's colour. */
export function Strip({ path }: { path: string }) {
  const { store, theme } = useView();
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  useDrawing(() => {
    const line = store.source.series.value?.lines.find(({ layer }) => layer === path);
    const colors = theme.value;
    if (canvas.current === null || size.width === 0) return;
    resize(canvas.current, size.width, size.height, size.pixelRatio);
    drawStrip(canvas.current, line ?? null, colors, size.pixelRatio);
  });
  return (
    <div class="nnv-strip" ref={box}>
      <canvas ref={canvas} />
    </div>
  );
}
