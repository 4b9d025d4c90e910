"""Figures over the steps: the metrics, and the vitals of the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnviz_widgets.core.decimate import decimate
from nnviz_widgets.core.figure_style import ACCENT, INK, finish, line_style, log_axis, say, sentence, tensor_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    import plotly.graph_objects as go

    from nnviz_widgets.core.frame import Kind, LayerInfo, TensorKey
    from nnviz_widgets.core.recording import Recording

    Series = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]

_MAX_POINTS = 4000
"""Points of one line; a line of more looks the same and makes the notebook heavy."""

_MAX_EPOCH_MARKS = 12


def metrics(recording: Recording) -> go.Figure:
    """Draw the loss of each batch, its smoothed course, and every other metric beneath."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    steps, columns = recording.metric_arrays()
    title = f"Metrics of {recording.name}" if recording.name else "Metrics"
    if not steps.size:
        return say(finish(go.Figure(), title), "no step was taken yet")
    losses, others, norms = _grouped(columns)
    panels = [panel for panel in (("loss", losses), ("metric", others), ("gradient l2", norms)) if panel[1]]
    figure = make_subplots(
        rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[2, *[1] * (len(panels) - 1)]
    )
    index = 0
    for row, (label, names) in enumerate(panels, start=1):
        for name in names:
            for trace in _metric_traces(name, steps, columns[name], index):
                figure.add_trace(trace, row=row, col=1)
            index += name != "batch_loss"
        figure.update_yaxes(title_text=label, row=row, col=1)
    subtitle = sentence([f"{steps.size:,} steps", *(_not_finite(name, steps, columns[name]) for name in losses)])
    finish(figure, title, subtitle, height=180 + 160 * len(panels))
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title_text="step", row=len(panels), col=1)
    if norms:
        finite = [np.where(np.isfinite(columns[name]), columns[name], 0.0) for name in norms]
        figure.update_yaxes(log_axis(finite), row=len(panels), col=1)
    figure.update_xaxes(range=[steps[0], max(steps[-1], steps[0] + 1)])
    _mark_epochs(figure, steps, recording.epochs)
    return figure


