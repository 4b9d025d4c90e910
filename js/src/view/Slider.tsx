import type { ComponentChildren } from "preact";
import { useView } from "./context.ts";

interface Props {
  readonly name: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** What the value is called, where it is not a number. */
  readonly text?: string;
  /** The same where room is scarce. */
  readonly short?: string;
  readonly onMove: (value: number) => void;
  readonly children?: ComponentChildren;
}

/** A whole number to drag, its name at the left and what it is called at the right, aligned with the maps. */
export function Slider({ name, value, min, max, text, short, onMove, children }: Props) {
  const gone = useView().store.source.connection.value === "gone";
  const shown = Math.min(Math.max(value, min), max);
  const filled = max > min ? (shown - min) / (max - min) : 0;
  const words = text ?? String(shown);
  return (
    <div class="nnv-slider">
      <span class="nnv-slider-name">
        {name}
        {children}
      </span>
      <input
        type="range"
        aria-label={name}
        min={min}
        max={max}
        value={shown}
        disabled={gone || max <= min}
        aria-valuetext={words}
        style={{ "--nnv-filled": String(filled) }}
        onInput={(event) => onMove(Number(event.currentTarget.value))}
      />
      <b title={words}>{short ?? words}</b>
    </div>
  );
}
