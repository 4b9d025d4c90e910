/** Whatever the manifest says, as a list that a person reads: names, values, lists, and lists of records as tables. */

import type { ComponentChildren } from "preact";

type Fields = Readonly<Record<string, unknown>>;

/** Names that say more than those of the fields. */
const NAMES: Readonly<Record<string, string>> = {
  library: "written by",
  created: "written on",
  content: "pictures",
  reveals: "what it tells",
  n_bytes: "size",
  number_format: "numbers",
};

/** For programs. */
const NOT_SHOWN: ReadonlySet<string> = new Set(["version"]);

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const spaced = (name: string): string => name.replaceAll("_", " ");

const nameOf = (key: string): string => NAMES[key] ?? spaced(key);

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);

/** Pictures that were left out take no room. */
const isNothing = (key: string, value: unknown): boolean =>
  isEmpty(value) || (key === "n_bytes" && value === 0);

const isShown = ([key, value]: [string, unknown]): boolean => !NOT_SHOWN.has(key) && !isEmpty(value);

/** Three digits that matter: `823 kB`. */
function sizeWords(bytes: number): string {
  const [unit, name] = bytes < 1e6 ? [1e3, "kB"] : [1e6, "MB"];
  return `${Number((bytes / unit).toPrecision(3))} ${name}`;
}

function wordsOf(key: string, value: unknown): string {
  if (typeof value === "number") return key === "n_bytes" ? sizeWords(value) : value.toLocaleString("en-US");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((each) => wordsOf(key, each)).join(", ");
  if (isFields(value))
    return Object.entries(value)
      .map(([name, each]) => `${nameOf(name)} ${wordsOf(name, each)}`)
      .join(", ");
  // Its name says so already.
  if (key === "left_out") return String(value).replace(/^left out: /, "");
  // The names of kinds are identifiers.
  return key === "kind" || key === "opened" ? spaced(String(value)) : String(value);
}

/** A row for each record, a column for each of their fields that any of them has. */
function Records({ of }: { of: readonly Fields[] }) {
  // In the order in which they are written, whichever record has them.
  const all = [...new Set(of.flatMap((each) => Object.keys(each)))];
  const told = (key: string) => of.some((each) => each[key] !== 0 && isShown([key, each[key]]));
  const columns = all.filter(told).map((key) => ({
    key,
    numeric: of.every((each) => typeof each[key] === "number"),
  }));
  return (
    <table>
      <thead>
        <tr>
          {columns.map(({ key, numeric }) => (
            <th key={key} scope="col" class={numeric ? "nnv-numeric" : undefined}>
              {nameOf(key)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {of.map((each, i) => (
          <tr key={i}>
            {columns.map(({ key, numeric }) => (
              <td key={key} class={numeric ? "nnv-numeric" : undefined}>
                {isNothing(key, each[key]) ? "\u2013" : wordsOf(key, each[key])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ name, of }: { name: string; of: unknown }): ComponentChildren {
  if (isFields(of)) return <Manifest of={of} />;
  if (!Array.isArray(of)) return wordsOf(name, of);
  if (of.every(isFields)) return <Records of={of} />;
  return (
    <ul>
      {of.map((each, i) => (
        <li key={i}>{wordsOf(name, each)}</li>
      ))}
    </ul>
  );
}

export function Manifest({ of }: { of: unknown }) {
  if (!isFields(of)) return <p>{wordsOf("", of)}</p>;
  return (
    <dl>
      {Object.entries(of)
        .filter(isShown)
        .map(([key, value]) => (
          <div key={key}>
            <dt>{nameOf(key)}</dt>
            <dd>
              <Value name={key} of={value} />
            </dd>
          </div>
        ))}
    </dl>
  );
}
