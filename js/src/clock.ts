/** One clock for painting: everything is drawn in the same frame of the screen. */

import type { FrameData, FrameSource } from "./source/source.ts";

export interface Clock {
  /** Draws at the next frame of the screen, together with all others. Returns how to stop. */
  addPainter(paint: () => void): () => void;
  repaint(): void;
}

/** Runs all painters in one animation frame and then tells the source that its frame is on screen. */
export function createClock(source: FrameSource, abort: AbortSignal): Clock {
  const painters = new Set<() => void>();
  let scheduled = 0;
  let paid: FrameData | null = null;

  function tick(): void {
    scheduled = 0;
    for (const paint of painters) paint();
    const frame = source.frame.peek();
    if (frame === null || frame === paid) return;
    paid = frame;
    source.painted(frame.seq);
  }
  function repaint(): void {
    if (scheduled === 0 && !abort.aborted) scheduled = requestAnimationFrame(tick);
  }
  abort.addEventListener("abort", () => cancelAnimationFrame(scheduled));
  return {
    repaint,
    addPainter(paint: () => void): () => void {
      painters.add(paint);
      repaint();
      return () => painters.delete(paint);
    },
  };
}
