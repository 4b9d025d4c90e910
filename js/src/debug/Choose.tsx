interface Props {
  readonly label: string;
  readonly names: readonly string[];
  readonly chosen: string;
  readonly why: string;
  readonly wide?: boolean;
  readonly onChoose: (name: string) => void;
}

/** One of several names. */
export function Choose({ label, names, chosen, why, wide = false, onChoose }: Props) {
  return (
    <select
      class={wide ? "nnv-pick nnv-edits-of" : "nnv-pick"}
      aria-label={label}
      title={why || label}
      disabled={why !== ""}
      value={chosen}
      onChange={(event) => onChoose(event.currentTarget.value)}
    >
      {names.map((each) => (
        <option key={each} value={each}>
          {each}
        </option>
      ))}
    </select>
  );
}