def _grouped(columns: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Sort metrics into losses, others and gradient norms: what shares a scale shares a panel."""
    norms = [name for name in columns if name == "gradient_l2"]
    losses = [name for name in columns if name == "loss" or name.endswith("_loss")]
    return losses, [name for name in columns if name not in {*norms, *losses}], norms


def _metric_traces(
    name: str, steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64], index: int
) -> list[go.Scatter]:
    import plotly.graph_objects as go

    there = np.isfinite(values)
    sparse = there.sum() * 2 < values.size  # such as a validation metric: once an epoch
    if name != "batch_loss":
        x, y = _thinned(steps[there], values[there]) if sparse else _thinned(steps, values)
        mode = "lines+markers" if sparse else "lines"
        line = {**line_style(index + 1), "width": 1 if name == "gradient_l2" else 1.6}
        return [go.Scatter(x=x, y=y, name=name, mode=mode, line=line, marker={"size": 5})]
    x, y = _thinned(steps, values)
    raw = go.Scatter(x=x, y=y, name="batch_loss", mode="lines", line={"color": ACCENT, "width": 1}, opacity=0.45)
    x, y = _smoothed(steps, values)
    return [raw, go.Scatter(x=x, y=y, name="batch_loss, smoothed", mode="lines", line={"color": ACCENT, "width": 2})]


def _smoothed(steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> Series:
    """Average each value with its neighbours, about a fiftieth of the run wide; NaN where none is finite.

    Stretches of a long run are averaged first, so that the work stays small. Running sums would be quicker still, but a
    spike of 1e30 would spoil all that come after it.
    """
    starts = _starts(values.size)
    finite = np.isfinite(values)
    sums = np.add.reduceat(np.where(finite, values, 0.0), starts)
    counts = np.add.reduceat(finite.astype(np.float64), starts)
    window = np.ones(max(1, starts.size // 50) | 1)
    near = np.convolve(counts, window, mode="same")
    means = np.convolve(sums, window, mode="same") / np.maximum(near, 1)
    return steps[starts], np.where(counts > 0, means, np.nan)


def _starts(size: int) -> npt.NDArray[np.int64]:
    """Cut a series into stretches, of one value each unless it is long."""
    return np.unique(np.linspace(0, size, min(size, _MAX_POINTS // 2), endpoint=False).astype(np.int64))


def _thinned(steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> Series:
    """Leave out what no screen shows; what is no number becomes a gap."""
    return decimate(steps, np.where(np.isfinite(values), values, np.nan), _MAX_POINTS)


def _not_finite(name: str, steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> str:
    """Say when a loss stopped being a number; a metric that a step does not have is NaN without being wrong."""
    wrong = ~np.isfinite(values) if name == "batch_loss" else np.isinf(values)
    if not wrong.any():
        return ""
    return f"{name} is not finite at {wrong.sum():,} steps, first at {steps[wrong.argmax()]:,}"


def _mark_epochs(figure: go.Figure, steps: npt.NDArray[np.int64], epochs: npt.NDArray[np.int64]) -> None:
    changes = np.flatnonzero(np.diff(epochs)) + 1
    for change in changes[:: max(1, -(-changes.size // _MAX_EPOCH_MARKS))]:
        figure.add_vline(
            x=float(steps[change]) - 0.5,
            line={"color": INK, "width": 1, "dash": "dot"},
            opacity=0.5,
        )
        figure.add_annotation(
            text=f"epoch {epochs[change] + 1}",
            x=float(steps[change]) - 0.5,
            y=1,
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            font={"size": 10},
        )


class _Panel(NamedTuple):
    """One small multiple of `vitals`: a statistic of one kind, a line for each tensor."""

    label: str
    kind: Kind
    statistic: str
    log: bool


_PANELS = (
    _Panel("gradient l2", "gradients", "l2", True),
    _Panel("update ratio", "weights", "update_ratio", True),
    _Panel("zeros in activations", "activations", "zeros", False),
)


def vitals(recording: Recording, layers: Iterable[LayerInfo], *, all_variables: bool, title: str) -> go.Figure:
    """Draw gradient norm, update ratio and share of zero activations, a line for each layer (or variable)."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    paths = {layer.path for layer in layers}
    keys = [spec.key for spec in recording.catalogue.specs if spec.key.layer in paths]
    standing_for = [spec.key for spec in recording.catalogue.main_specs().values() if spec.key.layer in paths]
    chosen = keys if all_variables else standing_for
    subtitle = _troubles(recording, keys)
    names = list(dict.fromkeys(_line_name(key, all_variables) for key in chosen))
    styles = {name: line_style(index) for index, name in enumerate(names)}
    figure = make_subplots(rows=len(_PANELS), cols=1, shared_xaxes=True, vertical_spacing=0.05)
    for row, panel in enumerate(_PANELS, start=1):
        drawn = []
        for key in (key for key in chosen if key.kind == panel.kind):
            steps, values = recording.vital_arrays(key, panel.statistic)
            if np.isfinite(values).any():
                name = _line_name(key, all_variables)
                figure.add_trace(_vital_trace(_thinned(steps, values), name, styles[name], panel), row=row, col=1)
                drawn.append(np.where(np.isfinite(values), values, 0.0))
        axis = log_axis(drawn) if panel.log else {"range": [-0.02, 1.02], "tickformat": ".0%"}
        figure.update_yaxes({"title_text": panel.label, **axis}, row=row, col=1)
    if not figure.data:
        return say(finish(go.Figure(), title, subtitle), "no vitals were read yet")
    finish(figure, title, subtitle, height=560)
    _name_each_line_once(figure)
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title_text="step", row=len(_PANELS), col=1)
    return figure


def _name_each_line_once(figure: go.Figure) -> None:
    """Let one legend entry stand for a layer in all panels."""
    seen: set[str] = set()
    for trace in figure.data:
        trace.showlegend = trace.name not in seen
        seen.add(trace.name)


def _line_name(key: TensorKey, all_variables: bool) -> str:
    return key.variable or "output" if all_variables else key.layer


def _vital_trace(series: Series, name: str, style: dict[str, Any], panel: _Panel) -> go.Scatter:
    import plotly.graph_objects as go

    steps, values = series
    drawable = np.where(values > 0, values, np.nan) if panel.log else values
    mode = "lines" if steps.size > 1 else "markers"
    return go.Scatter(x=steps, y=drawable, name=name, legendgroup=name, mode=mode, line=style)


def _troubles(recording: Recording, keys: list[TensorKey]) -> str:
    """Say of which tensors, and since when, values were no numbers; the first ones by name."""
    since = [(step, key) for key in keys if (step := _first_trouble(recording, key)) is not None]
    since.sort(key=lambda pair: pair[0])
    named = [f"{tensor_name(key).replace(' · ', ' ')}: NaN or Inf since step {step:,}" for step, key in since[:2]]
    more = len(since) - len(named)
    return sentence([*named, f"and {more:,} more tensor{'s' if more > 1 else ''}" if more else ""])


def _first_trouble(recording: Recording, key: TensorKey) -> int | None:
    steps, n_nan = recording.vital_arrays(key, "nan")
    same_steps, n_inf = recording.vital_arrays(key, "inf")
    wrong = [*steps[n_nan > 0][:1], *same_steps[n_inf > 0][:1]]
    return int(min(wrong)) if wrong else None
