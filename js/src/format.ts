/** Numbers as words. */

const MINUS = "\u2212";

/** Three digits that matter, short: `0.0199`, `9.2e-4`, `1.30e+5`. */
export function formatValue(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e6) {
    const [mantissa = "0", exponent = "0"] = value.toExponential(digits - 2).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(digits)));
}

/** An exact number as short as the others; what is no plain number (`True`, `3+4j`) is left as it is. */
export function shorten(text: string): string {
  const decimal = /^-?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text) && /[.e]/i.test(text);
  return decimal ? formatValue(Number(text)) : text;
}

/** For the eye, not for copying: with a true minus. */
export function formatLabel(value: number): string {
  return formatValue(value, 2).replaceAll("-", MINUS);
}

/** A metric in a narrow place: always the same width, so that it does not dance while it runs. */
export function formatMetric(value: number | null): string {
  if (value === null) return "NaN";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1).replace("e+", "e");
  return size >= 100 ? value.toFixed(0) : value.toFixed(size >= 10 ? 2 : 3);
}

/** Steps a second: no more digits than a person can follow. */
export function formatRate(rate: number): string {
  return `${rate >= 10 ? Math.round(rate) : Number(rate.toPrecision(2))} /s`;
}

export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? "one number" : shape.join(" \u00d7 ");
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
