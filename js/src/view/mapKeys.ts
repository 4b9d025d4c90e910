/** The keys of one heatmap. */

import { afterKey } from "../cell.ts";
import type { Kind, Plane } from "../protocol.gen.ts";
import { planeOf, type Store } from "../store.ts";
import { useView } from "./context.ts";
import { select, selected } from "./select.ts";
import { toggleTable } from "./tables.ts";

/** Keys that change how a map is read: zoom, bad cells, the scale. Answers whether it was one. */
function actOnMap(
  store: Store,
  plane: Plane,
  event: KeyboardEvent,
  announce: (tensor: Kind) => void,
): boolean {
  const { row, column } = selected(store, plane);
  switch (event.key.toLowerCase()) {
    case "+":
    case "=":
      store.zoom.about(plane, row, column, 0.5);
      return true;
    case "-":
    case "_":
      store.zoom.about(plane, row, column, 2);
      return true;
    case "0":
      store.zoom.reset();
      return true;
    case "backspace":
      store.zoom.back();
      return true;
    case "n":
      store.annex.use((parts) => {
        if (parts.showNextBad(store, plane.tensor, event.shiftKey ? -1 : 1)) announce(plane.tensor);
      });
      return true;
    case "l":
      store.scales.locked.value = !store.scales.locked.peek();
      return true;
    case "t":
      toggleTable(store, plane.tensor);
      return true;
    default:
      return false;
  }
}

/** A moved cell is announced once its values are there. */
export function useMapKeys(tensor: Kind): (event: KeyboardEvent) => void {
  const { store, announce } = useView();
  return (event) => {
    const plane = planeOf(store.frame.peek(), tensor)?.plane;
    if (plane === undefined || plane.rows === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (actOnMap(store, plane, event, announce)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const next = afterKey(plane, selected(store, plane), event.key);
    if (next === null) return;
    event.preventDefault();
    store.hover.value = null;
    select(store, plane, next);
    announce(tensor);
  };
}
