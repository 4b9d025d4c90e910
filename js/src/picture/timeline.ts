/** Draws the timeline. What it shows is decided in `plotOf`. */

import type { Theme } from "../theme.ts";
import { type Axis, ticksOf, tickText } from "./axis.ts";
import { NAME_GAP, placeNames } from "./ends.ts";
import { drawLine, type Frame2d, type Scale, xOf, yOf } from "./lines.ts";
import type { Curve, Plot, Tone } from "./plot.ts";

/** CSS pixels. */
const FONT = 11;
const CHARACTER = 7;
const TICK_GAP = 7;
const NO_AXIS = 16;
const NAME_ABOVE = 15;
/** A dot at the edge of the frame is whole. */
const DOT_RIM = 3;

/** Of the lines of branches that are not shown. */
const FAINT = 0.5;

const NO_SCALE: readonly [number, number] = [0, 1];

/** Everything that the parts of the drawing need. Lengths are device pixels. */
interface Drawing {
  readonly context: CanvasRenderingContext2D;
  readonly plot: Plot;
  readonly frame: Frame2d;
  readonly theme: Theme;
  readonly pixelRatio: number;
  /** Branches that are not shown, and yet looked at. */
  readonly held: readonly string[];
}

/** CSS pixels beside the frame for the axis' numbers and its name. */
function marginFor(axis: Axis): number {
  const words = [axis.name, ...ticksOf(axis).map((tick) => tickText(axis, tick))];
  return Math.max(...words.map(({ length }) => length)) * CHARACTER + TICK_GAP + 6;
}

export function frameOf(plot: Plot, width: number, height: number, pixelRatio: number): Frame2d {
  const left = plot.left === null ? 0 : marginFor(plot.left);
  const right = plot.right === null ? NO_AXIS : marginFor(plot.right);
  return {
    left: Math.max(44, left) * pixelRatio,
    right: width - right * pixelRatio,
    top: 26 * pixelRatio,
    bottom: height - 24 * pixelRatio,
  };
}

const scaleOf = (plot: Plot, side: Curve["side"]): Scale => ({ x: plot.x, y: plot[side]?.range ?? NO_SCALE });

/** A curve's colour where all curves of an axis have it, for the axis' name. */
function toneOf(plot: Plot, side: Curve["side"]): Tone {
  const tones = new Set(
    plot.curves.filter((curve) => curve.side === side && curve.labelled).map(({ tone }) => tone),
  );
  const [only = "muted"] = tones;
  return tones.size === 1 ? only : "muted";
}

function drawAxis({ context, plot, frame, theme, pixelRatio }: Drawing, side: Curve["side"]): void {
  const axis = plot[side];
  if (axis === null) return;
  const sign = side === "left" ? -1 : 1;
  const x = frame[side] + sign * TICK_GAP * pixelRatio;
  context.textAlign = side === "left" ? "right" : "left";
  context.textBaseline = "middle";
  context.fillStyle = theme.muted;
  for (const tick of ticksOf(axis)) {
    const y = yOf(tick, frame, scaleOf(plot, side));
    context.fillText(tickText(axis, tick), x, y);
    if (side === "right") context.strokeRect(frame.right, Math.round(y) + 0.5, 4 * pixelRatio, 0);
  }
  context.fillStyle = theme[toneOf(plot, side)];
  context.fillText(axis.name, x, frame.top - NAME_ABOVE * pixelRatio);
}

/** Lines at the ticks of one axis only: two sets of them would be a mesh. */
function drawGrid({ context, plot, frame }: Drawing): void {
  const axis = plot.left ?? plot.right;
  const scale = { x: plot.x, y: axis?.range ?? NO_SCALE };
  for (const value of axis === null ? [0, 0.5, 1] : ticksOf(axis)) {
    context.strokeRect(frame.left, Math.round(yOf(value, frame, scale)) + 0.5, frame.right - frame.left, 0);
  }
  context.strokeRect(Math.round(frame.right) + 0.5, frame.top, 0, frame.bottom - frame.top);
}

