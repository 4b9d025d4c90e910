/** A frame of everything that is on screen, answered from a recording as a kernel answers it. */

import { reasonOf } from "../format.ts";
import type { MapRequest } from "../protocol.gen.ts";
import { mainPicture } from "./kept.ts";
import { planMap } from "./maps.ts";
import type { Orders } from "./orders.ts";
import { type Answering, planInput, planPart } from "./parts.ts";
import type { Plan } from "./plan.ts";
import { planProduct, planSum } from "./product.ts";
import { type RecordedLines, taken } from "./recorded.ts";
import type { FrameData, Line, NeuronData, PlaneData, Wanted } from "./source.ts";
import { missingPlane } from "./words.ts";

export type Drawn = Omit<FrameData, "seq">;

/** What is damaged becomes words, so that everything else is still drawn. */
function orWords<T>({ needs, draw }: Plan<T>, otherwise: (reason: string) => T): Plan<T> {
  return {
    needs,
    draw() {
      try {
        return draw();
      } catch (error) {
        return otherwise(reasonOf(error));
      }
    },
  };
}

/**
 * The step that is shown: the newest at or before the one that is asked for with one of the maps; where cells were left
 * out, what is drawn counts.
 */
export function shownStep({ kept }: Answering, { layer, step, sample, maps }: Wanted): number | null {
  const whole = maps.filter(({ part }) => part === "map");
  // Without maps, those that the parts of a neuron are made of.
  const asked = whole.length > 0 ? whole : maps.flatMap((part) => [part, mainPicture(part.tensor)]);
  const found = asked.flatMap((each) => kept.find(layer, each, step, sample) ?? []);
  const filled = found.filter(({ cells }) => cells !== null);
  const steps = (filled.length > 0 ? filled : found).map((entry) => entry.step);
  return steps.length === 0 ? null : Math.max(...steps);
}

function planOne(
  answering: Answering,
  wanted: Wanted,
  request: MapRequest,
  step: number,
  order: Plan<Int32Array | null>,
): Plan<PlaneData> {
  switch (request.part) {
    case "map": {
      const map = planMap(answering, wanted, request, step, order.draw);
      return { needs: [...map.needs, ...order.needs], draw: map.draw };
    }
    case "input":
      return planInput(answering, wanted, request, step);
    case "product":
      return planProduct(answering, wanted, request, step);
    default:
      return planPart(answering, wanted, request, step);
  }
}

/** The line of one neuron. */
function lineOf({ layer, name, firstNeuron, nNeurons, ...lazy }: RecordedLines, neuron: number): Line[] {
  const row = neuron - firstNeuron;
  if (row < 0 || row >= nNeurons) return [];
  const [steps, values] = [taken(lazy.steps), taken(lazy.values)];
  return [{ name, layer, steps, values: values.subarray(row * steps.length, (row + 1) * steps.length) }];
}

function planNeuron(answering: Answering, wanted: Wanted, step: number): Plan<NeuronData> {
  const lines = answering.run.lines.filter(({ layer }) => layer === wanted.layer);
  const sum = orWords(planSum(answering, wanted, step), () => ({
    weighted: null,
    bias: null,
    weightsStep: null,
  }));
  const all = orWords<Line[]>(
    {
      needs: lines.flatMap(({ steps, values }) => [steps, values]),
      draw: () => lines.flatMap((each) => lineOf(each, wanted.neuron)),
    },
    () => [],
  );
  return {
    needs: [...sum.needs, ...all.needs],
    draw: () => ({ index: wanted.neuron, ...sum.draw(), lines: all.draw() }),
  };
}

/** What must be at hand for a frame, and how it is drawn. */
export function planFrame(answering: Answering, orders: Orders, wanted: Wanted): Plan<Drawn> {
  const { layer, sample, maps } = wanted;
  const step = shownStep(answering, wanted);
  const at = step ?? Math.max(0, wanted.step);
  const order = orWords(orders(wanted), () => null);
  const planes = maps.map((request) =>
    orWords(planOne(answering, wanted, request, at, order), (reason) => missingPlane(request, reason)),
  );
  const ofOne = step !== null && maps.some(({ part }) => part !== "map");
  const neuron = ofOne ? planNeuron(answering, wanted, at) : null;
  return {
    needs: [...planes.flatMap(({ needs }) => needs), ...(neuron?.needs ?? [])],
    draw: () => ({
      layer,
      step: at,
      newest: wanted.step < 0,
      sample,
      labels: answering.run.labels[String(at)] ?? [],
      planes: planes.map(({ draw }) => draw()),
      order: order.draw(),
      neuron: neuron?.draw() ?? null,
    }),
  };
}
