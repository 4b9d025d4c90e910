import { useView } from "./context.ts";

interface Props {
  readonly label: string;
  readonly names: readonly string[];
  readonly chosen: number;
  readonly onPick: (index: number) => void;
  /** Whether it changes colours alone, which no kernel is needed for. */
  readonly local?: boolean;
}

/** One of several names; nothing where there is no choice. */
export function Pick({ label, names, chosen, onPick, local = false }: Props) {
  const gone = useView().store.source.connection.value === "gone";
  if (names.length < 2) return null;
  return (
    <select
      class="nnv-pick"
      aria-label={label}
      title={label}
      disabled={gone && !local}
      value={String(chosen)}
      onChange={(event) => onPick(Number(event.currentTarget.value))}
    >
      {names.map((name, i) => (
        <option key={name} value={String(i)}>
          {name}
        </option>
      ))}
    </select>
  );
}
