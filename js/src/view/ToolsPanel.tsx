import { useEffect, useRef } from "preact/hooks";
import type { Kind } from "../protocol.gen.ts";
import { AsTable, Compare, Reset, SameScale, Scaling, Sorting } from "./Options.tsx";
import type { Shown } from "./picture.ts";
import { Saving } from "./Saving.tsx";

/** What can be done with one map; its first control takes the focus. */
export function ToolsPanel({ tensor, shown }: { tensor: Kind; shown: Shown }) {
  const begin = useRef<HTMLDivElement>(null);
  useEffect(() => {
    begin.current?.querySelector<HTMLElement>("select, input, button")?.focus();
  }, []);
  return (
    <div ref={begin} class="nnv-tools-list">
      <Scaling tensor={tensor} />
      <SameScale />
      <Reset shown={shown} />
      <hr />
      <Sorting />
      <Compare shown={shown} />
      <hr />
      <AsTable tensor={tensor} />
      <Saving shown={shown} />
    </div>
  );
}
