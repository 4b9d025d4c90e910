"""Plotly figures of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnviz_widgets.core.recording import Recording


class Figures:
    """The namespace `recording.figure`."""

    def __init__(self, recording: Recording) -> None:
        """Make the figures of one recording; they are drawn when asked for."""
        self._recording = recording
