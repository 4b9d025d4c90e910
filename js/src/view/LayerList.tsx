import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatLabel } from "../format.ts";
import { resize } from "../picture/canvas.ts";
import { drawStrip } from "../picture/strip.ts";
import type { Health, LayerEntry } from "../protocol.gen.ts";
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

function healthWords(health: Health): string[] {
  const words: string[] = [];
  if (health.non_finite > 0) words.push(`${health.non_finite} not finite`);
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
  const sick = (health?.non_finite ?? 0) > 0;
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
        {words.length > 0 && (
          <span class={sick ? "nnv-health nnv-sick" : "nnv-health"} title={HEALTH_TITLE}>
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
