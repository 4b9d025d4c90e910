"""Figures of one tensor at one step: its values as a map and as a histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.figure_style import (
    ACCENT,
    DIVERGING,
    INK,
    NON_FINITE,
    SEQUENTIAL,
    finish,
    non_finite_text,
    number,
    say,
    sentence,
    tensor_name,
)
from nnviz_widgets.core.grammar import view_of
from nnviz_widgets.core.numeric import as_real
from nnviz_widgets.core.pooling import fit, pool
from nnviz_widgets.core.stats import limits, vitals

if TYPE_CHECKING:
    import numpy.typing as npt
    import plotly.graph_objects as go

    from nnviz_widgets.core.frame import Frame
    from nnviz_widgets.core.stats import Limits

_MAX_CELLS = 512
"""Cells along one side of a map; more could not be told apart on a screen."""

_N_BINS = 80

_WIDEST = 8e307
"""A histogram from the most negative to the largest float64 would have a width that is none."""


def heatmap(frame: Frame) -> go.Figure:
    """Draw a tensor as a map in which a column is a neuron and a row is one place of all other axes."""
    import plotly.graph_objects as go

    title = f"{tensor_name(frame.key)} at step {frame.step:,}"
    range_ = limits(frame.array)
    missing = non_finite_text(*range_[4:])
    if range_.low is None:
        return say(finish(go.Figure(), title), _nothing(frame.array, missing))
    matrix, row_name, column_name = _matrix(frame)
    signed = frame.key.kind != "activations"
    rows, columns = (fit(length, _MAX_CELLS) for length in matrix.shape)
    cells = pool(matrix[None, :, None], rows, columns, "absmax" if signed else "max")[0, :, 0]
    low, high = _colour_range(range_, signed)
    figure = go.Figure(
        go.Heatmap(
            z=cells,
            x0=(columns.factor - 1) / 2,
            dx=columns.factor,
            y0=(rows.factor - 1) / 2,
            dy=rows.factor,
            zmin=low,
            zmax=high,
            colorscale=DIVERGING if signed else SEQUENTIAL,
            colorbar={"thickness": 10, "outlinewidth": 0, "tickfont": {"size": 11}, "x": 1.01},
            hoverongaps=False,
            hovertemplate=f"{row_name} %{{y}}, {column_name} %{{x}}<br>%{{z:.6g}}<extra></extra>",
        )
    )
    pool_text = _pool_text(signed, rows.factor, columns.factor)
    finish(figure, title, _heatmap_subtitle(frame, range_, (low, high), pool_text, missing))
    figure.update_xaxes(title_text=column_name, showgrid=False, range=[-0.5, matrix.shape[1] - 0.5])
    figure.update_yaxes(title_text=row_name, showgrid=False, range=[matrix.shape[0] - 0.5, -0.5])
    if missing:  # plotly leaves cells that are no numbers empty: what shows through must not look like a value
        figure.update_layout(plot_bgcolor=NON_FINITE)
    return figure


def _matrix(frame: Frame) -> tuple[npt.NDArray[Any], str, str]:
    """Lay a tensor out as rows and columns, with a name for each."""
    array = as_real(frame.array, np.float64 if frame.array.dtype.itemsize > 4 else np.float32)
    if array.ndim == 0:
        return array.reshape(1, 1), "", ""
    view = view_of(array.shape, frame.axes, frame.neuron_axis, frame.grammar)
    axis = len(view.shape) - 1 if view.neuron_axis is None else view.neuron_axis
    others = [name for index, name in enumerate(view.names) if index != axis]
    matrix = np.moveaxis(array.reshape(view.shape), axis, -1).reshape(-1, view.shape[axis])
    return matrix, " × ".join(others), view.names[axis]


def _colour_range(range_: Limits, signed: bool) -> tuple[float, float]:
    """Choose the ends of the colours: symmetric around zero, or from zero up where nothing is negative."""
    clip_low, clip_high = range_.clip_low or 0.0, range_.clip_high or 0.0
    if signed:
        reach = max(-clip_low, clip_high) or 1.0
        return -reach, reach
    low = min(clip_low, 0.0) if clip_low < 0 else 0.0
    return low, clip_high if clip_high > low else low + 1.0


def _heatmap_subtitle(frame: Frame, range_: Limits, colours: tuple[float, float], pool_text: str, missing: str) -> str:
    low, high = range_.low or 0.0, range_.high or 0.0
    parts = [f"shape {frame.array.shape}", f"values {number(low)} to {number(high)}"]
    if low < colours[0] or high > colours[1]:
        parts.append(f"colours {number(colours[0])} to {number(colours[1])}, percentiles 1 and 99")
    if frame.array.dtype.kind == "c":
        parts.append("magnitudes of complex numbers")
    second = sentence([pool_text, f"magenta: {missing}" if missing else ""])
    return "<br>".join(line for line in (sentence(parts), second) if line)


def _pool_text(signed: bool, n_rows: int, n_columns: int) -> str:
    if n_rows == n_columns == 1:
        return ""
    return f"a cell is the max {'|value|' if signed else 'value'} of {n_rows} × {n_columns} values"


def _nothing(array: npt.NDArray[Any], missing: str) -> str:
    return f"no finite values: {missing}" if array.size else f"shape {array.shape}: no values"


def histogram(frame: Frame) -> go.Figure:
    """Draw how the finite values of a tensor are distributed."""
    import plotly.graph_objects as go

    title = f"{tensor_name(frame.key)} at step {frame.step:,}"
    range_ = limits(frame.array)
    missing = non_finite_text(*range_[4:])
    if range_.low is None or range_.high is None:
        return say(finish(go.Figure(), title), _nothing(frame.array, missing))
    values = as_real(frame.array).reshape(-1)
    values = values[np.isfinite(values)]
    low, high = _drawn_range(range_)
    counts, edges = np.histogram(values, bins=_N_BINS, range=(low, high))
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            marker={"color": ACCENT, "line": {"width": 0}},
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{y:,} values from %{customdata[0]:.4g} to %{customdata[1]:.4g}<extra></extra>",
        )
    )
    finish(figure, title, _histogram_subtitle(values, (low, high), missing))
    figure.update_layout(bargap=0)
    figure.update_xaxes(title_text="value", showgrid=False)
    figure.update_yaxes(title_text="values in the bin", rangemode="tozero")
    if low < 0 < high:
        figure.add_vline(x=0, line={"color": INK, "width": 1, "dash": "dot"})
    return figure


def _drawn_range(range_: Limits) -> tuple[float, float]:
    """Leave out values so far away that all others would fall into one bin."""
    low, high = range_.low or 0.0, range_.high or 0.0
    clip_low, clip_high = range_.clip_low or 0.0, range_.clip_high or 0.0
    reach = 3 * (clip_high - clip_low)
    low, high = max(low, clip_low - reach, -_WIDEST), min(high, clip_high + reach, _WIDEST)
    magnitude = max(abs(low), abs(high))
    if high - low > max(1e-9 * magnitude, 1e-300):
        return low, high
    room = max(0.5, 1e-3 * magnitude)  # all but equal: bins must still be told apart in float64
    return low - room, high + room


def _histogram_subtitle(values: npt.NDArray[np.float64], drawn: tuple[float, float], missing: str) -> str:
    mean, std, _, _, _, zeros, _, _ = (float(value) for value in vitals(values))
    below, above = (values < drawn[0]).sum(), (values > drawn[1]).sum()
    return sentence(
        [
            f"{values.size:,} values, mean {number(mean)}, std {number(std)}",
            f"{zeros:.1%} exactly zero" if zeros else "",
            f"{below:,} below {number(drawn[0])} not drawn" if below else "",
            f"{above:,} above {number(drawn[1])} not drawn" if above else "",
            f"not drawn: {missing}" if missing else "",
        ]
    )
