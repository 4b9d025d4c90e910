/** The layers as a tree by the segments of their paths, and the rows of it that are not folded away. */

import type { LayerEntry } from "./protocol.gen.ts";

export interface Row {
  readonly path: string;
  /** What the path says beyond that of the row it lies beneath. */
  readonly name: string;
  /** Of a row that does not lie beneath it: the rest of the path. */
  readonly within: string;
  /** 1 for the outermost. */
  readonly level: number;
  /** `null` for a nested model that is no layer itself. */
  readonly entry: LayerEntry | null;
  /** How many layers lie beneath it. */
  readonly inside: number;
  readonly open: boolean;
  /** Its place among its siblings, from 1, and their number. */
  readonly place: number;
  readonly siblings: number;
}

interface Node {
  readonly path: string;
  readonly name: string;
  readonly children: Node[];
  entry: LayerEntry | null;
  inside: number;
}

const newNode = (path: string, name: string): Node => ({ path, name, children: [], entry: null, inside: 0 });

/** `d` of `d#1`, the second call of a layer that is called twice. */
const baseOf = (name: string): string => name.replace(/#\d+$/, "");

/** The calls of one layer beneath each other, where the first of them is. */
function gatherCalls(nodes: readonly Node[]): Node[] {
  const calls = new Map<string, Node[]>();
  for (const node of nodes) {
    const base = baseOf(node.name);
    calls.set(base, [...(calls.get(base) ?? []), node]);
  }
  return [...calls.values()].flat();
}

function grow(layers: readonly LayerEntry[]): Node {
  const root = newNode("", "");
  const nodes = new Map<string, Node>();
  for (const entry of layers) {
    let node = root;
    for (const name of entry.path.split("/")) {
      const path = node === root ? name : `${node.path}/${name}`;
      const next = nodes.get(path) ?? newNode(path, name);
      if (!nodes.has(path)) node.children.push(next);
      nodes.set(path, next);
      node.inside += 1;
      node = next;
    }
    node.entry = entry;
  }
  return root;
}

/** A nested model with one thing in it is one row with that: `encoder/conv`. */
function compact(node: Node): Node {
  const [only, ...others] = node.children;
  if (node.entry !== null || only === undefined || others.length > 0) return node;
  return compact({ ...only, name: `${node.name}/${only.name}` });
}

/** The rows from top to bottom, without those beneath a folded one. */
export function rowsOf(layers: readonly LayerEntry[], folded: ReadonlySet<string>): Row[] {
  const rows: Row[] = [];
  const add = (nodes: readonly Node[], level: number): void => {
    const siblings = nodes.length;
    for (const [i, { path, name, entry, inside, children }] of gatherCalls(nodes).map(compact).entries()) {
      const open = children.length > 0 && !folded.has(path);
      rows.push({ path, name, within: "", level, entry, inside, open, place: i + 1, siblings });
      if (open) add(children, level + 1);
    }
  };
  add(grow(layers).children, 1);
  return rows;
}

/** The layers whose path or summary has the words, as a flat list. */
export function foundRows(layers: readonly LayerEntry[], words: string): Row[] {
  const wanted = words.trim().toLowerCase();
  const found = layers.filter(({ path, summary }) => `${path} ${summary}`.toLowerCase().includes(wanted));
  return found.map((entry, i) => ({
    path: entry.path,
    name: entry.path.slice(entry.path.lastIndexOf("/") + 1),
    within: ancestorsOf(entry.path).at(-1) ?? "",
    level: 1,
    entry,
    inside: 0,
    open: false,
    place: i + 1,
    siblings: found.length,
  }));
}

/** The paths that a path lies beneath, outermost first: `a` and `a/b` of `a/b/c`. */
export function ancestorsOf(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, i) => names.slice(0, i + 1).join("/"));
}

/** The row of a path; where it is folded away, the one that hides it. -1 if there is none. */
export function rowIndexOf(rows: readonly Row[], path: string): number {
  const paths = [path, ...ancestorsOf(path).reverse()];
  const found = paths.map((each) => rows.findIndex((row) => row.path === each));
  return found.find((index) => index >= 0) ?? -1;
}

export type TreeMove =
  | { readonly to: number }
  | { readonly fold: string }
  | { readonly unfold: string }
  | null;

const PAGE = 10;

/** What a key does in the tree, as in every other tree. */
export function afterTreeKey(rows: readonly Row[], at: number, key: string): TreeMove {
  const row = rows[at];
  const last = rows.length - 1;
  const to = (index: number): TreeMove => ({ to: Math.max(0, Math.min(index, last)) });
  switch (key) {
    case "ArrowDown":
      return to(at + 1);
    case "ArrowUp":
      return to(at - 1);
    case "PageDown":
      return to(at + PAGE);
    case "PageUp":
      return to(at - PAGE);
    case "Home":
      return to(0);
    case "End":
      return to(last);
    case "ArrowRight":
      if (row === undefined || row.inside === 0) return null;
      return row.open ? to(at + 1) : { unfold: row.path };
    case "ArrowLeft": {
      if (row === undefined) return null;
      if (row.open) return { fold: row.path };
      const parent = ancestorsOf(row.path).at(-1) ?? "";
      const index = rowIndexOf(rows, parent);
      return index < 0 ? null : to(index);
    }
    case "Enter":
      if (row === undefined || row.inside === 0) return null;
      return row.open ? { fold: row.path } : { unfold: row.path };
    default:
      return null;
  }
}
