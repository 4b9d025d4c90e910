/** Moves the step on by itself, from one kept step to the next. */

import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Store } from "../store.ts";
import { moveStep } from "../view/keys.ts";

/** Kept steps a second. */
export const SPEEDS = [1, 2, 5, 10, 20] as const;

export interface Player {
  readonly playing: ReadonlySignal<boolean>;
  readonly speed: Signal<number>;
  /** Whether there is more than one step to show. */
  readonly canPlay: ReadonlySignal<boolean>;
  /** Plays on, from the start if it is at the end; or pauses. */
  toggle(): void;
  /** Goes to the next kept step, or the one before, and stays there. */
  go(towards: 1 | -1): void;
}

/**
 * Plays the steps of the selected layer.
 *
 * Args:
 *   stepsOf: The steps of a layer at which there is something to see, from the first to the last.
 */
export function createPlayer(
  store: Store,
  stepsOf: (layer: string) => readonly number[],
  abort: AbortSignal,
): Player {
  const playing = signal(false);
  const speed = signal<number>(5);
  const steps = computed(() => stepsOf(store.cursor.layer.value));
  const after = (step: number) => steps.peek().find((each) => each > step);
  const before = (step: number) =>
    steps
      .peek()
      .filter((each) => each < step)
      .at(-1);

  function playOn(): void {
    const next = after(store.shownStep.peek());
    if (next === undefined) playing.value = false;
    else moveStep(store, next);
  }
  const stop = effect(() => {
    if (!playing.value) return;
    const timer = setInterval(playOn, 1000 / speed.value);
    return () => clearInterval(timer);
  });
  abort.addEventListener("abort", stop);

  return {
    playing,
    speed,
    canPlay: computed(() => steps.value.length > 1),
    toggle() {
      const [first] = steps.peek();
      if (!playing.peek() && first !== undefined && after(store.shownStep.peek()) === undefined)
        moveStep(store, first);
      playing.value = !playing.peek() && steps.peek().length > 1;
    },
    go(towards) {
      playing.value = false;
      const now = store.shownStep.peek();
      const next = towards > 0 ? after(now) : before(now);
      if (next !== undefined) moveStep(store, next);
    },
  };
}
