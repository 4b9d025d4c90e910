"""How one neuron changed over the steps: three lines, in a few kilobytes, now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from nnviz_widgets.core.frame import NEURON_STATISTICS, first_call
from nnviz_widgets.pictures.lines import add_line

if TYPE_CHECKING:
    from nnviz_widgets.core.alignment import Alignment
    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.protocol import Column, Neuron, Watch

POINTS = 240
PAUSE_S = 0.5
"""The least time between two of one neuron while it runs: all steps are looked at for them."""

LINES: tuple[tuple[str, Kind, str], ...] = (
    ("weights_l2", "weights", "l2"),
    ("gradients_l2", "gradients", "l2"),
    ("activations_mean", "activations", "mean"),
)
"""Name, kind of tensor and statistic of each line."""


def lines_of(
    recording: Recording, layer: str, neuron: int, alignment: Alignment | None = None
) -> tuple[list[Column], list[bytes]]:
    """Return the lines of a neuron that are known, and their buffers, counted from 0.

    Args:
        recording: Where the vitals are read.
        layer: Path of the neuron's layer.
        neuron: Which one.
        alignment: Where they lie between the steps of another run, if those are counted.
    """
    specs = recording.catalogue.main_specs()
    readings = recording.readings()
    columns: list[Column] = []
    buffers: list[bytes] = []
    for name, kind, statistic in LINES:
        # The weights of a call `d#1` are those of `d`.
        spec = specs.get((layer, kind)) or specs.get((first_call(layer), kind))
        column = neuron if spec is None else neuron - spec.grammar.first_neuron
        if spec is None or not spec.grammar.own or column < 0:
            continue
        steps, values = readings.neuron(spec.key, NEURON_STATISTICS.index(statistic), column)
        if values.size:
            at = steps if alignment is None else alignment.onto_own(steps)
            add_line(columns, buffers, (name, layer, at, values.astype(np.float64)), POINTS)
    return columns, buffers


def with_buffers_from(neuron: Neuron, first: int) -> Neuron:
    """Return what is told of a neuron when the buffers of its lines begin at index `first`."""
    if not neuron.lines:
        return neuron
    moved = [
        msgspec.structs.replace(line, x_buffer=line.x_buffer + first, y_buffer=line.y_buffer + first)
        for line in neuron.lines
    ]
    return msgspec.structs.replace(neuron, lines=moved)


class LinesPacer:
    """Tells when lines are due for a page: with another neuron or layer, at rest, and else twice a second."""

    def __init__(self) -> None:
        """Begin with all due."""
        self._sent: dict[str, tuple[tuple[str, str, int], float]] = {}

    def due(self, watch: Watch, now: float, *, exact: bool) -> bool:
        """Whether the frame that is made now brings lines; then they are not due again for a while.

        Args:
            watch: What the page shows.
            now: Time in seconds.
            exact: Whether nothing runs.
        """
        if all(request.part == "map" for request in watch.maps):
            return False
        of = (watch.run, watch.layer, watch.neuron)
        before, at = self._sent.get(watch.client, (None, 0.0))
        if before == of and not exact and now - at < PAUSE_S:
            return False
        self._sent[watch.client] = (of, now)
        return True

    def keep(self, names: set[str]) -> None:
        """Forget pages that are gone."""
        self._sent = {name: sent for name, sent in self._sent.items() if name in names}
