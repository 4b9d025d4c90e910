/** Keys of the whole page: those that play, and what nothing has the focus for is the view's. */

import type { Player } from "./player.ts";

const TAKES_SPACE = "button, select, textarea, summary, a, input:not([type=range])";
const TAKES_TEXT = "select, textarea, input:not([type=range])";

const isWithin = (target: EventTarget | null, selector: string): boolean =>
  target instanceof Element && target.closest(selector) !== null;

/** Plays, pauses or goes to a step beside; answers whether the key meant that. */
function play({ key, target }: KeyboardEvent, player: Player): boolean {
  if (key === " " && !isWithin(target, TAKES_SPACE)) player.toggle();
  else if (key === "[" && !isWithin(target, TAKES_TEXT)) player.go(-1);
  else if (key === "]" && !isWithin(target, TAKES_TEXT)) player.go(1);
  else return false;
  return true;
}

/** As if the view had the focus; answers whether it took the key. */
function hand({ key, shiftKey }: KeyboardEvent, view: HTMLElement): boolean {
  const same = new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true });
  return view.querySelector(".nnv-inspector")?.dispatchEvent(same) === false;
}

export function listenToKeys(view: HTMLElement, player: Player): void {
  const hear = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.isTrusted) return;
    const played = play(event, player);
    if (played) event.stopPropagation();
    if (played || (event.target === document.body && hand(event, view))) event.preventDefault();
  };
  document.addEventListener("keydown", hear, { capture: true });
}
