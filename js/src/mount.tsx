/** Puts a view of a store into an element. */

import { render } from "preact";
import { createReadout } from "./readout.ts";
import type { Store } from "./store.ts";
import { watchTheme } from "./theme.ts";
import { createAnnouncer } from "./view/announce.ts";
import { type PageParts, ViewContext } from "./view/context.ts";
import { Inspector } from "./view/Inspector.tsx";

/**
 * JupyterLab's own key bindings stop at an element with this attribute, which it reads on its way down. Ours are plain
 * keys: Ctrl+S is to save the notebook also when a button here has the focus.
 */
function keepKeys(root: HTMLElement, signal: AbortSignal): void {
  const keep = ({ ctrlKey, metaKey }: { ctrlKey: boolean; metaKey: boolean }): void => {
    root.dataset.lmSuppressShortcuts = String(!ctrlKey && !metaKey);
  };
  keep({ ctrlKey: false, metaKey: false });
  window.addEventListener("keydown", keep, { capture: true, signal });
}

/** Mounts, and returns how to undo it. */
export function mount(store: Store, el: HTMLElement, parts: PageParts | null = null): () => void {
  const end = new AbortController();
  const root = document.createElement("div");
  root.className = "nnv-root";
  keepKeys(root, end.signal);
  el.classList.add("nnv-host");
  el.append(root);
  const readings = createReadout(store, end.signal);
  const view = {
    store,
    theme: watchTheme(root, end.signal),
    readings,
    announce: createAnnouncer(store, readings, end.signal),
    parts,
  };
  render(
    <ViewContext.Provider value={view}>
      <Inspector />
    </ViewContext.Provider>,
    root,
  );
  return () => {
    if (end.signal.aborted) return;
    end.abort();
    render(null, root);
    root.remove();
    el.classList.remove("nnv-host");
  };
}
