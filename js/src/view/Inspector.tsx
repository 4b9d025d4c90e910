import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { namesOf } from "../runs.ts";
import { Annexed, AnnexStyle } from "./Annexed.tsx";
import { useView } from "./context.ts";
import { handleRootKey } from "./keys.ts";
import { LayerList } from "./LayerList.tsx";
import { Maps } from "./Maps.tsx";
import { Neuron } from "./Neuron.tsx";
import { Connection, NoticeBar } from "./Notice.tsx";
import { Timeline } from "./Timeline.tsx";
import { Transport } from "./Transport.tsx";

const MAP_PANELS = ["activations", "weights", "gradients"];

/** All panels that this widget shows, and what is wrong, if anything is. */
export function Inspector() {
  const { store } = useView();
  const root = useRef<HTMLDivElement>(null);
  const ran = useSignal(false);
  const help = useSignal(false);
  const panels = store.panels.value;
  const shows = (name: string) => panels.includes(name);
  const maps = MAP_PANELS.some(shows);
  const gone = store.source.connection.value === "gone";
  const neuron = shows("neuron");
  const columns = [
    "nnv-main",
    shows("layers") && maps && "nnv-main-two",
    neuron && (maps || shows("layers")) && "nnv-main-neuron",
  ];
  const parts = store.annex.parts.value;
  const showHelp = () =>
    store.annex.use(() => {
      help.value = true;
    });
  const status = store.source.status.value;
  ran.value ||= status?.state === "running";
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw itself
    <div
      ref={root}
      class={gone ? "nnv-inspector nnv-gone" : "nnv-inspector"}
      role="group"
      aria-label="Inspector"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the root takes the keys that belong to no single control
      tabIndex={0}
      onKeyDown={(event) => handleRootKey(event, store, showHelp)}
    >
      <AnnexStyle />
      <Connection />
      <NoticeBar />
      {shows("transport") && <Transport onHelp={showHelp} />}
      {shows("transport") && store.debugging.value && status?.debugging && (
        <Annexed>{({ Debugger }) => Debugger && <Debugger />}</Annexed>
      )}
      {namesOf(store).length > 0 && <Annexed>{({ Runs }) => <Runs />}</Annexed>}
      {(shows("layers") || maps || neuron) && (
        <div class={columns.filter(Boolean).join(" ")}>
          {shows("layers") && <LayerList />}
          {maps && <Maps />}
          {neuron && <Neuron />}
        </div>
      )}
      {shows("timeline") && <Timeline />}
      {parts !== null && <parts.Help open={help} />}
      {parts?.PlanDialog && <parts.PlanDialog />}
      <div class="nnv-spoken" aria-live="polite">
        {store.spoken}
      </div>
    </div>
  );
}
