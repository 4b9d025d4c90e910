/** Small bridges from the page to components. */

import { useSignal, useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { randomName } from "../names.ts";

export interface Size {
  /** Device pixels. */
  readonly width: number;
  readonly height: number;
  readonly pixelRatio: number;
}

const NO_SIZE: Size = { width: 0, height: 0, pixelRatio: 1 };

/** The browser's own count where it agrees with the pixel ratio; under an emulated ratio it does not. */
function devicePixels(css: number, exact: number | undefined, pixelRatio: number): number {
  const rounded = Math.round(css * pixelRatio);
  return exact !== undefined && Math.abs(exact - rounded) <= 1 ? exact : rounded;
}

function sizeOf(entry: ResizeObserverEntry): Size {
  const pixelRatio = window.devicePixelRatio || 1;
  const exact = entry.devicePixelContentBoxSize?.[0];
  const { width, height } = entry.contentRect;
  return {
    width: devicePixels(width, exact?.inlineSize, pixelRatio),
    height: devicePixels(height, exact?.blockSize, pixelRatio),
    pixelRatio,
  };
}

/** The size of an element in whole device pixels; zero until it is known. */
export function useSize(ref: RefObject<HTMLElement | null>): Size {
  const size = useSignal(NO_SIZE);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    let scheduled = 0;
    const observer = new ResizeObserver((entries) => {
      const entry = entries.at(-1);
      if (entry === undefined) return;
      const next = sizeOf(entry);
      // What is drawn changes heights: inside of the observer's own round that is a loop, and browsers complain.
      cancelAnimationFrame(scheduled);
      scheduled = requestAnimationFrame(() => {
        if (JSON.stringify(size.peek()) !== JSON.stringify(next)) size.value = next;
      });
    });
    try {
      observer.observe(element, { box: "device-pixel-content-box" });
    } catch {
      // Safari does not know that box; the rounded CSS size is right there but for fractions of a pixel.
      observer.observe(element);
    }
    return () => {
      cancelAnimationFrame(scheduled);
      observer.disconnect();
    };
  }, [ref, size]);
  return size.value;
}

/** Whether a media query is true. */
export function useMatch(query: string): boolean {
  const list = useMemo(() => matchMedia(query), [query]);
  const matches = useSignal(list.matches);
  useEffect(() => {
    const follow = () => {
      matches.value = list.matches;
    };
    list.addEventListener("change", follow);
    return () => list.removeEventListener("change", follow);
  }, [list, matches]);
  return matches.value;
}

/** Whether an element is on screen or nearly so. */
export function useVisible(ref: RefObject<HTMLElement | null>): boolean {
  const visible = useSignal(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        visible.value = entries.at(-1)?.isIntersecting ?? false;
      },
      { rootMargin: "120px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref, visible]);
  return visible.value;
}

/** Draws whenever a signal that `draw` reads changes, and on every render of the component. */
export function useDrawing(draw: () => void): void {
  const latest = useRef(draw);
  latest.current = draw;
  useSignalEffect(() => latest.current());
  useEffect(() => latest.current());
}

/** An id for an element, on a page of several widgets too. */
export const useName = (): string => useMemo(randomName, []);
