import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Kind } from "../protocol.gen.ts";
import { kindWords } from "../words.ts";
import { Annexed } from "./Annexed.tsx";
import { Bar } from "./Bar.tsx";
import { Blocks } from "./Blocks.tsx";
import { useView } from "./context.ts";
import { useSize } from "./hooks.ts";
import { Label } from "./Label.tsx";
import { useMapKeys } from "./mapKeys.ts";
import { type Shown, usePainting, usePicture, useRequest } from "./picture.ts";
import { boxOf, usePointer } from "./pointer.ts";
import { Tools } from "./Tools.tsx";

interface Props {
  readonly tensor: Kind;
  /** Of its place, whatever is drawn there: what is beneath stays where it is. CSS pixels. */
  readonly height: number;
  /** Whether the maps are on screen. All of them are asked for together: the readout needs each. */
  readonly visible: boolean;
}

/** The picture, which takes the pointer and the keys. */
function Canvases({ tensor, shown }: { tensor: Kind; shown: Shown }) {
  const { store } = useView();
  const cells = useRef<HTMLCanvasElement>(null);
  const marks = useRef<HTMLCanvasElement>(null);
  const drawn = useRef(false);
  const onKeyDown = useMapKeys(tensor);
  usePainting(shown, cells, marks);
  const { brush, handlers } = usePointer(shown.picture, cells);
  const waiting = shown.waiting.value;
  drawn.current ||= !waiting;
  const state = waiting ? (drawn.current ? "nnv-stale" : "nnv-blank") : "";
  return (
    <div
      class={`nnv-map-body ${state}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keys
      tabIndex={0}
      role="application"
      aria-roledescription="heatmap"
      aria-label={`${kindWords(tensor)} of ${store.layer.value?.path ?? "no layer"}`}
      {...handlers}
      onKeyDown={onKeyDown}
    >
      <canvas ref={cells} class="nnv-data" />
      <canvas ref={marks} class="nnv-overlay" />
      {brush.value !== null && <div class="nnv-brush" style={boxOf(brush.value)} />}
    </div>
  );
}

/** Hands the focus on where a picture and its table take each other's place. */
function useKeptFocus(box: RefObject<HTMLElement | null>, asTable: boolean): void {
  const was = useRef(asTable);
  const held = was.current !== asTable && (box.current?.matches(":focus-within") ?? false);
  useLayoutEffect(() => {
    was.current = asTable;
    if (held) box.current?.querySelector<HTMLElement>("[tabindex]")?.focus();
  });
}

/** One tensor as a picture, or as a table, with its name at the left and its scale at the right. */
export function Heatmap({ tensor, height, visible }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const shown = usePicture(tensor, height, size);
  useRequest(tensor, height, size, visible);
  const missing = shown.missing.value;
  const filled = shown.height.value;
  const { store, parts } = useView();
  const asTable = store.tables.value.has(tensor) && missing === null;
  useKeptFocus(box, asTable);
  const picture = (
    <>
      <Canvases tensor={tensor} shown={shown} />
      <Blocks layout={shown.layout} />
    </>
  );
  const table = <Annexed>{(annex) => <annex.Table tensor={tensor} data={shown.told} />}</Annexed>;
  const drawn = asTable ? table : picture;
  return (
    <div class="nnv-map" data-tensor={tensor} style={{ "--nnv-height": `${height}px` }}>
      <Label tensor={tensor} data={shown.told} />
      <div class={asTable ? "nnv-map-box nnv-map-table" : "nnv-map-box"} ref={box}>
        {missing === null && drawn}
        {missing !== null && parts === null && <p class="nnv-missing">{missing}</p>}
        {missing !== null && parts !== null && <parts.Missing words={missing} data={shown.told} />}
      </div>
      <Bar tensor={tensor} shown={shown} height={filled ?? height} />
      <Tools tensor={tensor} shown={shown} />
    </div>
  );
}
