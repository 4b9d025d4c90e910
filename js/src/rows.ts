/** What is known of the layers' health, and how high a row of the list is with it. */

import { healthWords, sicknessWords } from "./health.ts";
import type { Health } from "./protocol.gen.ts";
import type { SeriesData } from "./source/source.ts";
import type { Row } from "./tree.ts";

export interface Facts {
  readonly health: ReadonlyMap<string, Health>;
  /** Layers with enough readings for a strip. */
  readonly measured: ReadonlySet<string>;
  /** Layers with something that is not finite. */
  readonly sick: readonly string[];
}

export function factsOf(series: SeriesData | null): Facts {
  const health = series?.health ?? [];
  const lines = (series?.lines ?? []).filter(({ values }) => values.length > 1);
  return {
    health: new Map(health.map((each) => [each.layer, each])),
    measured: new Set(lines.flatMap(({ layer }) => layer ?? [])),
    sick: health.filter(({ non_finite }) => non_finite.length > 0).map(({ layer }) => layer),
  };
}

/** How many sick layers are folded away beneath a row. */
export function hiddenSick({ path, inside, open }: Row, { sick }: Facts): number {
  if (inside === 0 || open) return 0;
  return sick.filter((each) => each.startsWith(`${path}/`)).length;
}

/** CSS pixels, as in `layers.css`: a row out of sight has no element to measure. */
const HEAD = 32;
const STRIP = 31;
const LINE = 16;

/** Characters of bold text in a line of the list; a level takes two of them. */
const SICK_CHARACTERS = 36;

function healthLines(row: Row, health: Health | undefined): number {
  if (health === undefined) return 0;
  const sick = sicknessWords(health.non_finite).length;
  const figures = healthWords(health).length > 0 ? 1 : 0;
  return figures + Math.min(2, Math.ceil(sick / (SICK_CHARACTERS - 2 * row.level)));
}

export function heightOf(row: Row, facts: Facts): number {
  const strip = facts.measured.has(row.path) ? STRIP : 0;
  const hidden = hiddenSick(row, facts) > 0 ? 1 : 0;
  return HEAD + strip + LINE * (hidden + healthLines(row, facts.health.get(row.path)));
}
