import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Kind, Plane } from "../protocol.gen.ts";
import type { PlaneData } from "../source/source.ts";
import { type Table as TableData, tableOf } from "../table.ts";
import { kindWords } from "../words.ts";
import { useView } from "./context.ts";
import { useMapKeys } from "./mapKeys.ts";
import { select } from "./select.ts";

const MOST = 12;

/** Columns stay where they are while the numbers change. CSS pixels. */
const COLUMN_WIDTH = 60;
const CHARACTER = 6.5;
const PADDING = 14;

interface Props {
  readonly tensor: Kind;
  /** What words tell of: numbers that change faster cannot be read. */
  readonly data: ReadonlySignal<PlaneData | null>;
}

/** What is in the table: which part, and what a cell stands for. */
function Caption({ of, table }: { of: string; table: TableData }) {
  const { rows, columns, rowsName, columnsName, pooled, partial } = table;
  const range = (axis: string, lines: TableData["rows"]) =>
    axis === "" ? [] : [`${axis} ${lines[0]?.name ?? ""} to ${lines.at(-1)?.name ?? ""}`];
  const part = partial ? [...range(rowsName, rows), ...range(columnsName, columns)].join(", ") : "";
  const each = pooled === "" ? "" : `each cell: ${pooled}`;
  return (
    <caption>
      <span class="nnv-hidden">{`${of} `}</span>
      <span>{[part, each].filter((words) => words !== "").join("; ")}</span>
    </caption>
  );
}

/** The axes of rows and columns, those that there are. */
const cornerOf = ({ rowsName, columnsName }: TableData): string =>
  [rowsName, columnsName].filter((names) => names !== "").join(" \\ ");

/** Room for the longest name of a row that there may be, whichever rows are shown. */
function headWidth({ row_axes, row_factor }: Plane, corner: string): number {
  const names = row_axes.map(({ size, labels }) =>
    Math.max(String(size).length, ...labels.map(({ length }) => length)),
  );
  const name = names.reduce((sum, length) => sum + length + 1, 0) + (row_factor > 1 ? 5 : 0);
  return Math.ceil(Math.max(name, corner.length) * CHARACTER) + PADDING;
}

function Rows({ table, plane }: { table: TableData; plane: Plane }) {
  const { store } = useView();
  return (
    <tbody>
      {table.rows.map((row, r) => (
        <tr key={row.index}>
          <th scope="row" class={row.selected ? "nnv-here" : undefined}>
            {table.rowsName !== "" && <span class="nnv-hidden">{`${table.rowsName} `}</span>}
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

/** Where the table scrolls to, so that a cell is seen beside the names of the rows. The page stays where it is. */
function leftFor({ scrollLeft, clientWidth }: HTMLElement, cell: HTMLElement, head: number): number {
  const from = cell.offsetLeft - head;
  const to = cell.offsetLeft + cell.offsetWidth - clientWidth;
  return Math.min(from, Math.max(to, scrollLeft));
}

/** The drawn cells around the selected one in numbers. Its keys are those of the picture. */
export function Table({ tensor, data }: Props) {
  const { store } = useView();
  const box = useRef<HTMLElement>(null);
  const onKeyDown = useMapKeys(tensor);
  const shown = data.value;
  const at = shown === null ? null : store.selectedIn(shown.plane);
  const table =
    shown === null || at === null
      ? null
      : tableOf(shown, at, store.places.value, { rows: MOST, columns: MOST });
  const corner = table === null ? "" : cornerOf(table);
  const head = shown === null ? COLUMN_WIDTH : Math.max(COLUMN_WIDTH, headWidth(shown.plane, corner));
  const here = at === null ? "" : `${at.row} ${at.column}`;
  useEffect(() => {
    const cell = box.current?.querySelector<HTMLElement>("[aria-current]");
    if (here !== "" && box.current && cell) box.current.scrollLeft = leftFor(box.current, cell, head);
  }, [here, head]);
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
        <table style={{ width: `${head + table.columns.length * COLUMN_WIDTH}px` }}>
          <colgroup>
            <col style={{ width: `${head}px` }} />
          </colgroup>
          <Caption of={name} table={table} />
          <thead>
            <tr>
              <td>{corner}</td>
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
