import type { Signal } from "@preact/signals";
import { HELP } from "../help.ts";
import { useView } from "./context.ts";
import { useName } from "./hooks.ts";
import { Modal } from "./Modal.tsx";

function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <dt>
      {keys.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </dt>
  );
}

/** All keys, over the page; Escape or a click beside it closes it. */
export function Help({ open }: { open: Signal<boolean> }) {
  const id = useName();
  const debugging = (useView().store.source.status.value?.debugging ?? null) !== null;
  const close = () => {
    open.value = false;
  };
  return (
    <Modal open={open} class="nnv-help" labelledBy={id}>
      {open.value && (
        <div class="nnv-help-body">
          <div class="nnv-help-head">
            <h3 id={id}>Keys</h3>
            <button type="button" class="nnv-plain" aria-label="close" onClick={close}>
              {"\u00d7"}
            </button>
          </div>
          {HELP.map(({ where, keys }) => (
            <section key={where}>
              <h4>{where}</h4>
              <dl>
                {keys
                  .filter(([, , needs]) => needs === undefined || debugging)
                  .map(([names, what]) => (
                    <div key={what}>
                      <Keys keys={names} />
                      <dd>{what}</dd>
                    </div>
                  ))}
              </dl>
            </section>
          ))}
        </div>
      )}
    </Modal>
  );
}
