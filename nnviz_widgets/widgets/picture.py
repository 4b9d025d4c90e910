"""One tensor at one step as a heatmap: the header that says what is drawn, and its cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from nnviz_widgets.core.numeric import is_numeric
from nnviz_widgets.core.pooling import Factors, Reduce, pool
from nnviz_widgets.core.stats import limits
from nnviz_widgets.protocol import Dimension, Plane, Value
from nnviz_widgets.widgets.encoding import CELL_BYTES, Encoding, encode
from nnviz_widgets.widgets.layout import Layout, lay_out

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Frame, Kind
    from nnviz_widgets.protocol import Cell
    from nnviz_widgets.widgets.layout import Side

REDUCE: dict[Kind, Reduce] = {
    "weights": "absmax",
    "activations": "max",
    "gradients": "absmax",
    "activation_gradients": "absmax",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A tensor that can be drawn, before anyone said how large.

    Attributes:
        frame: The tensor.
        note: What a reader must know, or `None`.
        layout: Where its axes lie.
    """

    frame: Frame
    note: str | None
    layout: Layout

    def cells(self, max_rows: int, max_cols: int) -> int:
        """Return how many cells `draw` makes."""
        return self.layout.rows.fit(max_rows).cells * self.layout.cols.fit(max_cols).cells

    def draw(self, max_rows: int, max_cols: int, encoding: Encoding) -> tuple[Plane, bytes]:
        """Return the header (of buffer 0) and the cells of at most `max_rows` x `max_cols` cells."""
        array, kind = self.frame.array, self.frame.key.kind
        rows, cols = self.layout.rows.fit(max_rows), self.layout.cols.fit(max_cols)
        ranges = _ranges(array)
        values = pool(self.layout.arrange(array), rows, cols, REDUCE[kind], negative_infinity=bool(ranges["n_neginf"]))
        data = encode(values, encoding, row_gaps=rows.gaps, col_gaps=cols.gaps)
        pooled = (rows.factor, cols.factor) != (1, 1)
        if pooled:
            # A cell is an extreme of many values: on the scale of the values most cells would be at its ends.
            drawn = limits(values)
            ranges |= {"clip_low": drawn.clip_low, "clip_high": drawn.clip_high}
        plane = self._plane(rows, cols, REDUCE[kind] if pooled else "none", encoding, ranges)
        return plane, data

    def value(self, cell: Cell) -> Value:
        """Return what is at a place of the picture before pooling."""
        return Value(cell.row, cell.column, self.layout.text(self.frame.array, cell.row, cell.column))

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
            row_axes=_dimensions(layout.rows, frame.axes),
            col_axes=_dimensions(layout.cols, frame.axes),
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
            **ranges,
        )


def picture(frame: Frame, note: str | None, sample: int) -> Picture | str:
    """Return `frame` as a picture, or the reason why it has none.

    Args:
        frame: The tensor.
        note: What a reader must know, or `None`.
        sample: The sample to show of activations of more than two axes.
    """
    array = frame.array
    if not is_numeric(array.dtype):
        return f"dtype {array.dtype.name}: values that are no numbers cannot be drawn"
    if array.size == 0:
        return f"shape {array.shape}: no values"
    if array.dtype.kind == "c":
        note = f"{note}; the magnitude |z| is drawn" if note else "the magnitude |z| is drawn"
    return Picture(frame, note, lay_out(array.shape, frame.axes, frame.neuron_axis, frame.key.kind, sample))


def missing(kind: Kind, variable: str | None, reason: str) -> Plane:
    """Return the header of a heatmap that has nothing to draw, and why."""
    return Plane(
        tensor=kind, variable=variable, dtype="", shape=[], axes=[], row_axes=[], col_axes=[], gutter=False,
        full_rows=0, full_cols=0, rows=0, cols=0, row_factor=1, col_factor=1, neuron_cols=0, reduce="none",
        encoding="bf16", buffer=-1, missing=reason, note=None, low=None, high=None, clip_low=None, clip_high=None,
        n_nan=0, n_posinf=0, n_neginf=0,
    )  # fmt: skip


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
    rows, cols = min(rows, each.layout.rows.full), min(cols, each.layout.cols.full)
    while (now := each.cells(rows, cols)) > cells and (rows, cols) != (1, 1):
        scale = min(0.97, math.sqrt(cells / now))
        rows, cols = max(1, int(rows * scale)), max(1, int(cols * scale))
    return rows, cols


@cache
def _name(dtype: np.dtype[Any]) -> str:
    name: str = dtype.name  # numpy takes 10 µs to find it
    return name


def _dimensions(side: Side, axes: tuple[str, ...]) -> list[Dimension]:
    return [Dimension(axes[axis], size) for axis, size in zip(side.axes, side.sizes, strict=True)]


def _ranges(array: npt.NDArray[Any]) -> dict[str, Any]:
    return limits(array)._asdict()
