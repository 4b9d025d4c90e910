/** Where the neurons stand in the pictures: one after the other, or sorted. */

export interface Places {
  /** The neuron that a place shows. */
  neuronAt(place: number): number;
  placeOf(neuron: number): number;
}

const same = (index: number): number => index;

export const AS_THEY_ARE: Places = { neuronAt: same, placeOf: same };

/** From the neuron at each place. A neuron that it does not name stands where it always does. */
export function placesOf(order: Int32Array | null): Places {
  if (order === null) return AS_THEY_ARE;
  const places = new Map<number, number>();
  for (const [place, neuron] of order.entries()) places.set(neuron, place);
  return {
    neuronAt: (place) => order[place] ?? place,
    placeOf: (neuron) => places.get(neuron) ?? neuron,
  };
}
