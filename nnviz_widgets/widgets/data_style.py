"""The sheet of the data panel: colours from the page's theme, with others where it has none."""

from __future__ import annotations

_LEVELS = 16


def _levels() -> str:
    """Return the classes of the sequential map, from `--nnv-low` over `--nnv-middle` to `--nnv-high`."""
    rules = []
    for level in range(_LEVELS):
        share = 200 * level / (_LEVELS - 1)
        ends = ("middle", "low") if share <= 100 else ("high", "middle")
        mixed = f"color-mix(in srgb, var(--nnv-{ends[0]}) {share % 100.0001:.0f}%, var(--nnv-{ends[1]}))"
        rules.append(f".nnv-prep .nnv-l{level} {{ fill: {mixed}; }}")
    return "\n".join(rules)


STYLE = (
    """<style>
.nnv-prep {
  --nnv-surface: var(--jp-layout-color0, var(--vscode-editor-background, #ffffff));
  --nnv-text: var(--jp-ui-font-color0, var(--vscode-foreground, #16191d));
  --nnv-muted: color-mix(in srgb, var(--nnv-text) 64%, var(--nnv-surface));
  --nnv-line: color-mix(in srgb, var(--nnv-text) 12%, var(--nnv-surface));
  --nnv-accent: var(--jp-brand-color1, var(--vscode-button-background, #1565c0));
  --nnv-given: color-mix(in srgb, var(--nnv-text) 42%, var(--nnv-surface));
  --nnv-select: #d67200;
  --nnv-low: #eceef1;
  --nnv-middle: #7d97c3;
  --nnv-high: #0a2a66;
  background: var(--nnv-surface);
  border: 1px solid var(--nnv-line);
  border-radius: 6px;
  box-sizing: border-box;
  color: var(--nnv-text);
  max-width: 1180px;
  overflow: hidden;
  padding: 12px 14px;
}
[data-jp-theme-light="false"] .nnv-prep, .vscode-dark .nnv-prep {
  --nnv-select: #ff9d2e;
  --nnv-low: #22252b;
  --nnv-middle: #6f7178;
  --nnv-high: #ffe84d;
}
.nnv-prep .widget-html-content {
  color: var(--nnv-text);
  font: 13px / 1.4 var(--jp-ui-font-family, var(--vscode-font-family, system-ui, sans-serif));
  font-variant-numeric: tabular-nums;
  line-height: 1.4;
}
.nnv-prep :is(h3, h4, p, ul, figure) { margin: 0; padding: 0; }
.nnv-prep h3 { font-size: 15px; font-weight: 600; }
.nnv-prep h4 { font-size: 13px; font-weight: 600; margin: 14px 0 6px; }
.nnv-prep .nnv-quiet { color: var(--nnv-muted); font-weight: 400; }
.nnv-prep ul { list-style: none; margin-top: 8px; }
.nnv-prep li { border-left: 3px solid var(--nnv-select); margin: 6px 0; max-width: 80ch; padding-left: 9px; }
.nnv-prep .nnv-columns { display: flex; flex-wrap: wrap; gap: 4px 32px; }
.nnv-prep section { flex: 1 1 340px; min-width: 0; }
.nnv-prep figure { container-type: inline-size; flex: 1 1 340px; max-width: 560px; min-width: 0; }
.nnv-prep figcaption { color: var(--nnv-muted); font-size: 12px; margin-bottom: 3px; text-align: left; }
.nnv-prep figcaption b { color: var(--nnv-text); font-weight: 600; }
.nnv-prep .nnv-svg { display: block; font-size: 11px; height: auto; overflow: visible; width: 100%; }
@container (width < 320px) { .nnv-prep .nnv-svg { font-size: 15px; } }
.nnv-prep .nnv-svg text { fill: var(--nnv-muted); paint-order: stroke; stroke: var(--nnv-surface); stroke-width: 3px; }
.nnv-prep .nnv-svg text.nnv-name { fill: var(--nnv-text); }
.nnv-prep .nnv-bar { fill: var(--nnv-given); }
.nnv-prep .nnv-fed .nnv-bar { fill: var(--nnv-accent); }
.nnv-prep .nnv-svg .nnv-bar.nnv-selected { fill: var(--nnv-select); }
.nnv-prep .nnv-range { fill: var(--nnv-muted); }
.nnv-prep .nnv-range.nnv-selected { fill: var(--nnv-select); }
.nnv-prep .nnv-chosen { fill: color-mix(in srgb, var(--nnv-select) 14%, transparent); }
.nnv-prep .nnv-halo { fill: none; stroke: var(--nnv-surface); stroke-width: 5px; vector-effect: non-scaling-stroke; }
.nnv-prep .nnv-cross { fill: none; stroke: var(--nnv-select); stroke-width: 2px; vector-effect: non-scaling-stroke; }
.nnv-prep .nnv-cells { shape-rendering: crispEdges; }
.nnv-prep .nnv-nan { fill: #ff00e5; }
.nnv-prep .nnv-cut { fill: var(--nnv-surface); }
.nnv-prep .nnv-hair { stroke: color-mix(in srgb, var(--nnv-text) 26%, var(--nnv-surface)); }
.nnv-prep .nnv-dash { stroke: var(--nnv-muted); stroke-dasharray: 3 3; }
.nnv-prep code {
  background: none; color: inherit; font: 12px var(--jp-code-font-family, ui-monospace, monospace); padding: 0;
}
.nnv-prep details { margin-top: 14px; }
.nnv-prep summary { cursor: pointer; font-weight: 600; width: max-content; }
.nnv-prep summary:focus-visible { outline: 2px solid var(--nnv-accent); outline-offset: 2px; }
.nnv-prep .nnv-scroll { margin-top: 6px; max-height: 320px; overflow: auto; }
.nnv-prep table { border-collapse: collapse; font-size: 12px; }
.nnv-prep table :is(th, td) {
  border-bottom: 1px solid var(--nnv-line); font-weight: 400; padding: 2px 10px 2px 0; text-align: right;
}
.nnv-prep table th[scope="row"] { text-align: left; }
.nnv-prep table thead th { background: var(--nnv-surface); color: var(--nnv-muted); }
.nnv-prep caption { color: var(--nnv-muted); text-align: left; }
"""
    + _levels()
    + "\n</style>"
)
"""One sheet for all parts; it holds no more than what is in the panel."""
