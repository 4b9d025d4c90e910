/** What must be unpacked before a picture can be drawn, and how it is drawn then. */

import { isAtHand, type Lazy } from "./recorded.ts";

export interface Plan<T> {
  readonly needs: readonly Lazy<unknown>[];
  /** When all of them are at hand. */
  draw(): T;
}

export const planned = <T>(value: T): Plan<T> => ({ needs: [], draw: () => value });

export const isReady = (needs: readonly Lazy<unknown>[]): boolean => needs.every(isAtHand);

/** Loads them all. What is damaged says so when it is taken. */
export async function loadAll(needs: readonly Lazy<unknown>[]): Promise<void> {
  await Promise.allSettled(needs.map((need) => need.load()));
}
