/** Everything that a saved picture or table of one map holds. */

import { shapeWords } from "../format.ts";
import type { Picture } from "../picture/layout.ts";
import type { Scale } from "../picture/scale.ts";
import type { Places } from "../places.ts";
import type { Order } from "../protocol.gen.ts";
import type { Theme } from "../theme.ts";
import { kindWords, orderWords, partWords, pooledWords, stepWords } from "../words.ts";

export interface Content {
  readonly picture: Picture;
  readonly scale: Scale;
  readonly theme: Theme;
  readonly layer: string;
  readonly step: number;
  readonly order: Order | null;
  readonly places: Places;
  /** Of two runs what is shown, in words; else empty. */
  readonly run: string;
}

export function titleOf({ picture, layer, step, run }: Content): string {
  const { plane } = picture.data;
  const variable = plane.variable === null ? "" : ` (${plane.variable})`;
  return `${kindWords(plane.tensor)} of ${layer}${variable}, ${stepWords(plane, step, run).join(", ")}`;
}

/** What is drawn, line by line. */
export function linesOf({ picture, order, scale }: Content): string[] {
  const { plane } = picture.data;
  const what = [shapeWords(plane.shape).join(" "), pooledWords(plane).join(" "), orderWords(order).join(" ")];
  const scaled = scale.norm === "linear" ? "" : `${scale.norm} scale`;
  return [
    [...what, scaled].filter((words) => words !== "").join(", "),
    `down: ${partWords(plane, order !== null, false)[0]}, right: ${partWords(plane, order !== null, false)[1]}`,
  ];
}

/** For a file, without its ending. */
export function fileNameOf({ picture, layer, step, run }: Content): string {
  const { tensor, variable } = picture.data.plane;
  const parts = [layer, variable ?? "", tensor, `step${step}`, run].filter((part) => part !== "");
  return parts.join("_").replaceAll(/[^\w.-]+/g, "-");
}
