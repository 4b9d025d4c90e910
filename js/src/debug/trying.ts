/** What the loss would be with another weight: one question at a time, and of those meanwhile only the last. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { reasonOf } from "../format.ts";
import type { Tried, TryWeight } from "../protocol.gen.ts";
import { useView } from "../view/context.ts";

export type Question = Pick<TryWeight, "layer" | "variable" | "index" | "value">;

export interface Trying {
  readonly tried: Tried | null;
  readonly fault: string | null;
  ask(question: Question): void;
  forget(): void;
}

export function useTrying(): Trying {
  const { source } = useView().store;
  const tried = useSignal<Tried | null>(null);
  const fault = useSignal<string | null>(null);
  const state = useRef({ asking: false, next: null as Question | null, age: 0 });
  const next = async (): Promise<void> => {
    const now = state.current;
    const question = now.next;
    if (now.asking || question === null) return;
    now.next = null;
    now.asking = true;
    const age = now.age;
    try {
      const reply = await source.command({ kind: "try", ...question });
      if (age === now.age) {
        tried.value = reply.tried;
        fault.value = null;
      }
    } catch (error) {
      if (age === now.age) fault.value = reasonOf(error);
    }
    now.asking = false;
    void next();
  };
  const forget = (): void => {
    state.current.next = null;
    state.current.age += 1;
    tried.value = null;
    fault.value = null;
  };
  useEffect(() => forget, []);
  return {
    tried: tried.value,
    fault: fault.value,
    ask: (question) => {
      state.current.next = question;
      void next();
    },
    forget,
  };
}
