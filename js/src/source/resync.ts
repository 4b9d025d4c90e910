/**
 * Asks again when nothing came for too long. Servers drop messages when a cell prints much, and both credits may be
 * lost at once: the kernel then waits for the page and the page for the kernel.
 */

const FIRST_MS = 1_000;
const LONGEST_MS = 16_000;

export interface Resync {
  /** Something new came. */
  heard(): void;
}

/** Calls `ask` after a second without news while `due()`, and then ever less often: a slow step is no loss. */
export function createResync(due: () => boolean, ask: () => void, abort: AbortSignal): Resync {
  let delay = FIRST_MS;
  let timer: ReturnType<typeof setTimeout>;

  function restart(next: number): void {
    clearTimeout(timer);
    delay = next;
    if (!abort.aborted) timer = setTimeout(tick, delay);
  }
  function tick(): void {
    const asks = due();
    if (asks) ask();
    restart(asks ? Math.min(delay * 2, LONGEST_MS) : FIRST_MS);
  }
  restart(FIRST_MS);
  abort.addEventListener("abort", () => clearTimeout(timer));
  return { heard: () => restart(FIRST_MS) };
}
