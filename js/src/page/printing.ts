/** On paper: light, and drawn before the browser looks, which waits for no frame of the screen. */

import type { Appearance } from "./appearance.ts";

/** Lets what waits for a frame of the screen happen as soon as nothing else does, until the returned function is called. */
function withoutFrames(): () => void {
  const { requestAnimationFrame } = window;
  window.requestAnimationFrame = (callback) => {
    queueMicrotask(() => callback(performance.now()));
    return 0;
  };
  return () => {
    window.requestAnimationFrame = requestAnimationFrame;
  };
}

/** Chromium prints what is drawn just now by drawing it once more, and then knows nothing of single pixels: as an image it does. */
function asImage(canvas: HTMLCanvasElement): void {
  const { width, height } = canvas;
  if (width === 0 || height === 0) return;
  const copy = document.createElement("canvas");
  Object.assign(copy, { width, height });
  copy.getContext("2d")?.drawImage(canvas, 0, 0);
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.save();
  context.resetTransform();
  context.globalCompositeOperation = "copy";
  context.drawImage(copy, 0, 0);
  context.restore();
}

export function preparePrinting(appearance: Appearance): void {
  let restore = () => {};
  let frames = () => {};
  window.addEventListener("beforeprint", () => {
    frames = withoutFrames();
    restore = appearance.forPaper();
  });
  // The views hear of the colours and draw between two listeners.
  window.addEventListener("beforeprint", () => {
    frames();
    for (const canvas of document.querySelectorAll("canvas")) asImage(canvas);
  });
  window.addEventListener("afterprint", () => restore());
}
