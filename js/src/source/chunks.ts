/** The packed arrays of a shared file: each is unpacked when somebody looks, and the newest ones are kept. */

import type { Chunk } from "../document.gen.ts";
import { reasonOf } from "../format.ts";
import type { Lazy } from "./recorded.ts";
import { fromBase64, inflate } from "./unpack.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface Chunks {
  /** What `make` makes of these chunks, by index. */
  lazy<T extends object>(indices: readonly number[], make: (...parts: Bytes[]) => T): Lazy<T>;
}

async function unpack(text: string, chunks: readonly Chunk[], index: number): Promise<Bytes> {
  const chunk = chunks[index];
  if (chunk === undefined) throw new RangeError(`there is no part ${index}`);
  const { start, length, n_bytes: size } = chunk;
  const bytes = await inflate(fromBase64(text.slice(start, start + length)), size);
  if (bytes.length !== size) throw new RangeError(`${size} bytes expected, ${bytes.length} found`);
  return bytes;
}

/** Keeps what was used last, up to so many bytes. */
function createShelf(budget: number) {
  const held = new Map<object, number>();
  let total = 0;
  return {
    hold(value: object, size: number): void {
      total += size - (held.get(value) ?? 0);
      held.delete(value);
      held.set(value, size);
      for (const [oldest, its] of held) {
        if (total <= budget || oldest === value) return;
        held.delete(oldest);
        total -= its;
      }
    },
  };
}

/**
 * Reads `chunks` of `text`.
 *
 * Args:
 *   text: All of them in base64, one after the other.
 *   budget: Bytes of unpacked arrays that are kept. What somebody holds stays at hand beyond them.
 */
export function createChunks(text: string, chunks: readonly Chunk[], budget: number): Chunks {
  const shelf = createShelf(budget);
  return {
    lazy<T extends object>(indices: readonly number[], make: (...parts: Bytes[]) => T): Lazy<T> {
      const bytes = indices.reduce((sum, index) => sum + (chunks[index]?.n_bytes ?? 0), 0);
      // Bytes of a palette are half of what they become.
      const sizeOf = (value: T): number => (ArrayBuffer.isView(value) ? value.byteLength : bytes);
      let known: WeakRef<T> | null = null;
      let damage: Error | null = null;
      let loading: Promise<T> | null = null;

      async function unpackAll(): Promise<T> {
        try {
          const parts = await Promise.all(indices.map((index) => unpack(text, chunks, index)));
          const value = make(...parts);
          known = new WeakRef(value);
          shelf.hold(value, sizeOf(value));
          return value;
        } catch (error) {
          damage = new Error(`damaged in this file: ${reasonOf(error)}`);
          throw damage;
        } finally {
          loading = null;
        }
      }
      function peek(): T | undefined {
        if (damage !== null) throw damage;
        const value = known?.deref();
        if (value !== undefined) shelf.hold(value, sizeOf(value));
        return value;
      }
      return {
        bytes,
        peek,
        async load() {
          const value = peek();
          if (value !== undefined) return value;
          loading ??= unpackAll();
          return loading;
        },
      };
    },
  };
}
