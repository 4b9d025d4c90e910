"""One tensor at one step as a heatmap: the header that says what is drawn, and its cells."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from nnviz_widgets.core.numeric import is_numeric, part_of
from nnviz_widgets.core.pooling import Factors, Reduce, Take, pool
from nnviz_widgets.core.search import first_bad
from nnviz_widgets.core.stats import histogram, limits
from nnviz_widgets.pictures.compare import difference, difference_at
from nnviz_widgets.pictures.encoding import CELL_BYTES, Encoding, encode
from nnviz_widgets.pictures.layout import START, lay_out
from nnviz_widgets.pictures.window import spans
from nnviz_widgets.protocol import Cell, Plane, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Frame, Kind
    from nnviz_widgets.core.grammar import Grammar
    from nnviz_widgets.core.numeric import ComplexPart
    from nnviz_widgets.pictures.layout import Layout
    from nnviz_widgets.pictures.window import Span
    from nnviz_widgets.protocol import MapRequest, Window

REDUCE: dict[Kind, Reduce] = {
    "weights": "absmax",
    "activations": "max",
    "gradients": "absmax",
    "activation_gradients": "absmax",
}

DRAWN: dict[ComplexPart, str] = {
    "abs": "the magnitude |z| is drawn",
    "real": "the real part is drawn",
    "imag": "the imaginary part is drawn",
    "phase": "the phase is drawn, in radians",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a person looks at a tensor.

    Attributes:
        sample: The sample to show of activations of more than two axes.
        at: Index along each further axis that does not lie on the picture, by name; 0 for those not named.
        window: What is zoomed into, `None` for all.
        part: What is drawn of complex numbers.
        order: The neuron at each place, shape `(n_neurons,)`, or `None` where they lie as they are.
    """

    sample: int = 0
    at: Mapping[str, int] = field(default_factory=lambda: START)
    window: Window | None = None
    part: ComplexPart = "abs"
    order: npt.NDArray[np.int32] | None = None


PLAINLY = Look()


