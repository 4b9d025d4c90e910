/** A condition that is being typed: its text, how it may go on, and what is wrong with it. */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { reasonOf } from "../format.ts";
import type { Candidate, Completion } from "../protocol.gen.ts";
import type { Command, FrameSource } from "../source/source.ts";

export interface Fault {
  readonly text: string;
  /** Where, counted in characters from 0; `null` if it is about all of it. */
  readonly at: number | null;
}

export interface Typing {
  readonly text: Signal<string>;
  readonly fault: ReadonlySignal<Fault | null>;
  readonly candidates: ReadonlySignal<readonly Candidate[]>;
  /** Which of them is chosen; -1 is none. */
  readonly chosen: Signal<number>;
  /** Takes what was typed, with the cursor before the character of this index, and asks how it may go on. */
  type(text: string, cursor: number): void;
  /** Puts a candidate in its place, and answers where the cursor is then. */
  take(index: number): number;
  close(): void;
  /** Asks for something with the condition, and answers whether it was done; then the text is gone. */
  send(command: Command): Promise<boolean>;
}

/** Python counts code points, the browser units of UTF-16. */
const pointsBefore = (text: string, unit: number): number => [...text.slice(0, unit)].length;
const unitAt = (text: string, point: number): number => [...text].slice(0, point).join("").length;

/** What always comes after a candidate. */
function followed(word: string, sort: string): string {
  if (sort === "layer") return ".";
  if (sort === "kind") return ") ";
  return /[.(]$/.test(word) ? "" : " ";
}

export function createTyping(source: FrameSource): Typing {
  const text = signal("");
  const fault = signal<Fault | null>(null);
  const candidates = signal<readonly Candidate[]>([]);
  const chosen = signal(-1);
  let found: { readonly of: string; readonly completion: Completion } | null = null;
  let asked = 0;
  let end = 0;

  function close(): void {
    asked += 1;
    batch(() => {
      candidates.value = [];
      chosen.value = -1;
    });
  }
  async function ask(cursor: number): Promise<void> {
    asked += 1;
    end = cursor;
    const own = asked;
    const condition = text.peek();
    try {
      const { completion } = await source.command({
        kind: "complete",
        condition,
        cursor: pointsBefore(condition, cursor),
      });
      if (own !== asked) return;
      const before = candidates.peek()[chosen.peek()]?.text;
      found = completion === null ? null : { of: condition, completion };
      batch(() => {
        candidates.value = completion?.candidates ?? [];
        // Who has chosen one already, and typed on, still has it.
        chosen.value = candidates.value.findIndex((each) => each.text === before);
      });
    } catch (error) {
      // Typing goes on without help; what is amiss is told when the condition is sent.
      if (own === asked) fault.value = { text: reasonOf(error), at: null };
    }
  }

  return {
    text,
    fault,
    candidates,
    chosen,
    type(next, cursor) {
      batch(() => {
        text.value = next;
        fault.value = null;
      });
      void ask(cursor);
    },
    take(index) {
      const candidate = candidates.peek()[index];
      const now = text.peek();
      if (candidate === undefined || found === null) return now.length;
      const { of, completion } = found;
      const before = of.slice(0, unitAt(of, completion.start));
      if (!now.startsWith(before)) return end;
      // What was typed since the answer belongs to the word that is replaced.
      const after = now.slice(now === of ? unitAt(now, completion.end) : end);
      const { text: word, sort } = candidate;
      const apart =
        /[\w)]$/.test(before) && /^(word|sign|name|metric|function)$/.test(sort) && !/^[.)]/.test(word);
      const put = `${before}${apart ? " " : ""}${word}${after === "" ? followed(word, sort) : ""}`;
      // Else Enter, before there are others, would take it once more.
      close();
      fault.value = null;
      text.value = put + after;
      void ask(put.length);
      return put.length;
    },
    close,
    async send(command) {
      const sent = text.peek();
      close();
      try {
        await source.command(command);
        if (text.peek() === sent) text.value = "";
        return true;
      } catch (error) {
        const column: unknown = error instanceof Error ? Reflect.get(error, "column") : null;
        fault.value = { text: reasonOf(error), at: typeof column === "number" ? column - 1 : null };
        return false;
      }
    },
  };
}
