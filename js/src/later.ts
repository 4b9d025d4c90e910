/** A `fit` in whose cell nothing of this page arrives: what must be asked for comes when the cell has ended. */

import type { Status } from "./protocol.gen.ts";

export const comesLater = (status: Status | null): boolean =>
  status !== null && status.source === "session" && !status.controls;
