/** The widget, as anywidget loads it: `initialize` once a model, `render` once a view. */

import "./styles/all.css";
import { computed, signal } from "@preact/signals";
import { createCursor } from "./cursor.ts";
import { type InspectorModel, listen, resolveCursor } from "./model.ts";
import { mount } from "./mount.tsx";
import { PANELS } from "./protocol.gen.ts";
import { keepChoices } from "./remembered.ts";
import { createCommSource } from "./source/comm.ts";
import { createStore, type Store } from "./store.ts";

interface InitializeProps {
  model: InspectorModel;
  signal?: AbortSignal;
}

interface RenderProps extends InitializeProps {
  el: HTMLElement;
}

export interface Widget {
  /** Connects to the kernel; quick, and nothing is drawn. */
  initialize(props: InitializeProps): () => void;
  /** Shows a view. */
  render(props: RenderProps): () => void;
}

function connect(model: InspectorModel, abort: AbortSignal): Store {
  const source = createCommSource(model, abort);
  const cursor = createCursor();
  const panels = signal(model.get("_panels") ?? PANELS);
  listen(model, "change:_panels", abort, () => {
    panels.value = model.get("_panels") ?? PANELS;
  });
  void resolveCursor(model).then(
    (found) => {
      if (found === null || abort.aborted) return;
      const check = () => source.setLive(found.comm_live !== false);
      listen(found, "comm_live_update", abort, check);
      listen(found, "comm:close", abort, () => source.setLive(false));
      cursor.attach(found, abort);
      check();
    },
    () => source.tell("warning", "the cursor of this widget was not found: it is not linked to Python"),
  );
  const shown = computed(() => panels.value);
  const store = createStore(source, cursor, shown, abort);
  // The cursor's model has one name as long as the kernel lives, on every page.
  keepChoices(store, `nnviz_widgets/1 ${model.get("cursor")}`, abort);
  return store;
}

/** A fresh widget per model, so that its views share one store without a name for it outside. */
export default function createWidget(): Widget {
  let store: Store | null = null;
  return {
    initialize({ model, signal: abort }) {
      const end = new AbortController();
      abort?.addEventListener("abort", () => end.abort(), { once: true });
      store = connect(model, end.signal);
      return () => end.abort();
    },
    render({ model, el, signal: abort }) {
      // A host that knows no `initialize` gets a store for this view alone.
      const end = new AbortController();
      const unmount = mount(store ?? connect(model, end.signal), el);
      const finish = () => {
        unmount();
        end.abort();
      };
      abort?.addEventListener("abort", finish, { once: true });
      return finish;
    },
  };
}
