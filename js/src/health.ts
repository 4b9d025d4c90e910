/** How a layer is, in words. */

import { formatLabel } from "./format.ts";
import type { Health, NonFinite } from "./protocol.gen.ts";
import { kindWords } from "./words.ts";

const COUNT = new Intl.NumberFormat("en");

/** `activations: 2,560 of 4,096 not finite` */
export function countWords({ tensor, count, size }: NonFinite): string {
  const share = count === size ? `all ${COUNT.format(count)}` : COUNT.format(count);
  const of = size === null || size === count ? "" : ` of ${COUNT.format(size)}`;
  return `${kindWords(tensor)}: ${share}${of} not finite`;
}

/** Short enough for a row: of several kinds only their names, which the whole text counts one by one. */
export function sicknessWords(sick: readonly NonFinite[]): string {
  const [first] = sick;
  if (first === undefined) return "";
  if (sick.length === 1) return countWords(first);
  // First what a short row must not cut off.
  return `not finite: ${sick.map(({ tensor }) => kindWords(tensor)).join(", ")}`;
}

export function healthWords(health: Health): string[] {
  const words: string[] = [];
  if (health.gradient_l2 !== null) words.push(`|g| ${formatLabel(health.gradient_l2)}`);
  if (health.update_ratio !== null) words.push(`\u0394w/w ${formatLabel(health.update_ratio)}`);
  if (health.dead_share !== null && health.dead_share > 0)
    words.push(`dead ${Math.round(health.dead_share * 100)} %`);
  return words;
}
