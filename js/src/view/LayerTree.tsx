import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { factsOf, heightOf } from "../rows.ts";
import { offsetsOf, scrollTo, shownRows } from "../scroll.ts";
import { afterTreeKey, ancestorsOf, type Row, rowIndexOf } from "../tree.ts";
import { useView } from "./context.ts";
import { useName, useSize } from "./hooks.ts";
import { LayerRow } from "./LayerRow.tsx";

/** Rows beyond each edge of what is seen. */
const SPARE = 8;

/** Until it was measured. CSS pixels. */
const MOST_HEIGHT = 720;

interface Props {
  readonly rows: readonly Row[];
}

/** The path where the keys are: the selected layer, or a nested model that one walked to. */
function useActive(rows: readonly Row[]) {
  const { cursor, folded } = useView().store;
  const walked = useSignal<string | null>(null);
  const selected = cursor.layer.value;
  const last = useRef(selected);
  useEffect(() => {
    if (last.current === selected) return;
    last.current = selected;
    if (walked.peek() !== selected) walked.value = null;
    // Whoever moved the cursor wants to see where it is.
    const hiding = ancestorsOf(selected).filter((path) => folded.peek().has(path));
    if (hiding.length > 0)
      folded.value = new Set([...folded.peek()].filter((path) => !hiding.includes(path)));
  }, [selected, walked, folded]);
  const at = rowIndexOf(rows, walked.value ?? selected);
  return { walked, at: Math.max(at, 0) };
}

/** The layers as a tree. Only rows near what is seen have elements: there may be thousands. */
export function LayerTree({ rows }: Props) {
  const { store } = useView();
  const { cursor, folded } = store;
  const id = useName();
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const top = useSignal(0);
  const { walked, at } = useActive(rows);
  const facts = useComputed(() => factsOf(store.source.series.value)).value;
  const offsets = useMemo(() => offsetsOf(rows.map((row) => heightOf(row, facts))), [rows, facts]);
  const height = size.height > 0 ? size.height / size.pixelRatio : MOST_HEIGHT;
  const [from, to] = shownRows(offsets, top.value, height, SPARE);
  const foldable = rows.some(({ inside }) => inside > 0);
  const path = rows[at]?.path;

  // The selected row stays in view, whatever comes into the rows above it, until a person scrolls.
  const scrolled = useRef(false);
  const shownPath = useRef(path);
  useEffect(() => {
    const element = box.current;
    if (shownPath.current !== path) scrolled.current = false;
    shownPath.current = path;
    if (element === null || path === undefined || scrolled.current) return;
    element.scrollTop = scrollTo(offsets, at, element.scrollTop, height);
  }, [at, path, offsets, height]);
  const letGo = () => {
    scrolled.current = true;
  };

  function walk(index: number): void {
    const row = rows[index];
    if (row === undefined) return;
    walked.value = row.path;
    if (row.entry !== null) cursor.move({ layer: row.path });
  }
  function fold(target: string, closed: boolean): void {
    const next = new Set(folded.peek());
    if (closed) next.add(target);
    else next.delete(target);
    walked.value = target;
    folded.value = next;
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = afterTreeKey(rows, at, event.key);
    if (move === null) return;
    event.preventDefault();
    if ("to" in move) walk(move.to);
    else if ("fold" in move) fold(move.fold, true);
    else fold(move.unfold, false);
  };
  const onClick = (event: MouseEvent) => {
    const target = event.target instanceof Element ? event.target : null;
    const index = rows.findIndex(
      (row) => row.path === target?.closest<HTMLElement>("[data-path]")?.dataset.path,
    );
    const row = rows[index];
    if (row === undefined) return;
    const folds = row.inside > 0 && (row.entry === null || target?.closest(".nnv-twisty") !== null);
    if (folds) fold(row.path, row.open);
    else walk(index);
  };
  return (
    <div
      ref={box}
      class="nnv-tree"
      role="tree"
      tabIndex={0}
      aria-label="Layers"
      aria-activedescendant={at >= from && at < to ? `${id}-${at}` : undefined}
      onKeyDown={onKeyDown}
      onClick={onClick}
      onWheel={letGo}
      onPointerDown={letGo}
      onTouchMove={letGo}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
    >
      <div style={{ height: `${offsets[from] ?? 0}px` }} />
      {rows.slice(from, to).map((row, i) => (
        <LayerRow
          key={row.path}
          id={`${id}-${from + i}`}
          row={row}
          facts={facts}
          selected={row.path === cursor.layer.value}
          active={from + i === at}
          foldable={foldable}
          size={size}
        />
      ))}
      <div style={{ height: `${(offsets.at(-1) ?? 0) - (offsets[to] ?? 0)}px` }} />
    </div>
  );
}
