/** What the buttons do. Each asks the source. */

import { reasonOf } from "./format.ts";
import type { Status } from "./protocol.gen.ts";
import type { Command } from "./source/source.ts";
import type { Store } from "./store.ts";

export interface Allowed {
  readonly run: boolean;
  readonly pause: boolean;
  readonly step: boolean;
  readonly stop: boolean;
  readonly back: boolean;
}

const NOTHING: Allowed = { run: false, pause: false, step: false, stop: false, back: false };

/** Which commands make sense in this state. */
export function allowedIn(status: Status | null, connected: boolean): Allowed {
  if (status === null || !connected || status.source !== "session" || !status.controls) {
    return NOTHING;
  }
  const back = status.debugging?.rewinds ?? false;
  switch (status.state) {
    case "idle":
      return { ...NOTHING, run: true, step: true };
    case "paused":
      return { run: true, pause: false, step: true, stop: true, back };
    case "running":
      return { ...NOTHING, pause: true, stop: true };
    case "finished":
    case "failed":
      return { ...NOTHING, back };
    default:
      return status.state satisfies never;
  }
}

export function allowed(store: Store): Allowed {
  return allowedIn(store.source.status.value, store.source.connection.value === "live");
}

/** Sends a command; a refusal is shown to the person. */
export async function send(store: Store, command: Command): Promise<void> {
  try {
    await store.source.command(command);
  } catch (error) {
    store.source.tell("error", reasonOf(error));
  }
}

/** Run if it stands, pause if it runs. */
export function runOrPause(store: Store): void {
  const can = allowed(store);
  if (can.pause) void send(store, { kind: "pause" });
  else if (can.run) void send(store, { kind: "run", until: null });
}

/** Where the session would go back to: the step that is looked at, or one step. Reads signals. */
export function wayBack(store: Store): { readonly step: number; readonly branch: string | null } {
  const status = store.source.status.value;
  const branch = store.branch.value;
  const stands = status?.step ?? 0;
  const elsewhere = !store.cursor.follow.value && store.shownStep.value !== stands;
  const other = branch !== null && branch !== status?.debugging?.branch;
  return elsewhere || other ? { step: store.shownStep.value, branch } : { step: stands - 1, branch: null };
}

/** Takes the session back there, once it is told what that will be. */
export function goBack(store: Store): void {
  const { step, branch } = wayBack(store);
  if (allowed(store).back && step >= 0) store.annex.use((parts) => void parts.goBack?.(store, step, branch));
}

export function toggleDebugger({ debugging, source }: Store): void {
  if (source.status.peek()?.debugging) debugging.value = !debugging.peek();
}
