import { plural } from "../format.ts";
import type { LayerEntry } from "../protocol.gen.ts";
import { type Facts, heightOf, hiddenSick } from "../rows.ts";
import type { Row } from "../tree.ts";
import { Health, HiddenSickness } from "./Health.tsx";
import type { Size } from "./hooks.ts";
import { Icon } from "./icons.tsx";
import { Strip } from "./Strip.tsx";

interface Props {
  readonly id: string;
  readonly row: Row;
  readonly facts: Facts;
  readonly selected: boolean;
  /** Whether the keys are here. */
  readonly active: boolean;
  /** Whether any row of the tree can be folded: then all leave room for the sign of it. */
  readonly foldable: boolean;
  /** Of the list. */
  readonly size: Size;
}

/** Left and right of a row's content, and for each level at the left. CSS pixels, as in `layers.css`. */
const PADDING = 16;
const INDENT = 12;

const stripWidth = ({ width, pixelRatio }: Size, indent: number): number =>
  width - Math.round((PADDING + INDENT * indent) * pixelRatio);

/** Without the class where the name says it: `conv2d_1` needs no `Conv2D`. */
function shortSummary(entry: LayerEntry | null, summary: string): string {
  if (entry === null) return summary;
  const { name, class_name } = entry;
  const said = name.replace(/_\d+$|_/g, "") === class_name.toLowerCase();
  return (said && summary.slice(class_name.length + 1)) || summary;
}

/** A layer, or a nested model that can be folded. The tree takes its clicks and keys. */
export function LayerRow({ id, row, facts, selected, active, foldable, size }: Props) {
  const { path, name, within, level, entry, inside, open, place, siblings } = row;
  const health = facts.health.get(path);
  const hidden = hiddenSick(row, facts);
  // The sign of a fold has the room of a level.
  const indent = foldable ? level : 0;
  const summary = entry?.summary ?? plural(inside, "layer");
  const beside = within === "" ? shortSummary(entry, summary) : within;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and names the active row
    <div
      id={id}
      data-path={path}
      class={active ? "nnv-layer nnv-active" : "nnv-layer"}
      role="treeitem"
      aria-level={level}
      aria-posinset={place}
      aria-setsize={siblings}
      aria-selected={selected}
      aria-expanded={inside > 0 ? open : undefined}
      style={{ height: `${heightOf(row, facts)}px`, "--nnv-level": String(indent) }}
    >
      <span class="nnv-layer-head">
        {inside > 0 && (
          <span class="nnv-twisty">
            <Icon name={open ? "open" : "folded"} />
          </span>
        )}
        <b title={path}>{name}</b>
        <span title={summary}>{beside}</span>
      </span>
      {facts.measured.has(path) && (
        <Strip path={path} width={stripWidth(size, indent)} pixelRatio={size.pixelRatio} />
      )}
      {health !== undefined && <Health health={health} />}
      {hidden > 0 && <HiddenSickness count={hidden} />}
    </div>
  );
}