function drawEpochs({ context, plot, frame, theme, pixelRatio }: Drawing): void {
  const scale = scaleOf(plot, "left");
  const baseline = frame.bottom + 16 * pixelRatio;
  context.fillStyle = theme.muted;
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const { from, to, number } of plot.epochs) {
    const left = Math.round(xOf(from, frame, scale)) + 0.5;
    const right = xOf(to, frame, scale);
    context.strokeRect(left, frame.top, 0, frame.bottom - frame.top);
    const room = right - left;
    const text = room > 60 * pixelRatio ? `epoch ${number}` : room > 18 * pixelRatio ? `${number}` : "";
    context.fillText(text, (left + right) / 2, baseline);
  }
  if (plot.epochs.length > 0) return;
  context.strokeRect(Math.round(frame.left) + 0.5, frame.top, 0, frame.bottom - frame.top);
  context.textAlign = "right";
  context.fillText(`step ${plot.x[1]}`, frame.right, baseline);
}

/** Words over lines, with a rim that keeps them apart. */
function drawWords({ context, theme, pixelRatio }: Drawing, text: string, x: number, y: number): void {
  context.textBaseline = "middle";
  context.lineWidth = 4 * pixelRatio;
  context.lineJoin = "round";
  context.strokeStyle = theme.surface;
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

function drawCurves({ context, plot, frame, theme, pixelRatio, held }: Drawing): void {
  const { left, right, top, bottom } = frame;
  context.save();
  context.beginPath();
  const rim = DOT_RIM * pixelRatio;
  context.rect(left - rim, top - rim, right - left + 2 * rim, bottom - top + 2 * rim);
  context.clip();
  for (const { name, steps, values, side, tone, dash, faint = false } of plot.curves) {
    const looked = faint && held.includes(name);
    context.globalAlpha = faint && !looked ? FAINT : 1;
    const stroke = { color: looked ? theme.text : theme[tone], width: tone === "raw" ? 1 : 1.5, dash };
    drawLine(context, steps, values, frame, scaleOf(plot, side), stroke, pixelRatio);
  }
  context.restore();
}

/** Which line is whose: with two axes it says at which one to read it. */
export function wordsFor({ name, side }: Curve, plot: Plot): string {
  return plot.left === null || plot.right === null ? name : `${name} (${side})`;
}

function drawNames(drawing: Drawing): void {
  const { context, plot, frame, theme, pixelRatio, held } = drawing;
  const words = (curve: Curve) => (curve.faint ? curve.name : wordsFor(curve, plot));
  const widthOf = (curve: Curve) => context.measureText(words(curve)).width;
  const places = placeNames({ plot, frame, gap: NAME_GAP * pixelRatio, widthOf }, held);
  for (const { curve, x, y, right } of places) {
    context.textAlign = right ? "left" : "right";
    context.fillStyle = held.includes(curve.name) ? theme.text : theme[curve.tone];
    drawWords(drawing, words(curve), x, y);
  }
}

/** What is missing: over the frame, beside the axis' name, or where there is no line inside of it. */
function drawMissing(drawing: Drawing, text: string): void {
  const { context, plot, frame, theme, pixelRatio } = drawing;
  const empty = plot.curves.length === 0;
  context.textAlign = empty ? "left" : "right";
  context.fillStyle = theme.muted;
  const x = empty ? frame.left + 10 * pixelRatio : frame.right;
  const y = empty ? (3 * frame.top + frame.bottom) / 4 : frame.top - NAME_ABOVE * pixelRatio;
  drawWords(drawing, text, x, y);
}

export function drawPlot(
  canvas: HTMLCanvasElement,
  plot: Plot,
  theme: Theme,
  family: string,
  pixelRatio: number,
  held: readonly string[] = [],
): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const frame = frameOf(plot, canvas.width, canvas.height, pixelRatio);
  const drawing = { context, plot, frame, theme, pixelRatio, held };
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = `${FONT * pixelRatio}px ${family}`;
  context.strokeStyle = theme.line;
  context.lineWidth = pixelRatio;
  drawGrid(drawing);
  drawEpochs(drawing);
  drawAxis(drawing, "left");
  drawAxis(drawing, "right");
  drawCurves(drawing);
  if (plot.curves.length > 0) drawNames(drawing);
  if (plot.missing !== null) drawMissing(drawing, plot.missing);
}
