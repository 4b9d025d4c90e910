/** What may be edited, as the kernel told it last; asked anew at each pause, for another layer, and after an edit. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { reasonOf } from "../format.ts";
import type { Edit, Settings, Status } from "../protocol.gen.ts";
import type { Command } from "../source/source.ts";
import { useView } from "../view/context.ts";

/** Why nothing can be edited now; empty if it can. */
export function whyNoEdit(status: Status | null, live: boolean): string {
  if (status === null || !live) return "The kernel is gone";
  if (!status.controls || !status.debugging?.rewinds) return "This training cannot be edited from here";
  switch (status.state) {
    case "paused":
      return "";
    case "idle":
      return "Take a step first";
    case "running":
      return "Pause training to edit it";
    case "finished":
    case "failed":
      return "Training has ended: go back to edit it";
    default:
      return status.state satisfies never;
  }
}

export type Asked = Pick<Edit, "name"> & Partial<Omit<Edit, "kind" | "id" | "client" | "name">>;

export interface Editing {
  readonly settings: Settings | null;
  readonly fault: string | null;
  /** Why nothing can be edited now; empty if it can. */
  readonly why: string;
  /** Changes with everything that may have changed what can be edited. */
  readonly moment: string;
  /** Asks for it, and answers why it was refused; `null` if it was not. */
  ask(asked: Asked): Promise<string | null>;
  /** Asks for it; a refusal is in `fault`. */
  edit(asked: Asked): Promise<void>;
  undo(): Promise<void>;
}

const NOTHING = {
  value: null,
  layer: null,
  neuron: null,
  variable: null,
  index: null,
  hyperparameter: null,
  class_weight: null,
};

const editOf = (asked: Asked): Command => ({ kind: "edit", ...NOTHING, ...asked });

export function useEditing(): Editing {
  const { store } = useView();
  const { source } = store;
  const settings = useSignal<Settings | null>(null);
  const fault = useSignal<string | null>(null);
  const status = source.status.value;
  const why = whyNoEdit(status, source.connection.value === "live");
  const layer = store.layer.value?.path ?? "";
  const { journal = [], n_to_undo = 0, branch = "" } = status?.debugging ?? {};
  const moment = `${status?.step} ${branch} ${journal.length} ${n_to_undo}`;
  const rests = why === "" || status?.state === "finished" || status?.state === "idle";
  useEffect(() => {
    let gone = false;
    const ask = async () => {
      try {
        const reply = await source.command({ kind: "settings", layer });
        if (!gone) settings.value = reply.settings;
      } catch {
        // It runs again by now: it is asked with the next pause.
      }
    };
    fault.value = null;
    if (rests) void ask();
    return () => {
      gone = true;
    };
  }, [source, settings, fault, rests, layer, moment]);

  const refusal = async (command: Command): Promise<string | null> => {
    fault.value = null;
    try {
      await source.command(command);
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  };
  const attempt = async (command: Command): Promise<void> => {
    fault.value = await refusal(command);
  };
  return {
    settings: settings.value,
    fault: fault.value,
    why,
    moment,
    ask: (asked) => refusal(editOf(asked)),
    edit: (asked) => attempt(editOf(asked)),
    undo: () => attempt({ kind: "undo" }),
  };
}
