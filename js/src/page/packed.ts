/** Reads what a shared file holds out of its page. */

import { DATA_ID, INDEX_ID, MANIFEST_ID, type Document as Shared } from "../document.gen.ts";
import { reasonOf } from "../format.ts";
import type { RecordedRun } from "../source/recorded.ts";
import { recordedRun } from "../source/stored.ts";
import { canInflate, fromBase64, inflate } from "../source/unpack.ts";

export interface Packed {
  readonly shared: Shared;
  readonly run: RecordedRun;
  /** As it is written for `nnviz.read_manifest`. */
  readonly manifest: unknown;
}

/** No index is larger: of a damaged file not even that much is unpacked in vain. */
const LARGEST_INDEX = 256 << 20;

const TOO_OLD =
  "This browser cannot unpack what the file holds. Open it in Chrome or Edge 103, Firefox 113, Safari 16.4 or newer.";

function textOf(id: string): string {
  const text = document.getElementById(id)?.textContent ?? null;
  if (text === null)
    throw new Error(
      `The file is not whole: its part "${id}" is missing. Ask for it again, or export it again.`,
    );
  return text;
}

function damaged(what: string, error: unknown): Error {
  const reason = reasonOf(error);
  return new Error(`The file is damaged: ${what} cannot be read (${reason}). Ask for it again.`);
}

async function readIndex(): Promise<Shared> {
  const packed = textOf(INDEX_ID);
  try {
    const bytes = await inflate(fromBase64(packed.trim()), LARGEST_INDEX);
    const shared: Shared = JSON.parse(new TextDecoder().decode(bytes));
    return shared;
  } catch (error) {
    throw damaged("its index", error);
  }
}

function readManifest(): unknown {
  const text = textOf(MANIFEST_ID);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged("its list of what it holds", error);
  }
}

/** Fails with a sentence for the person. */
export async function readPacked(): Promise<Packed> {
  if (!canInflate()) throw new Error(TOO_OLD);
  const shared = await readIndex();
  const run = recordedRun(shared, textOf(DATA_ID));
  return { shared, run, manifest: readManifest() };
}
