import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatLabel } from "../format.ts";
import { resize } from "../picture/canvas.ts";
import { drawStrip } from "../picture/strip.ts";
import type { Health, Kind, LayerEntry, NonFinite } from "../protocol.gen.ts";
import { useView } from "./context.ts";
import { useDrawing, useSize } from "./hooks.ts";

const SEARCH_FROM = 13;

/** The gradient's norm over the steps: each reading grey, the run of them in the accent's colour. */
function Strip({ path }: { path: string }) {
  const { store, theme } = useView();
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  useDrawing(() => {
    const line = store.source.series.value?.lines.find(({ layer }) => layer === path);
    const colors = theme.value;
    if (canvas.current === null || size.width === 0) return;
    resize(canvas.current, size.width, size.height, size.pixelRatio);
    drawStrip(canvas.current, line ?? null, colors, size.pixelRatio);
  });
  return (
    <div class="nnv-strip" ref={box}>
      <canvas ref={canvas} />
    </div>
  );
}

const KIND_WORDS: Record<Kind, string> = {
  weights: "weights",
  activations: "activations",
  gradients: "gradients",
  activation_gradients: "activation gradients",
};

const COUNT = new Intl.NumberFormat("en");

/** `activations: 2,560 of 4,096 not finite` */
function countWords({ tensor, count, size }: NonFinite): string {
  const share = count === size ? `all ${COUNT.format(count)}` : COUNT.format(count);
  const of = size === null || size === count ? "" : ` of ${COUNT.format(size)}`;
  return `${KIND_WORDS[tensor]}: ${share}${of} not finite`;
}

/** Short enough for a row: of several kinds only their names, which the whole text counts one by one. */
export function sicknessWords(sick: readonly NonFinite[]): string {
  const [first] = sick;
  if (first === undefined) return "";
  if (sick.length === 1) return countWords(first);
  const names = sick.map(({ tensor }) => KIND_WORDS[tensor]);
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} not finite`;
}

function Sickness({ sick }: { sick: readonly NonFinite[] }) {
  const counted = sick.map((each) =>
    each.variable === null ? countWords(each) : countWords(each).replace(":", ` (${each.variable}):`),
  );
  return (
    <span class="nnv-sick" role="img" aria-label={counted.join("; ")} title={counted.join("\n")}>
      {sicknessWords(sick)}
    </span>
  );
}

function healthWords(health: Health): string[] {
  const words: string[] = [];
  if (health.gradient_l2 !== null) words.push(`|g| ${formatLabel(health.gradient_l2)}`);
  if (health.update_ratio !== null) words.push(`\u0394w/w ${formatLabel(health.update_ratio)}`);
  if (health.dead_share !== null && health.dead_share > 0)
    words.push(`dead ${Math.round(health.dead_share * 100)} %`);
  return words;
}

const HEALTH_TITLE =
  "norm of the gradient, norm of the update over that of the weights, share of dead units (known after 20 readings)";

function LayerRow({ entry }: { entry: LayerEntry }) {
  const { store } = useView();
  const selected = store.cursor.layer.value === entry.path;
  const series = store.source.series.value;
  const health = series?.health.find(({ layer }) => layer === entry.path);
  const measured =
    series?.lines.some(({ layer, values }) => layer === entry.path && values.length > 1) ?? false;
  const words = health === undefined ? [] : healthWords(health);
  const sick = health?.non_finite ?? [];
  return (
    <li>
      <button
        type="button"
        class="nnv-layer"
        aria-current={selected ? "true" : undefined}
        onClick={() => store.cursor.move({ layer: entry.path })}
      >
        <span class="nnv-layer-head">
          <b title={entry.path}>{entry.path}</b>
          <span title={entry.summary}>{entry.summary}</span>
        </span>
        {measured && <Strip path={entry.path} />}
        {(sick.length > 0 || words.length > 0) && (
          <span class="nnv-health" title={HEALTH_TITLE}>
            {sick.length > 0 && <Sickness sick={sick} />}
            {words.map((word) => (
              <span key={word}>{word}</span>
            ))}
          </span>
        )}
      </button>
    </li>
  );
}

/** The layers in call order, each with the health of its gradient. */
export function LayerList() {
  const { store } = useView();
  const search = useSignal("");
  const layers = store.source.layers.value;
  const wanted = search.value.trim().toLowerCase();
  const found = layers.filter(({ path, summary }) => `${path} ${summary}`.toLowerCase().includes(wanted));
  return (
    <nav class="nnv-layers" aria-label="Layers">
      <h3>Layers</h3>
      {layers.length >= SEARCH_FROM && (
        <input
          type="search"
          class="nnv-search"
          placeholder={`find in ${layers.length} layers`}
          aria-label="find a layer"
          onInput={(event) => {
            search.value = event.currentTarget.value;
          }}
        />
      )}
      {layers.length === 0 && <p class="nnv-empty">The layers appear with the first step.</p>}
      {layers.length > 0 && found.length === 0 && <p class="nnv-empty">No layer has that name.</p>}
      <ul>
        {found.map((entry) => (
          <LayerRow key={entry.path} entry={entry} />
        ))}
      </ul>
    </nav>
  );
}
