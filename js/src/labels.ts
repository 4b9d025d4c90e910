/** What a sample is called by its target. */

/** A class has a name, even if that is a digit; what one regresses on is a number. */
export const targetWords = (label: string): string =>
  /[.e]/.test(label) && Number.isFinite(Number(label))
    ? `target ${label.replace("-", "\u2212")}`
    : `a \u201c${label}\u201d`;

export function sampleWords(sample: number, labels: readonly string[]): string {
  const label = labels[sample];
  return label === undefined ? `sample ${sample}` : `sample ${sample}, ${targetWords(label)}`;
}
