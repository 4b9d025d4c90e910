import type { Signal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { Manifest } from "./Manifest.tsx";

interface Props {
  readonly open: Signal<boolean>;
  readonly manifest: unknown;
}

/** What is in this file, over the page; Escape or a click beside it closes it. */
export function About({ open, manifest }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const shown = open.value;
  useEffect(() => {
    if (shown && !dialog.current?.open) dialog.current?.showModal();
    if (!shown) dialog.current?.close();
  }, [shown]);
  const close = () => {
    open.value = false;
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes every dialog
    <dialog
      ref={dialog}
      class="nnv-about"
      aria-labelledby={id}
      onClose={close}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
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
    </dialog>
  );
}
