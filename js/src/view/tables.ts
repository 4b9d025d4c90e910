/** Which maps are shown as tables. */

import type { Kind } from "../protocol.gen.ts";
import type { Store } from "../store.ts";

const ALL: readonly Kind[] = ["weights", "gradients", "activations", "activation_gradients"];

export function toggleTable({ tables, annex }: Store, tensor: Kind): void {
  annex.use(() => {
    const next = new Set(tables.peek());
    if (!next.delete(tensor)) next.add(tensor);
    tables.value = next;
  });
}

/** All maps as tables; all as pictures again if any is a table. */
export function toggleTables({ tables, annex }: Store): void {
  annex.use(() => {
    tables.value = new Set(tables.peek().size > 0 ? [] : ALL);
  });
}
