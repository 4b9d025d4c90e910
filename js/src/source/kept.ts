/** Which of the recorded pictures answers a request: of that tensor, at that place, the newest that is not too new. */

import { mainVariable } from "../choices.ts";
import type { LayerEntry, MapRequest, Plane } from "../protocol.gen.ts";
import type { RecordedPlane, RecordedRun } from "./recorded.ts";

export type Asked = Pick<MapRequest, "tensor" | "part" | "variable" | "output" | "at">;

/** The picture of what stands for a layer. */
export const mainPicture = (tensor: MapRequest["tensor"], part: MapRequest["part"] = "map"): Asked => ({
  tensor,
  part,
  variable: null,
  output: 0,
  at: {},
});

/** The pictures of one tensor at one place of its further axes, newest first, by sample. */
interface Track {
  readonly further: Plane["further"];
  readonly bySample: Map<number | null, RecordedPlane[]>;
}

export interface Kept {
  /** The newest one at or before the step, -1 for the newest of all; `null` if there is none. */
  find(layer: string, asked: Asked, step: number, sample: number): RecordedPlane | null;
  /** The newest one of a form at or before the step. */
  ofForm(layer: string, form: number, step: number, sample: number): RecordedPlane | null;
  /** The oldest one. A picture without cells is the same words at every step. */
  first(layer: string, asked: Asked, sample: number): RecordedPlane | null;
  /** The further axes of what was asked for, if pictures of it were kept at other places than that one. */
  elsewhere(layer: string, asked: Asked): Plane["further"] | null;
  /** At which steps there are pictures of any of these, from the first to the last. */
  steps(layer: string, asked: readonly Asked[], sample: number): readonly number[];
  /** At which steps anything of the layer is drawn. */
  stepsOf(layer: string): readonly number[];
}

const tensorKey = (layer: string, { part, tensor, output }: Omit<Asked, "at" | "variable">): string =>
  `${part} ${tensor} ${output} ${layer}`;

/** At which index of an axis a request is; the last one where it asks for more. */
export function indexAlong({ name, size }: Plane["further"][number], at: Asked["at"]): number {
  return Math.min(at[name] ?? 0, size - 1);
}

const inOrderOfSteps = (steps: Iterable<number>): number[] => [...new Set(steps)].sort((a, b) => a - b);

/** Puts the planes on their tracks: by tensor, variable and place along further axes. */
function tracksOf(planes: readonly RecordedPlane[]): Map<string, Map<string | null, Track[]>> {
  const tensors = new Map<string, Map<string | null, Track[]>>();
  const put = <K, V>(map: Map<K, V>, key: K, value: V): V => {
    map.set(key, value);
    return value;
  };
  for (const entry of planes) {
    const { variable, further } = entry.plane;
    const key = tensorKey(entry.layer, entry.plane);
    const variables = tensors.get(key) ?? put(tensors, key, new Map<string | null, Track[]>());
    const tracks = variables.get(variable) ?? put(variables, variable, []);
    let track = tracks.find((each) => each.further.every(({ index }, i) => index === further[i]?.index));
    if (track === undefined) {
      track = { further, bySample: new Map() };
      tracks.push(track);
    }
    const { bySample } = track;
    (bySample.get(entry.sample) ?? put(bySample, entry.sample, [])).push(entry);
  }
  return tensors;
}

function newestFirst(tensors: Map<string, Map<string | null, Track[]>>): void {
  for (const variables of tensors.values())
    for (const tracks of variables.values())
      for (const { bySample } of tracks)
        for (const entries of bySample.values()) entries.sort((a, b) => b.step - a.step);
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

const newest = (entries: readonly RecordedPlane[]): RecordedPlane | null =>
  entries.reduce<RecordedPlane | null>(
    (best, each) => (best === null || each.step > best.step ? each : best),
    null,
  );

export function createKept({ planes, layers }: Pick<RecordedRun, "planes" | "layers">): Kept {
  const tensors = tracksOf(planes);
  newestFirst(tensors);
  const entries = new Map<string, LayerEntry>(layers.map((layer) => [layer.path, layer]));
  const drawn = new Map<string, readonly number[]>();
  const forms = groupBy(planes, ({ layer, form }) => `${form} ${layer}`);

  function tracksFor(layer: string, asked: Asked): readonly Track[] {
    const variables = tensors.get(tensorKey(layer, asked));
    if (variables === undefined) return [];
    if (asked.variable !== null) return variables.get(asked.variable) ?? [];
    // Several that are drawn together have no name; then the layer's kernel stands for it, or the first that there is.
    const entry = entries.get(layer);
    const main = entry === undefined ? undefined : variables.get(mainVariable(entry) ?? null);
    return variables.get(null) ?? main ?? [...variables.values()][0] ?? [];
  }

  function rows(layer: string, asked: Asked, sample: number): readonly RecordedPlane[] {
    const here = tracksFor(layer, asked).find(({ further }) =>
      further.every((axis) => axis.index === indexAlong(axis, asked.at)),
    );
    return here?.bySample.get(sample) ?? here?.bySample.get(null) ?? [];
  }

  function stepsDrawn(layer: string): readonly number[] {
    const maps = planes.filter((entry) => entry.layer === layer && entry.plane.part === "map");
    const filled = maps.filter(({ cells }) => cells !== null);
    return inOrderOfSteps((filled.length > 0 ? filled : maps).map(({ step }) => step));
  }

  return {
    find: (layer, asked, step, sample) =>
      rows(layer, asked, sample).find((entry) => step < 0 || entry.step <= step) ?? null,
    ofForm(layer, form, step, sample) {
      const same = forms.get(`${form} ${layer}`) ?? [];
      const fits = same.filter((each) => each.sample === null || each.sample === sample);
      return newest(fits.filter((each) => step < 0 || each.step <= step));
    },
    first: (layer, asked, sample) => rows(layer, asked, sample).at(-1) ?? null,
    elsewhere: (layer, asked) => tracksFor(layer, asked)[0]?.further ?? null,
    steps: (layer, asked, sample) =>
      inOrderOfSteps(asked.flatMap((each) => rows(layer, each, sample).map(({ step }) => step))),
    stepsOf(layer) {
      const known = drawn.get(layer) ?? stepsDrawn(layer);
      drawn.set(layer, known);
      return known;
    },
  };
}
