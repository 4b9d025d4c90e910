"""The part of a picture that is drawn: all of it, or what a page zoomed into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnviz_widgets.core.pooling import fit, fit_tiles

if TYPE_CHECKING:
    from nnviz_widgets.core.pooling import Factors
    from nnviz_widgets.pictures.layout import Side
    from nnviz_widgets.protocol import Window


@dataclass(frozen=True, slots=True)
class Span:
    """What is drawn of one side.

    Attributes:
        side: The side.
        start: The first unit that is drawn; a unit of a tiled side is a tile, of any other side a cell.
        stop: The first one after it that is not.
    """

    side: Side
    start: int
    stop: int

    @property
    def first(self) -> int:
        """The first cell of the full side that is drawn."""
        return self.start * (self.side.pitch if self.side.tiled else 1)

    @property
    def shown(self) -> int:
        """Cells of the full side that are drawn, gaps included."""
        return (self.stop - self.start) * (self.side.pitch if self.side.tiled else 1)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Which tiles, and which values of each."""
        units = slice(self.start, self.stop)
        return (units, slice(None)) if self.side.tiled else (slice(None), units)

    def fit(self, limit: int) -> Factors:
        """Return by how much it is pooled to be at most `limit` cells long."""
        n_units = self.stop - self.start
        return fit_tiles(n_units, self.side.tile, limit) if self.side.tiled else fit(n_units, limit)


def spans(rows: Side, cols: Side, window: Window | None) -> tuple[Span, Span]:
    """Return what is drawn of both sides: the window, cut to the picture and at least one unit of it."""
    if window is None:
        return _span(rows, 0, n_units(rows)), _span(cols, 0, n_units(cols))
    return _span(rows, window.row_from, window.row_to), _span(cols, window.column_from, window.column_to)


def n_units(side: Side) -> int:
    """Return how many tiles a tiled side has, or how many cells any other side."""
    return side.n_tiles if side.tiled else side.tile


def _span(side: Side, start: int, stop: int) -> Span:
    start = min(start, n_units(side) - 1)
    return Span(side, start, max(start + 1, min(stop, n_units(side))))
