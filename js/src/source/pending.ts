/** Questions that wait for their one answer. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Reply } from "../protocol.gen.ts";

export const SLOW_MS = 1_500;
export const TIMEOUT_MS = 20_000;

/** It may be busy with a cell and answer later, or the answer was lost. */
export class NoAnswer extends Error {
  constructor() {
    super("no answer from the kernel; what was asked may still happen");
  }
}

/** A reply with what came beside it. */
export interface Answer extends Reply {
  readonly buffers: readonly unknown[];
}

interface Question {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  slow: boolean;
  timers: ReturnType<typeof setTimeout>[];
}

export interface Pending {
  /** Whether a question has been open for longer than `SLOW_MS`. */
  readonly waiting: ReadonlySignal<boolean>;
  /** Sends what `send` makes of a fresh id; `patient` questions never time out. */
  ask(send: (id: number) => void, patient?: boolean): Promise<Answer>;
  answer(reply: Reply, buffers: readonly unknown[]): void;
  /** Fails everything that is open. */
  giveUp(reason: string): void;
}

export function createPending(): Pending {
  const questions = new Map<number, Question>();
  const waiting = signal(false);
  let lastId = 0;

  function settle(id: number): Question | undefined {
    const question = questions.get(id);
    questions.delete(id);
    for (const timer of question?.timers ?? []) clearTimeout(timer);
    waiting.value = [...questions.values()].some(({ slow }) => slow);
    return question;
  }

  return {
    waiting,
    ask(send, patient = false) {
      lastId += 1;
      const id = lastId;
      return new Promise<Answer>((resolve, reject) => {
        const question: Question = { resolve, reject, slow: false, timers: [] };
        const markSlow = () => {
          question.slow = true;
          waiting.value = true;
        };
        question.timers.push(setTimeout(markSlow, SLOW_MS));
        const expire = () => settle(id)?.reject(new NoAnswer());
        if (!patient) question.timers.push(setTimeout(expire, TIMEOUT_MS));
        questions.set(id, question);
        send(id);
      });
    },
    answer(reply, buffers) {
      const question = settle(reply.id);
      if (reply.ok) question?.resolve({ ...reply, buffers });
      else {
        const refusal = new Error(reply.error ?? "the kernel refused without a reason");
        question?.reject(Object.assign(refusal, { column: reply.column }));
      }
    },
    giveUp(reason) {
      for (const id of [...questions.keys()]) settle(id)?.reject(new Error(reason));
    },
  };
}
