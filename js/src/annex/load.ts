/** Makes the annex of its text, which came from the kernel: a module that is called with what it is given. */

import type * as Entry from "./entry.ts";
import { HANDED } from "./handed.ts";

export async function importAnnex(script: unknown): Promise<typeof Entry> {
  if (!(script instanceof DataView)) throw new Error("the kernel sent nothing");
  const url = URL.createObjectURL(
    new Blob([new Uint8Array(script.buffer as ArrayBuffer, script.byteOffset, script.byteLength)], {
      type: "text/javascript",
    }),
  );
  try {
    const module = await import(/* @vite-ignore */ url);
    return module.default(HANDED);
  } finally {
    URL.revokeObjectURL(url);
  }
}
