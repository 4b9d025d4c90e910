/** Weights of classes as a person types them: `0: 1, 1: 5`. */

export type ClassWeights = Readonly<Record<string, number>>;

export const wordsOf = (weights: ClassWeights | null): string =>
  Object.entries(weights ?? {})
    .map(([name, weight]) => `${name}: ${weight}`)
    .join(", ");

/** What was typed: `null` is no weights, and a text says what is wrong. */
export function weightsOf(text: string): ClassWeights | null | string {
  const parts = text.split(/[,;\s]+(?=\d+\s*:)/).filter((part) => part.trim() !== "");
  if (parts.length === 0) return null;
  const found: Record<string, number> = {};
  for (const part of parts) {
    const match = /^\s*(\d+)\s*:\s*(\d*\.?\d+(?:e-?\d+)?)[,;\s]*$/i.exec(part);
    if (match?.[1] === undefined || match[2] === undefined) {
      return `Weights must be typed as numbers of classes with theirs: 0: 1, 1: 5. Received: ${part.trim()}.`;
    }
    found[match[1]] = Number(match[2]);
  }
  return found;
}
