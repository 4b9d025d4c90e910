/** Keys that mean the same wherever the focus is in a view. */

import { goBack, runOrPause, toggleDebugger } from "../actions.ts";
import { namesOf, nextRun } from "../runs.ts";
import type { Store } from "../store.ts";
import { toggleTables } from "./tables.ts";

/** Controls that need the space bar or the letters for themselves. */
function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest("input:not([type=range]), select, textarea") !== null
  );
}

function isButton(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("button, summary") !== null;
}

/** Moves the step by a whole number; the last step means: follow. Of two runs one may end before it. */
export function moveStep(store: Store, to: number): void {
  const [first, last] = store.steps.peek();
  const step = Math.min(Math.max(Math.round(to), first), last);
  store.cursor.move({ step, follow: step === store.newest.peek() && namesOf(store).length === 0 });
}

function moveLayer(store: Store, by: number): void {
  const layers = store.source.layers.peek();
  const index = layers.findIndex(({ path }) => path === store.cursor.layer.peek());
  const next = layers[index + by];
  if (next !== undefined) store.cursor.move({ layer: next.path });
}

function act(key: string, store: Store): boolean {
  switch (key.toLowerCase()) {
    case "[":
      moveStep(store, store.shownStep.peek() - 1);
      return true;
    case "]":
      moveStep(store, store.shownStep.peek() + 1);
      return true;
    case ",":
      moveLayer(store, -1);
      return true;
    case ".":
      moveLayer(store, 1);
      return true;
    case "r":
      nextRun(store);
      return true;
    case "b":
      goBack(store);
      return true;
    case "d":
      toggleDebugger(store);
      return true;
    case "t":
      toggleTables(store);
      return true;
    default:
      return false;
  }
}

/** Notebooks listen for single letters on the document: nothing that is typed in a view may reach them. */
export function handleRootKey(event: KeyboardEvent, store: Store, help: () => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  event.stopPropagation();
  if (takesText(event.target)) return;
  if (event.key === " " && !isButton(event.target)) {
    event.preventDefault();
    runOrPause(store);
    return;
  }
  if (event.key === "?") {
    event.preventDefault();
    help();
    return;
  }
  if (act(event.key, store)) event.preventDefault();
}
