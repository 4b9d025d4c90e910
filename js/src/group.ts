/** Which maps belong together. */

import type { Kind } from "./protocol.gen.ts";

/** Maps that share their rows: weights with their gradients, activations with theirs. */
export type Group = "parameters" | "outputs";

export const GROUPS: readonly Group[] = ["parameters", "outputs"];

export const groupOf = (tensor: Kind): Group =>
  tensor === "weights" || tensor === "gradients" ? "parameters" : "outputs";
