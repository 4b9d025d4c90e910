/** Unpacks what is likely to be looked at next: the steps beside the shown one, first those ahead. */

import { isAtHand, type Lazy } from "./recorded.ts";

const FORWARD = 12;
const BACK = 4;

/** Of large pictures fewer: what is unpacked ahead must not take the place of what is shown. */
const MOST_BYTES = 24 << 20;

/** Where somebody looks, and what is needed at any other step. */
export interface Lookout {
  /** The shown step among those that there are, from the first to the last. */
  readonly place: number;
  readonly steps: readonly number[];
  needsAt(step: number): readonly Lazy<unknown>[];
}

export interface Ahead {
  /** Goes on from there, once the browser had time to paint. */
  from(look: () => Lookout): void;
  /** Somebody looks: that comes first. */
  stop(): void;
}

/** Steps in the order in which they are likely to be wanted. */
function nextSteps({ place, steps }: Lookout, direction: number): number[] {
  const at = (by: number): number[] => (place + by < 0 ? [] : steps.slice(place + by, place + by + 1));
  const along = (count: number, towards: number) =>
    Array.from({ length: count }, (_, i) => at((i + 1) * towards));
  const [forward, back] = [along(FORWARD, direction).flat(), along(BACK, -direction).flat()];
  return [...forward.slice(0, 2), ...back.slice(0, 1), ...forward.slice(2), ...back.slice(1)];
}

/** Lets the browser paint and hear between two. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

export function createAhead(): Ahead {
  let turn = 0;
  let last = 0;
  let direction = 1;

  /** Answers how many bytes that took. */
  async function load(need: Lazy<unknown>): Promise<number> {
    if (isAtHand(need)) return 0;
    // What is damaged is told when it is looked at.
    await need.load().catch(() => {});
    await breathe();
    return need.bytes;
  }

  async function work(mine: number, look: () => Lookout): Promise<void> {
    await breathe();
    if (mine !== turn) return;
    const seen = look();
    if (seen.place !== last) direction = seen.place > last ? 1 : -1;
    last = seen.place;
    let left = MOST_BYTES;
    for (const step of nextSteps(seen, direction)) {
      for (const need of seen.needsAt(step)) {
        if (mine !== turn || left <= 0) return;
        left -= await load(need);
      }
    }
  }

  return {
    from(look) {
      turn += 1;
      void work(turn, look);
    },
    stop() {
      turn += 1;
    },
  };
}
