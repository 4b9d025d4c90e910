/** In which order the neurons of a layer stand: found once for a layer and a question. */

import type { Order } from "../protocol.gen.ts";
import { cellsPerNeuron, sortNeurons } from "./columns.ts";
import { fullPicture } from "./drawn.ts";
import { type Kept, mainPicture } from "./kept.ts";
import { type Plan, planned } from "./plan.ts";
import type { RecordedPlane } from "./recorded.ts";
import type { Wanted } from "./source.ts";

/** The tensor that tells of the neurons. */
function basis(kept: Kept, layer: string, { by, step }: Order): RecordedPlane | null {
  const find = (...asked: Parameters<typeof mainPicture>) => kept.find(layer, mainPicture(...asked), step, 0);
  if (by !== "activity") return find("weights") ?? find("activations");
  // Where each sample has a picture of its own, what all of them are reduced to tells of all.
  return find("activations", "samples") ?? find("activations");
}

/** Whether each neuron has cells of its own in all maps that are shown: else only some of them could be sorted. */
function toldApart(kept: Kept, { layer, step, sample, maps }: Wanted): boolean {
  const planes = maps
    .filter(({ part }) => part === "map")
    .map((request) => kept.find(layer, request, step, sample));
  return planes.every((entry) => {
    if (entry === null || entry.cells === null || entry.plane.neuron_cols === 0) return true;
    return cellsPerNeuron(entry.plane) > 0;
  });
}

export type Orders = (wanted: Wanted) => Plan<Int32Array | null>;

export function createOrders(kept: Kept): Orders {
  const known = new Map<string, Int32Array | null>();
  return (wanted) => {
    const { layer, order } = wanted;
    if (order === null || !toldApart(kept, wanted)) return planned(null);
    const key = JSON.stringify([layer, order]);
    const found = known.get(key);
    if (found !== undefined) return planned(found);
    const entry = basis(kept, layer, order);
    if (entry === null || entry.cells === null) return planned(null);
    return {
      needs: [entry.cells],
      draw() {
        const full = fullPicture(entry);
        const sorted = full === null ? null : sortNeurons(full, order.by);
        known.set(key, sorted);
        return sorted;
      },
    };
  };
}
