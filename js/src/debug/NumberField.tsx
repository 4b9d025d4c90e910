import { useEffect, useRef } from "preact/hooks";

interface Props {
  readonly label: string;
  /** Whether the label stands beside it already, in other words or as a choice. */
  readonly isNamed?: boolean;
  /** `null` where there is nothing to set, or where it is turned off. */
  readonly value: number | null;
  readonly why: string;
  /** Whether an empty field turns it off. */
  readonly turnsOff?: boolean;
  readonly onSet: (value: number | null) => Promise<boolean>;
}

/** As short as it was typed: a float32 has more digits than anybody gave it. */
export const shown = (value: number): string => String(Number(value.toPrecision(6)));

/** A number that is set with Enter, or by leaving it. */
export function NumberField({ label, isNamed = false, value, why, turnsOff = false, onSet }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const text = value === null ? "" : shown(value);
  const reset = () => {
    if (field.current !== null) field.current.value = text;
  };
  useEffect(reset, [text, label]);
  const set = async () => {
    const typed = field.current?.valueAsNumber ?? Number.NaN;
    const off = turnsOff && field.current?.value === "" && field.current.validity.valid;
    const wanted = off ? null : typed;
    const differs = wanted === null ? text !== "" : Number.isFinite(wanted) && shown(wanted) !== text;
    // What was refused, or is no number, is not what it is.
    if (!differs || !(await onSet(wanted))) reset();
  };
  return (
    <label class="nnv-edit">
      {!isNamed && <span>{label}</span>}
      <input
        ref={field}
        type="number"
        step="any"
        class="nnv-number"
        aria-label={isNamed ? label : undefined}
        disabled={why !== "" || (value === null && !turnsOff)}
        placeholder={turnsOff ? "off" : ""}
        title={why}
        onChange={() => void set()}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          reset();
          event.stopPropagation();
        }}
      />
    </label>
  );
}
