import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { AnnexParts } from "../annex.ts";
import { useView } from "./context.ts";

/** A part of the annex in its place; until it is there what is waited for, or why it does not come. */
export function Annexed({ children }: { children: (parts: AnnexParts) => ComponentChildren }) {
  const { annex } = useView().store;
  const parts = annex.parts.value;
  const fault = annex.fault.value;
  useEffect(() => void annex.load(), [annex]);
  if (parts !== null) return <>{children(parts)}</>;
  if (fault === null)
    return (
      <p class="nnv-annexed" role="status">
        {"Loading\u2026"}
      </p>
    );
  return (
    <p class="nnv-annexed" role="alert">
      {fault}{" "}
      <button type="button" class="nnv-choice" onClick={() => void annex.load()}>
        try again
      </button>
    </p>
  );
}

/** How the annex looks; of a shared page it is with the rest. */
export function AnnexStyle() {
  const style = useView().store.annex.parts.value?.style;
  return style === undefined ? null : <style>{style}</style>;
}
