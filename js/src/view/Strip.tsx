import { useMemo, useRef } from "preact/hooks";
import { resize } from "../picture/canvas.ts";
import { drawStrip } from "../picture/strip.ts";
import { useView } from "./context.ts";
import { useDrawing } from "./hooks.ts";

/** CSS pixels, as in `layers.css`. */
const HEIGHT = 26;

interface Props {
  readonly path: string;
  /** Device pixels. The list measures itself once: an observer for each row costs more than what it draws. */
  readonly width: number;
  readonly pixelRatio: number;
}

function Drawing({ path, width, pixelRatio }: Props) {
  const { store, theme } = useView();
  const canvas = useRef<HTMLCanvasElement>(null);
  useDrawing(() => {
    const lines = (store.source.series.value?.lines ?? []).filter(({ layer }) => layer === path);
    const colors = theme.value;
    if (canvas.current === null || width <= 0) return;
    resize(canvas.current, width, Math.round(HEIGHT * pixelRatio), pixelRatio);
    drawStrip(canvas.current, lines, colors, pixelRatio);
  });
  return (
    <div class="nnv-strip">
      <canvas ref={canvas} />
    </div>
  );
}

/** The gradient's norm over the steps: each reading grey, the run of them in the accent's colour. */
export function Strip({ path, width, pixelRatio }: Props) {
  // The same node is left alone: rows render in every frame while the list is scrolled.
  return useMemo(
    () => <Drawing path={path} width={width} pixelRatio={pixelRatio} />,
    [path, width, pixelRatio],
  );
}
