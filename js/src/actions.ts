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
}

const NOTHING: Allowed = { run: false, pause: false, step: false, stop: false };

/** Which commands make sense in this state. */
export function allowedIn(status: Status | null, connected: boolean): Allowed {
  if (status === null || !connected || status.source !== "session" || !status.controls) {
    return NOTHING;
  }
  switch (status.state) {
    case "idle":
    case "paused":
      return { run: true, pause: false, step: true, stop: status.state === "paused" };
    case "running":
      return { run: false, pause: true, step: false, stop: true };
    case "finished":
    case "failed":
      return NOTHING;
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
