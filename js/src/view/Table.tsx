import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Kind, Plane } from "../protocol.gen.ts";
import type { PlaneData } from "../source/source.ts";
import { groupOf } from "../store.ts";
import { type Table as TableData, tableOf } from "../table.ts";
import { kindWords } from "../words.ts";
import { useView } from "./context.ts";
import { useMapKeys } from "./mapKeys.ts";
import { select, selected } from "./select.ts";

const MOST = 12;
const LEAST_COLUMNS = 3;

/** Of a column of numbers, and of the names of the rows. CSS pixels. */
const COLUMN_WIDTH = 56;

interface Props {
  readonly tensor: Kind;
  /** What words tell of: numbers that change faster cannot be read. */
  readonly data: ReadonlySignal<PlaneData | null>;
  /** Of its place. CSS pixels. */
  readonly width: number;
}

/** What is in the table: which part, and what a cell stands for. */
function Caption({ of, table }: { of: string; table: TableData }) {
  const { rows, columns, rowsName, columnsName, pooled, partial } = table;
  const range = (lines: TableData["rows"]) => `${lines[0]?.name ?? ""} to ${lines.at(-1)?.name ?? ""}`;
  const part = partial ? `: ${rowsName} ${range(rows)}, ${columnsName} ${range(columns)}` : "";
  return (
    <caption>
      {`${of}${part}`}
      {pooled !== "" && <span>{`; each cell is the ${pooled}, zoom in for single values`}</span>}
    </caption>
  );
}

function Rows({ table, plane }: { table: TableData; plane: Plane }) {
  const { store } = useView();
  return (
    <tbody>
      {table.rows.map((row, r) => (
        <tr key={row.index}>
          <th scope="row" class={row.selected ? "nnv-here" : undefined}>
            <span class="nnv-hidden">{`${table.rowsName} `}</span>
            {row.name}
          </th>
          {table.columns.map((column, c) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the table takes the keys
            <td
              key={column.index}
              class={row.selected || column.selected ? "nnv-here" : undefined}
              aria-current={row.selected && column.selected ? "true" : undefined}
              onClick={() => select(store, plane, { row: row.index, column: column.index })}
            >
              {table.cells[r]?.[c]}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}

/** The drawn cells around the selected one in numbers. Its keys are those of the picture. */
export function Table({ tensor, data, width }: Props) {
  const { store } = useView();
  const box = useRef<HTMLElement>(null);
  const onKeyDown = useMapKeys(tensor);
  const shown = data.value;
  // Moved by whatever moves the cursor.
  void store.cursor.neuron.value;
  void store.cursor.sample.value;
  void store.cells[groupOf(tensor)].value;
  const columns = Math.max(LEAST_COLUMNS, Math.min(MOST, Math.floor(width / COLUMN_WIDTH) - 1));
  const at = shown === null ? null : selected(store, shown.plane);
  const table =
    shown === null || at === null ? null : tableOf(shown, at, store.places.value, { rows: MOST, columns });
  const here = at === null ? "" : `${at.row} ${at.column}`;
  useEffect(() => {
    if (here !== "")
      box.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [here]);
  const name = `${kindWords(tensor)} of ${store.layer.value?.path ?? "no layer"}`;
  return (
    <section
      ref={box}
      class="nnv-table"
      aria-label={`${name} as a table`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and takes the keys of the picture
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      {table !== null && shown !== null && (
        <table>
          <Caption of={name} table={table} />
          <thead>
            <tr>
              <td>{`${table.rowsName} \\ ${table.columnsName}`}</td>
              {table.columns.map(({ index, name: column, selected: chosen }) => (
                <th key={index} scope="col" class={chosen ? "nnv-here" : undefined}>
                  <span class="nnv-hidden">{`${table.columnsName} `}</span>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <Rows table={table} plane={shown.plane} />
        </table>
      )}
    </section>
  );
}
