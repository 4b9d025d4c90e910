/** The axes that do not lie on the pictures, each once for all maps that have it. */

import { GROUPS, type Group, groupOf } from "./group.ts";
import type { Kind, Plane } from "./protocol.gen.ts";

export interface FurtherAxis {
  /** The tensor's own name of it. */
  readonly axis: string;
  /** What it is called here. */
  readonly name: string;
  readonly size: number;
  /** At which index the pictures are. */
  readonly index: number;
  readonly labels: readonly string[];
  /** Whose pictures it moves. */
  readonly groups: readonly Group[];
}

type Drawn = Pick<Plane, "tensor" | "further">;

const WORDS: Record<string, string> = { in: "input" };

const OF: Record<Group, Kind> = { parameters: "weights", outputs: "activations" };

/** Axes of one name are one axis where they have one length; otherwise each says of which maps it is. */
export function furtherAxes(planes: readonly Drawn[]): FurtherAxis[] {
  const axes = new Map<string, FurtherAxis>();
  for (const { tensor, further } of planes) {
    for (const { name, size, index, labels } of further) {
      const key = `${size} ${name}`;
      const known = axes.get(key);
      const groups = GROUPS.filter(
        (group) => group === groupOf(tensor) || (known?.groups.includes(group) ?? false),
      );
      axes.set(key, known ? { ...known, groups } : { axis: name, name, size, index, labels, groups });
    }
  }
  const all = [...axes.values()];
  return all.map((axis) => {
    const word = WORDS[axis.axis] ?? axis.axis;
    const alone = all.filter((other) => other.axis === axis.axis).length === 1;
    return { ...axis, name: alone ? word : `${word} of ${axis.groups.map((group) => OF[group]).join()}` };
  });
}
