"""The namespace `recording.figure`: plotly figures of a recording.

Each is a plain `plotly.graph_objects.Figure`, never a `FigureWidget`, which would carry megabytes of its own code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.core import figure_series, figure_tensors
from nnviz_widgets.core.calls import called

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from nnviz_widgets.core.frame import LayerInfo
    from nnviz_widgets.core.recording import Recording


class Figures:
    """Figures of one recording as it is at the time of the call."""

    def __init__(self, recording: Recording) -> None:
        """Make the figures of one recording; they are drawn when asked for."""
        self._recording = recording

    def metrics(self) -> go.Figure:
        """Draw the loss of each batch, pale, and smoothed over a fiftieth of the run; the other metrics beneath.

        Dotted lines mark where an epoch begins. A long run is drawn by the lowest and highest value of each stretch.
        """
        return figure_series.metrics(self._recording)

    @called(
        "recording.figure.vitals",
        hint="It draws all kinds of a layer; `recording.vitals(layer, kind)` is the table of one.",
    )
    def vitals(self, layer: str | LayerInfo | None = None) -> go.Figure:
        """Draw how the layers fare: gradient norm, update ratio and share of zero activations over the steps.

        Args:
            layer: One layer, with a line for each variable; if not given, all layers with a line for each.
        """
        recording = self._recording
        if layer is None:
            return figure_series.vitals(recording, recording.layers, all_variables=False, title="Vitals of the layers")
        path = recording.path(layer)
        chosen = [known for known in recording.layers if known.path == path]
        return figure_series.vitals(recording, chosen, all_variables=True, title=f"Vitals of {path}")

    def histogram(
        self,
        layer: str | LayerInfo,
        kind: str,
        step: int = -1,
        variable: str | None = None,
        call: int = 0,
        output: int = 0,
    ) -> go.Figure:
        """Draw how the values of a tensor are distributed at one step.

        Values that are no numbers, and those so far out that all others would fall into one bin, are left out and
        counted in the subtitle.

        Args:
            layer: As in `Recording.tensor`.
            kind: As in `Recording.tensor`.
            step: As in `Recording.tensor`.
            variable: As in `Recording.tensor`.
            call: As in `Recording.tensor`.
            output: As in `Recording.tensor`.
        """
        key = self._recording.resolve(layer, kind, variable, call, output)
        return figure_tensors.histogram(self._recording.frame(key, step))

    def heatmap(
        self,
        layer: str | LayerInfo,
        kind: str,
        step: int = -1,
        variable: str | None = None,
        call: int = 0,
        output: int = 0,
    ) -> go.Figure:
        """Draw a tensor at one step: a column is a neuron, a row is one place of all other axes.

        Weights and gradients are blue below and red above zero, activations go from dark to bright. Colours end at
        percentiles 1 and 99; cells that are no numbers are magenta; more than 512 rows or columns are pooled to the
        most extreme value. The subtitle says all of this with the numbers.

        Args:
            layer: As in `Recording.tensor`.
            kind: As in `Recording.tensor`.
            step: As in `Recording.tensor`.
            variable: As in `Recording.tensor`.
            call: As in `Recording.tensor`.
            output: As in `Recording.tensor`.
        """
        key = self._recording.resolve(layer, kind, variable, call, output)
        return figure_tensors.heatmap(self._recording.frame(key, step))
