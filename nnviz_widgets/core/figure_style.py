"""How the plotly figures look: quiet, hairlines, on whatever is behind them; one diverging and one sequential map.

A figure does not know the theme of the notebook that it will stand in, nor of the one that it is opened in later. So it
has no background of its own, and every colour is readable on white and on JupyterLab's dark #111 alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.lookup import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    import plotly.graph_objects as go

    from nnviz_widgets.core.frame import TensorKey

CLEAR = "rgba(0, 0, 0, 0)"

INK = "#757b83"
"""Text and marks. No grey has the contrast of 4.5 that WCAG 2 asks for on white and on #111 at once: where both are
equal, they are 4.35. This one has 4.3 and 4.4, and what is to be read first is larger rather than darker."""

HAIRLINE = "rgba(128, 128, 128, 0.25)"
ACCENT = "#2b7cd0"
HOVER, HOVER_INK = "#1f2328", "#f3f4f6"
"""What a label over the lines says is on a ground of its own."""

NON_FINITE = "#ff00ff"
"""Magenta is in neither map, so a NaN cannot be taken for a value."""

DIVERGING = "RdBu_r"
"""Blue, white, red: equally light on both sides of zero, and told apart by colour-blind people."""

SEQUENTIAL = "Viridis"

LINES = (ACCENT, "#d1570c", "#2c8a4b", "#9a5bd0", "#a87900", "#d43d6b", "#0e8494", INK)
_DASHES = ("solid", "dash", "dot", "dashdot")

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def line_style(index: int) -> dict[str, Any]:
    """Choose colour and dash of the line with this index; dashes tell lines apart once colours repeat."""
    return {"color": LINES[index % len(LINES)], "dash": _DASHES[index // len(LINES) % len(_DASHES)], "width": 1.6}


def tensor_name(key: TensorKey) -> str:
    """Name a tensor as a person would: `dense · kernel gradients`."""
    variable = f"{key.variable} " if key.variable else ""
    output = f" (output {key.output})" if key.output else ""
    return f"{key.layer} · {variable}{words(key.kind)}{output}"


def number(value: float) -> str:
    """Write a number in at most four digits, with a real minus sign."""
    return f"{value:.4g}".replace("-", "−")


def sentence(parts: Iterable[str]) -> str:
    """Join what a subtitle says, leaving out what is empty."""
    return " · ".join(part for part in parts if part)


def non_finite_text(n_nan: int, n_posinf: int, n_neginf: int) -> str:
    """Say in words how many values are no numbers, empty if all are."""
    counts = ((n_nan, "NaN"), (n_posinf, "+Inf"), (n_neginf, "−Inf"))
    return ", ".join(f"{count:,} {what}" for count, what in counts if count)


def finish(figure: go.Figure, title: str, subtitle: str = "", height: int = 380) -> go.Figure:
    """Give a figure its title and the common look."""
    axis = {
        "showgrid": True,
        "gridcolor": HAIRLINE,
        "gridwidth": 1,
        "zeroline": False,
        "linecolor": HAIRLINE,
        "ticks": "",
        "tickfont": {"size": 11},
        "title": {"font": {"size": 12}, "standoff": 8},
        "automargin": True,
        "showspikes": False,  # plotly would lay each on a stripe of white, as nothing else is behind it
    }
    figure.update_layout(
        template="none",
        height=height,
        font={"family": _FONT, "size": 12, "color": INK},
        title={
            "text": title,
            "subtitle": {"text": subtitle, "font": {"size": 12}},
            "font": {"size": 15},
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "yref": "container",
            "y": 1 - 24 / height,
            "yanchor": "top",
        },
        margin={"l": 56, "r": 24, "t": 90 + 15 * subtitle.count("<br>"), "b": 48},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        hoverlabel={
            "bgcolor": HOVER,
            "bordercolor": HAIRLINE,
            "font": {"family": _FONT, "size": 12, "color": HOVER_INK},
        },
        modebar={"bgcolor": CLEAR, "color": INK, "activecolor": ACCENT},
        legend={"font": {"size": 11}, "bgcolor": CLEAR},
    )
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure


def log_axis(values: Iterable[npt.NDArray[np.float64]]) -> dict[str, Any]:
    """Choose a logarithmic axis for these values; decades only where they span some."""
    positive = [part[part > 0] for part in values]
    lows = [part.min() for part in positive if part.size]
    highs = [part.max() for part in positive if part.size]
    decades = np.log10(max(highs) / min(lows)) if lows else 0.0
    spacing = {"dtick": int(1 + decades // 6)} if decades > 1.2 else {"nticks": 4}
    return {"type": "log", "exponentformat": "power", **spacing}


def say(figure: go.Figure, text: str) -> go.Figure:
    """Say in the middle of an empty figure why there is nothing to see."""
    figure.add_annotation(text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 14})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure
