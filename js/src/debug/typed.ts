/** A field that is set with Enter, or by leaving it; what it refuses is said where it stands, until the next input. */

import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { onEscape } from "../view/escape.ts";
import { useName } from "../view/hooks.ts";

export interface Typed {
  /** Why what was typed was refused; `null` if it was not. */
  readonly fault: ReadonlySignal<string | null>;
  /** Of the words that say it. */
  readonly id: string;
  /** For the field. */
  readonly attributes: {
    readonly ref: RefObject<HTMLInputElement | null>;
    readonly "aria-invalid": boolean;
    readonly "aria-describedby": string | undefined;
    readonly onInput: () => void;
    readonly onChange: () => void;
    readonly onKeyDown: (event: KeyboardEvent) => void;
  };
}

/**
 * Keeps a field at what is, until somebody types. What is refused stays in it beside the reason; Escape takes it back.
 *
 * @param text What is, as it is typed.
 * @param moment Changes when what was refused is past.
 * @param set Asks for what was typed, and answers why it is refused; `null` if it is granted, or if there is nothing to ask.
 */
export function useTyped(
  text: string,
  moment: string,
  set: (field: HTMLInputElement) => Promise<string | null>,
): Typed {
  const ref = useRef<HTMLInputElement>(null);
  const fault = useSignal<string | null>(null);
  const id = useName();
  const reset = () => {
    fault.value = null;
    if (ref.current !== null) ref.current.value = text;
  };
  useEffect(reset, [text]);
  useEffect(() => {
    // Another field may have been set, and this one is being typed in: only what was refused is past.
    if (fault.peek() !== null) reset();
  }, [moment]);
  const change = async () => {
    const field = ref.current;
    if (field === null) return;
    const typed = field.value;
    const why = await set(field);
    // Who has typed on meanwhile is told of that.
    if (field.value === typed) fault.value = why;
  };
  return {
    fault,
    id,
    attributes: {
      ref,
      "aria-invalid": fault.value !== null,
      "aria-describedby": fault.value === null ? undefined : id,
      onInput: () => {
        fault.value = null;
      },
      onChange: () => void change(),
      onKeyDown: onEscape(reset),
    },
  };
}