@dataclass(frozen=True, slots=True)
class Picture:
    """A tensor that can be drawn, before anyone said how large.

    Attributes:
        frame: The tensor.
        exact: Its values in their own type, or their difference to those of another step.
        values: The real numbers that are drawn of `exact`.
        compared: That step, or `None`.
        note: What a reader must know, or `None`.
        layout: Where its axes lie.
        rows: What is drawn of the side that runs down.
        cols: What is drawn of the side that runs right.
        places: Which unit of the columns (tile or cell) lies at each place, `None` where they lie as they are.
        earlier: The tensor at the step `compared`, or `None`.
    """

    frame: Frame
    exact: npt.NDArray[Any]
    values: npt.NDArray[Any]
    compared: int | None
    note: str | None
    layout: Layout
    rows: Span
    cols: Span
    places: npt.NDArray[np.int32] | None
    earlier: Frame | None = None

    def cells(self, max_rows: int, max_cols: int) -> int:
        """Return how many cells `draw` makes."""
        return self.rows.fit(max_rows).cells * self.cols.fit(max_cols).cells

    def draw(self, max_rows: int, max_cols: int, encoding: Encoding, *, thorough: bool = False) -> tuple[Plane, bytes]:
        """Return the header (of buffer 0) and the cells of at most `max_rows` x `max_cols` cells.

        Args:
            max_rows: The most rows.
            max_cols: The most columns.
            encoding: How the cells are written.
            thorough: Whether there is time for a histogram.
        """
        rows, cols = self.rows.fit(max_rows), self.cols.fit(max_cols)
        tiles = self.layout.arrange(self.values)
        ranges = limits(self.values)._asdict()
        # A difference has two signs, whatever it is of.
        reduce = REDUCE[self.frame.key.kind] if self.compared is None else "absmax"
        values = pool(
            tiles[(*self.rows.slices, *self._column_slices())],
            rows,
            cols,
            reduce,
            negative_infinity=bool(ranges["n_neginf"]),
            take=self._take(self.cols.start, self.cols.stop),
        )
        data = encode(values, encoding, row_gaps=rows.gaps, col_gaps=cols.gaps)
        pooled = (rows.factor, cols.factor) != (1, 1)
        if ranges["n_nan"] or ranges["n_posinf"] or ranges["n_neginf"]:
            ranges["first_bad"] = self._first_bad(tiles)
        if thorough and ranges["low"] is not None:
            ranges["histogram"] = histogram(self.values, ranges["low"], ranges["high"])
        if pooled:
            # A cell is an extreme of many values: on the scale of the values most cells would be at its ends.
            drawn = limits(values)
            ranges |= {"clip_low": drawn.clip_low, "clip_high": drawn.clip_high}
        plane = self._plane(rows, cols, reduce if pooled else "none", encoding, ranges)
        return plane, data

    def value(self, cell: Cell) -> Value:
        """Return what is at a place of the picture before pooling."""
        return Value(cell.row, cell.column, self.text(cell.row, cell.column))

    def text(self, row: int, column: int) -> str:
        """Return the value at a cell of the full picture, exact in its own type; empty in a gap or outside."""
        index = self.index(row, column)
        if index is None:
            return ""
        return str(self.exact[index] if self.earlier is None else difference_at(self.frame, self.earlier, index))

    def index(self, row: int, column: int) -> tuple[int, ...] | None:
        """Return the tensor's index of a cell of the full picture, `None` in a gap or outside."""
        return self.layout.index(row, self._source(column))

    def _source(self, column: int) -> int:
        """Return the column that would be at this place if the neurons lay as they are."""
        if self.places is None or not 0 <= column < self.layout.cols.full:
            return column
        unit, within = divmod(column, self._unit)
        return int(self.places[unit]) * self._unit + within

    @property
    def _unit(self) -> int:
        """Columns of the full picture that stay together when neurons are sorted."""
        return self.layout.cols.pitch if self.layout.cols.tiled else 1

    def _column_slices(self) -> tuple[slice, slice]:
        return self.cols.slices if self.places is None else (slice(None), slice(None))

    def _take(self, start: int, stop: int | None = None) -> Take | None:
        if self.places is None:
            return None
        return Take(2 if self.layout.cols.tiled else 3, self.places[start:stop])

    def _first_bad(self, tiles: npt.NDArray[Any]) -> Cell | None:
        """Find the first value that is not finite in the whole picture, `None` if it is on another sample or slice."""
        found = first_bad(tiles, self._take(0))
        if found is None:
            return None
        row_tile, row, column_tile, column = found
        return Cell(row_tile * self.layout.rows.pitch + row, column_tile * self.layout.cols.pitch + column)

    def _plane(
        self,
        rows: Factors,
        cols: Factors,
        reduce: Literal["none", "absmax", "max"],
        encoding: Encoding,
        ranges: dict[str, Any],
    ) -> Plane:
        frame, layout = self.frame, self.layout
        return Plane(
            tensor=frame.key.kind,
            variable=frame.key.variable,
            dtype=_name(frame.array.dtype),
            shape=list(frame.array.shape),
            axes=list(frame.axes),
            row_axes=layout.rows.dimensions,
            col_axes=layout.cols.dimensions,
            gutter=layout.rows.tiled or layout.cols.tiled,
            full_rows=layout.rows.full,
            full_cols=layout.cols.full,
            rows=rows.cells,
            cols=cols.cells,
            row_factor=rows.factor,
            col_factor=cols.factor,
            neuron_cols=layout.neuron_cols,
            reduce=reduce,
            encoding=encoding,
            buffer=0,
            missing=None,
            note=self.note,
            output=frame.key.output,
            row_start=self.rows.first,
            col_start=self.cols.first,
            shown_rows=self.rows.shown,
            shown_cols=self.cols.shown,
            further=list(layout.further),
            compared=self.compared,
            **ranges,
        )


def picture(frame: Frame, note: str | None = None, look: Look = PLAINLY, earlier: Frame | None = None) -> Picture | str:
    """Return `frame` as a picture, or the reason why it has none.

    Args:
        frame: The tensor.
        note: What a reader must know, or `None`.
        look: How it is looked at.
        earlier: The same tensor at another step, to draw the difference to it.
    """
    if not is_numeric(frame.array.dtype):
        return f"dtype {frame.array.dtype.name}: values that are no numbers cannot be drawn"
    if frame.array.size == 0:
        return f"shape {frame.array.shape}: no values"
    array = frame.array if earlier is None else difference(frame, earlier)
    if isinstance(array, str):
        return array
    if array.dtype.kind == "c":
        note = joined(note, DRAWN[look.part])
    layout, rows, cols = _lie(
        array.shape, frame.axes, frame.neuron_axis, frame.key.kind, frame.grammar, look.sample, tuple(look.at.items()),
        look.window,
    )  # fmt: skip
    return Picture(
        frame=frame,
        exact=array,
        values=part_of(array, look.part),
        compared=None if earlier is None else earlier.step,
        note=note,
        layout=layout,
        rows=rows,
        cols=cols,
        places=None if look.order is None else _places(layout, look.order),
        earlier=earlier,
    )


