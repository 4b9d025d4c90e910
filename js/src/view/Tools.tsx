import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Kind } from "../protocol.gen.ts";
import { kindWords } from "../words.ts";
import { Annexed } from "./Annexed.tsx";
import { onEscape } from "./escape.ts";
import type { Shown } from "./picture.ts";

interface Props {
  readonly tensor: Kind;
  readonly shown: Shown;
}

/** Opens what belongs to one map, closes when the eye is elsewhere, and gives the focus back on Escape. */
function Disclosure({ name, children }: { name: string; children: ComponentChildren }) {
  const opened = useSignal(false);
  const open = opened.value;
  const whole = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      // Within a shadow root the target of an event is its host; its path has what was pressed.
      if (whole.current !== null && !event.composedPath().includes(whole.current)) opened.value = false;
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open, opened]);
  const close = () => {
    opened.value = false;
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it hears what its button and panel did not want
    <div
      class="nnv-tools"
      ref={whole}
      onKeyDown={open ? onEscape(close) : undefined}
      onFocusOut={(event) => {
        const next = event.relatedTarget;
        if (next instanceof Node && !event.currentTarget.contains(next)) opened.value = false;
      }}
    >
      <button
        ref={button}
        type="button"
        class="nnv-dots"
        aria-expanded={open}
        aria-label={`${name}: colours, order, compare, save`}
        title="Colours, order, compare, save"
        onClick={() => {
          opened.value = !open;
        }}
      >
        {"\u22ef"}
      </button>
      {open && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw itself
        <div class="nnv-tools-panel" role="group" aria-label={`${name}: tools`}>
          {children}
        </div>
      )}
    </div>
  );
}

/** How one map is read, and how it leaves the page. */
export function Tools({ tensor, shown }: Props) {
  return (
    <Disclosure name={kindWords(tensor)}>
      <Annexed>{(parts) => <parts.ToolsPanel tensor={tensor} shown={shown} />}</Annexed>
    </Disclosure>
  );
}
