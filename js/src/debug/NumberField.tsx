import { Refused } from "./Refused.tsx";
import type { Editing } from "./settings.ts";
import { useTyped } from "./typed.ts";

interface Props {
  readonly label: string;
  /** Whether the label stands beside it already, in other words or as a choice. */
  readonly isNamed?: boolean;
  /** `null` where there is nothing to set, or where it is turned off. */
  readonly value: number | null;
  readonly editing: Editing;
  /** Whether an empty field turns it off. */
  readonly turnsOff?: boolean;
  /** Asks for it, and answers why it is refused. */
  readonly onSet: (value: number | null) => Promise<string | null>;
}

/** As short as it was typed: a float32 has more digits than anybody gave it. */
export const shown = (value: number): string => String(Number(value.toPrecision(6)));

/** A number that is set with Enter, or by leaving it. */
export function NumberField({ label, isNamed = false, value, editing, turnsOff = false, onSet }: Props) {
  const { why, moment } = editing;
  const text = value === null ? "" : shown(value);
  const typed = useTyped(text, `${label} ${why} ${moment}`, async (field) => {
    const off = turnsOff && field.value === "" && field.validity.valid;
    const wanted = off ? null : field.valueAsNumber;
    const differs = wanted === null ? text !== "" : Number.isFinite(wanted) && shown(wanted) !== text;
    if (differs) return onSet(wanted);
    // What is the same, or no number, is what it is.
    field.value = text;
    return null;
  });
  return (
    <>
      <label class="nnv-edit">
        {!isNamed && <span>{label}</span>}
        <input
          {...typed.attributes}
          type="number"
          step="any"
          class="nnv-number"
          aria-label={isNamed ? label : undefined}
          disabled={why !== "" || (value === null && !turnsOff)}
          placeholder={turnsOff ? "off" : ""}
          title={why}
        />
      </label>
      <Refused typed={typed} still={text} />
    </>
  );
}
