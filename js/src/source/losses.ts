/** Frames that never came: a server that drops messages tells nobody, so the page counts and says so. */

import { plural } from "../format.ts";

const QUIET_MS = 600_000;

export interface Losses {
  /** A frame came, the `nth` that left for this page. A lower one than before begins anew: the page was greeted. */
  count(nth: number): void;
}

/** Calls `say` with a sentence for the person, once in a long while; it returns whether there was room for it. */
export function createLosses(say: (text: string) => boolean): Losses {
  let last = Number.POSITIVE_INFINITY;
  let lost = 0;
  let quietUntil = Number.NEGATIVE_INFINITY;

  return {
    count(nth) {
      lost += Math.max(0, nth - last - 1);
      last = nth;
      if (lost === 0 || performance.now() < quietUntil) return;
      const why =
        "The server drops messages when a cell prints very much, or while the connection is broken.";
      if (!say(`${plural(lost, "picture")} did not reach this page. ${why} What is shown now is right.`))
        return;
      lost = 0;
      quietUntil = performance.now() + QUIET_MS;
    },
  };
}
