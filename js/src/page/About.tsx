import type { Signal } from "@preact/signals";
import { useName } from "../view/hooks.ts";
import { Modal } from "../view/Modal.tsx";
import { Manifest } from "./Manifest.tsx";

interface Props {
  readonly open: Signal<boolean>;
  readonly manifest: unknown;
}

/** What is in this file, over the page; Escape or a click beside it closes it. */
export function About({ open, manifest }: Props) {
  const id = useName();
  const close = () => {
    open.value = false;
  };
  return (
    <Modal open={open} class="nnv-about" labelledBy={id}>
      <div class="nnv-about-body">
        <div class="nnv-about-head">
          <h2 id={id}>What is in this file</h2>
          <button type="button" class="nnv-page-button" onClick={close}>
            Close
          </button>
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
        <section class="nnv-about-text" aria-labelledby={id} tabIndex={0}>
          <Manifest of={manifest} />
        </section>
      </div>
    </Modal>
  );
}
