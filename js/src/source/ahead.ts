/** Unpacks what is likely to be looked at next: the steps beside the shown one, first those ahead. */

import type { Lazy } from "./recorded.ts";
import { isAtHand } from "./recorded.ts";

const FORWARD = 12;
const BACK = 4;

export interface Ahead {
  /** Goes on from the place of a step among those that there are. */
  from(place: number, steps: readonly number[], needsAt: (step: number) => readonly Lazy<unknown>[]): void;
  /** Somebody looks: that comes first. */
  stop(): void;
}

/** Steps in the order in which they are likely to be wanted. */
function nextSteps(place: number, steps: readonly number[], direction: number): number[] {
  const at = (by: number): number[] => steps.slice(place + by, place + by + 1).filter(() => place + by >= 0);
  const forward = Array.from({ length: FORWARD }, (_, i) => at((i + 1) * direction)).flat();
  const back = Array.from({ length: BACK }, (_, i) => at(-(i + 1) * direction)).flat();
  return [...forward.slice(0, 2), ...back.slice(0, 1), ...forward.slice(2), ...back.slice(1)];
}

/** Lets the browser paint and hear between two. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

export function createAhead(): Ahead {
  let turn = 0;
  let last = 0;
  let direction = 1;

  async function work(mine: number, needs: Iterable<Lazy<unknown>>): Promise<void> {
    for (const need of needs) {
      if (mine !== turn) return;
      if (isAtHand(need)) continue;
      // What is damaged is told when it is looked at.
      await need.load().catch(() => {});
      await breathe();
    }
  }

  return {
    from(place, steps, needsAt) {
      if (place !== last) direction = place > last ? 1 : -1;
      last = place;
      turn += 1;
      const wanted = nextSteps(place, steps, direction);
      void work(
        turn,
        wanted.flatMap((step) => needsAt(step)),
      );
    },
    stop() {
      turn += 1;
    },
  };
}
