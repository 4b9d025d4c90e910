import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { reasonOf } from "../format.ts";
import type { VariableRow } from "../protocol.gen.ts";
import { useView } from "../view/context.ts";

const COLUMNS = ["shape", "dtype", "mean", "std", "norm"] as const;

function Rows() {
  const { store } = useView();
  const { source } = store;
  const rows = useSignal<readonly VariableRow[] | null>(null);
  const fault = useSignal<string | null>(null);
  const status = source.status.value;
  const { journal = [], n_to_undo = 0, branch = "" } = status?.debugging ?? {};
  const moment = `${status?.state} ${status?.step} ${branch} ${journal.length} ${n_to_undo}`;
  const rests = status !== null && status.state !== "running" && source.connection.value === "live";
  useEffect(() => {
    let gone = false;
    const ask = async () => {
      try {
        const reply = await source.command({ kind: "variables" });
        if (!gone) rows.value = reply.variables;
        if (!gone) fault.value = null;
      } catch (error) {
        if (!gone) fault.value = reasonOf(error);
      }
    };
    if (rests) void ask();
    return () => {
      gone = true;
    };
  }, [source, rows, fault, rests, moment]);
  if (fault.value !== null) return <p class="nnv-hint">{fault.value}</p>;
  if (rows.value === null) {
    return <p class="nnv-hint">{rests ? "Looking …" : "Pause training to see them."}</p>;
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <section class="nnv-variables" tabIndex={0} aria-label="all variables">
      <table>
        <thead>
          <tr>
            <th scope="col">variable</th>
            {COLUMNS.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th scope="col">not finite</th>
            <th scope="col">the optimizer keeps</th>
          </tr>
        </thead>
        <tbody>
          {rows.value.map((row) => (
            <tr key={`${row.path} ${row.variable}`} class={row.n_nonfinite > 0 ? "nnv-is-sick" : undefined}>
              <th scope="row" title={row.trainable ? "" : "A step does not change it by its gradient"}>
                {row.path} <b>{row.variable}</b>
                {!row.trainable && <i> fixed</i>}
              </th>
              {COLUMNS.map((name) => (
                <td key={name}>{row[name]}</td>
              ))}
              <td>{row.n_nonfinite === 0 ? "" : row.n_nonfinite}</td>
              <td>{row.slots}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Every variable as it is now; looked at only while it is unfolded. */
export function AllVariables() {
  const open = useSignal(false);
  return (
    <details
      class="nnv-fold nnv-all-variables"
      open={open.value}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>All variables</summary>
      {open.value && <Rows />}
    </details>
  );
}
