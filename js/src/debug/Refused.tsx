import type { Typed } from "./typed.ts";

/** Why a field has refused what is in it, and what holds still. It stands after the fields of its line. */
export function Refused({ typed: { fault, id }, still }: { typed: Typed; still: string }) {
  if (fault.value === null) return null;
  return (
    <p class="nnv-wrong nnv-refused" id={id} role="alert">
      {fault.value}
      {still !== "" && ` It is still ${still}.`}
    </p>
  );
}