@lru_cache(maxsize=256)
def _lie(
    shape: tuple[int, ...],
    axes: tuple[str, ...],
    neuron_axis: int | None,
    kind: Kind,
    grammar: Grammar,
    sample: int,
    at: tuple[tuple[str, int], ...],
    window: Window | None,
) -> tuple[Layout, Span, Span]:
    """Return where the axes lie and what of both sides is drawn: the same in each of many frames a second."""
    layout = lay_out(shape, axes, neuron_axis, kind, sample, dict(at), grammar)
    return layout, *spans(layout.rows, layout.cols, window)


def _places(layout: Layout, order: npt.NDArray[np.int32]) -> npt.NDArray[np.int32] | None:
    """Return the unit of the columns at each place, `None` where the columns are not the neurons that are sorted."""
    return order if layout.neuron_cols and layout.n_neurons == len(order) else None


def joined(*notes: str | None) -> str | None:
    """Return what a reader must know in one sentence, `None` if it is nothing."""
    return "; ".join(note for note in notes if note) or None


def missing(request: MapRequest, reason: str) -> Plane:
    """Return the header of a heatmap that has nothing to draw, and why."""
    return Plane(
        tensor=request.tensor, variable=request.variable, dtype="", shape=[], axes=[], row_axes=[], col_axes=[],
        gutter=False, full_rows=0, full_cols=0, rows=0, cols=0, row_factor=1, col_factor=1, neuron_cols=0,
        reduce="none", encoding="bf16", buffer=-1, missing=reason, note=None, low=None, high=None, clip_low=None,
        clip_high=None, n_nan=0, n_posinf=0, n_neginf=0, output=request.output, part=request.part,
    )  # fmt: skip


def on_one_scale(plane: Plane, twin: Plane) -> Plane:
    """Return the header with the ends of a scale that has room for both pictures."""
    lows = [low for low in (plane.clip_low, twin.clip_low) if low is not None]
    highs = [high for high in (plane.clip_high, twin.clip_high) if high is not None]
    return msgspec.structs.replace(plane, clip_low=min(lows, default=None), clip_high=max(highs, default=None))


def shrink(pictures: list[tuple[Picture, int, int]], encoding: Encoding, n_bytes: int) -> list[tuple[int, int]] | None:
    """Return rows and columns for each picture so that all fit `n_bytes`, or `None` if they fit as they are.

    Small pictures keep their size; the others share what is left and keep their proportions.

    Args:
        pictures: Pictures with the most rows and columns that are asked for.
        encoding: How the cells are written.
        n_bytes: Bytes for all of them together.
    """
    left = n_bytes // CELL_BYTES[encoding]
    wanted = [each.cells(rows, cols) for each, rows, cols in pictures]
    if sum(wanted) <= left:
        return None
    sizes: dict[int, tuple[int, int]] = {}
    for done, place in enumerate(sorted(range(len(pictures)), key=wanted.__getitem__)):
        each, rows, cols = pictures[place]
        sizes[place] = _shrink_one(each, rows, cols, left // (len(pictures) - done))
        left -= each.cells(*sizes[place])
    return [sizes[place] for place in range(len(pictures))]


def _shrink_one(each: Picture, rows: int, cols: int, cells: int) -> tuple[int, int]:
    # A tall, narrow picture has fewer columns than it may have: begin at the cells that there are.
    rows, cols = min(rows, each.rows.shown), min(cols, each.cols.shown)
    while (now := each.cells(rows, cols)) > cells and (rows, cols) != (1, 1):
        scale = min(0.97, math.sqrt(cells / now))
        rows, cols = max(1, int(rows * scale)), max(1, int(cols * scale))
    return rows, cols


@cache
def _name(dtype: np.dtype[Any]) -> str:
    name: str = dtype.name  # numpy takes 10 µs to find it
    return name
