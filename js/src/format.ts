/** Numbers as words. */

const MINUS = "\u2212";

/** Three digits that matter and all before the point, short: `0.0199`, `9.2e-4`, `1235`. With a minus to copy. */
export function formatValue(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e6) {
    const [mantissa = "0", exponent = "0"] = value.toExponential(Math.max(1, digits - 2)).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  if (Number.isInteger(value)) return String(value);
  const whole = Math.floor(Math.log10(size)) + 1;
  return String(Number(value.toPrecision(Math.max(digits, whole))));
}

/** An exact number as short as the others; what is no plain number (`True`, `3+4j`) is left as it is. */
export function shorten(text: string): string {
  const decimal = /^-?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text) && /[.e]/i.test(text);
  return decimal ? formatValue(Number(text)) : text;
}

/** The same number for the eye, not for copying: with a true minus, before the exponent too. Words keep their hyphens. */
export function trueMinus(text: string): string {
  return text.replace(/-(?=\.?\d|inf)/gi, MINUS);
}

/** For the eye, in a narrow place. */
export function formatLabel(value: number): string {
  return trueMinus(formatValue(value, 2));
}

/** A metric in a narrow place: always the same width, so that it does not dance while it runs. */
export function formatMetric(value: number | null): string {
  if (value === null) return "NaN";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return trueMinus(value.toExponential(1).replace("e+", "e"));
  return trueMinus(value.toFixed(size >= 100 ? 0 : size >= 10 ? 2 : 3));
}

/** Steps a second: no more digits than a person can follow. */
export function formatRate(rate: number): string {
  return `${rate >= 10 ? Math.round(rate) : Number(rate.toPrecision(2))} /s`;
}

/** In parts that stay whole: `784`, `\u00d7 128`. */
export function shapeWords(shape: readonly number[]): string[] {
  return shape.length === 0
    ? ["one number"]
    : shape.map((size, i) => (i === 0 ? `${size}` : `\u00d7 ${size}`));
}

/** Why something failed. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
