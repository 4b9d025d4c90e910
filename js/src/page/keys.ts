/** Keys of the whole page: the space bar plays, and what nothing has the focus for is the view's. */

import type { Player } from "./player.ts";

const TAKES_SPACE = "button, select, textarea, summary, a, input:not([type=range])";

function plays(event: KeyboardEvent): boolean {
  const { target } = event;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  return event.key === " " && plain && target instanceof Element && target.closest(TAKES_SPACE) === null;
}

export function listenToKeys(root: HTMLElement, player: Player): void {
  const hear = (event: KeyboardEvent) => {
    if (plays(event)) {
      event.preventDefault();
      event.stopPropagation();
      player.toggle();
      return;
    }
    if (event.target !== document.body) return;
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const same = { key, ctrlKey, metaKey, altKey, shiftKey, bubbles: true, cancelable: true };
    const taken =
      root.querySelector(".nnv-inspector")?.dispatchEvent(new KeyboardEvent("keydown", same)) === false;
    if (taken) event.preventDefault();
  };
  document.addEventListener("keydown", hear, { capture: true });
}
