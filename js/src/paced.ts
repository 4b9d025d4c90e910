/** A signal that follows another one at the pace of a reader. */

import { effect, type ReadonlySignal, signal } from "@preact/signals";

/** Five changes a second are the most that a person reads. */
export const PACE_MS = 200;

/**
 * Follows `source`: at once when `atOnce` says so of the old and the new value, otherwise when the last change is long
 * enough ago. Pictures move as fast as they come, but each changed word makes the browser lay the page out anew.
 */
export function paced<T>(
  source: ReadonlySignal<T>,
  atOnce: (before: T, now: T) => boolean,
  abort: AbortSignal,
): ReadonlySignal<T> {
  const followed = signal(source.peek());
  let changedAt = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  function follow(): void {
    clearTimeout(timer);
    timer = undefined;
    changedAt = performance.now();
    followed.value = source.peek();
  }
  const stop = effect(() => {
    const now = source.value;
    if (now === followed.peek()) return;
    const wait = atOnce(followed.peek(), now) ? 0 : changedAt + PACE_MS - performance.now();
    if (wait <= 0) follow();
    else timer ??= setTimeout(follow, wait);
  });
  abort.addEventListener("abort", () => {
    stop();
    clearTimeout(timer);
  });
  return followed;
}
