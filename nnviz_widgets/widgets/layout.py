"""How the axes of a tensor lie on a picture: a neuron is a column, everything else is rows.

A kernel `(in, neuron)` and activations `(sample, neuron)` lie as they are. Planes, such as a convolution's kernels and
feature maps, lie as tiles with a gap of one cell after each, so that every filter stays one run of columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.pooling import fit, fit_tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.core.pooling import Factors

PLANE_AXES = ("y", "x")
"""Names of the two axes that make a tile."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the picture.

    Attributes:
        axes: The tensor's axes along this side; the last one varies fastest.
        sizes: Their lengths.
        tiled: Whether the last axis is a tile that is followed by one gap cell. A tiled side has two axes.
    """

    axes: tuple[int, ...]
    sizes: tuple[int, ...]
    tiled: bool = False

    @property
    def n_tiles(self) -> int:
        """Tiles side by side; 1 of a side without tiles."""
        return self.sizes[0] if self.tiled else 1

    @property
    def tile(self) -> int:
        """Values in a tile; of a side without tiles, all of them."""
        return self.sizes[1] if self.tiled else math.prod(self.sizes)

    @property
    def pitch(self) -> int:
        """Cells from one tile to the next, the gap included."""
        return self.tile + int(self.tiled)

    @property
    def full(self) -> int:
        """Cells of this side before pooling, gaps included."""
        return self.n_tiles * self.pitch

    def fit(self, limit: int) -> Factors:
        """Return by how much this side is pooled to be at most `limit` cells long."""
        return fit_tiles(self.n_tiles, self.tile, limit) if self.tiled else fit(self.tile, limit)

    def index(self, cell: int) -> tuple[int, ...] | None:
        """Return the indices along `axes` of a cell of the full picture, `None` in a gap or outside."""
        if not 0 <= cell < self.full:
            return None
        if self.tiled:
            tile, within = divmod(cell, self.pitch)
            return None if within == self.tile else (tile, within)
        indices = []
        for size in reversed(self.sizes):
            cell, index = divmod(cell, size)
            indices.append(index)
        return tuple(reversed(indices))


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of all axes of one tensor.

    Attributes:
        rows: The side that runs down.
        cols: The side that runs right.
        sample_axis: The axis of which one index is shown at a time, or `None` if all axes lie on the picture.
        sample: That index.
        neuron_cols: Columns of the full picture per neuron, gap included; 0 if columns are not neurons.
    """

    rows: Side
    cols: Side
    sample_axis: int | None
    sample: int
    neuron_cols: int

    def arrange(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return `array` as `(row tiles, rows of a tile, column tiles, columns of a tile)`, a view where it can be."""
        if self.sample_axis is not None:
            array = array[(slice(None),) * self.sample_axis + (slice(self.sample, self.sample + 1),)]
        order = [*self.rows.axes, *self.cols.axes]
        order += [axis for axis in range(array.ndim) if axis not in order]
        return array.transpose(order).reshape(self.rows.n_tiles, self.rows.tile, self.cols.n_tiles, self.cols.tile)

    def index(self, row: int, column: int) -> tuple[int, ...] | None:
        """Return the tensor's index of a cell of the full picture, `None` in a gap or outside."""
        at_row, at_column = self.rows.index(row), self.cols.index(column)
        if at_row is None or at_column is None:
            return None
        places = dict(zip((*self.rows.axes, *self.cols.axes), (*at_row, *at_column), strict=True))
        if self.sample_axis is not None:
            places[self.sample_axis] = self.sample
        return tuple(places[axis] for axis in sorted(places))

    def text(self, array: npt.NDArray[Any], row: int, column: int) -> str:
        """Return the value at a cell of the full picture, exact in its own type; empty in a gap or outside."""
        index = self.index(row, column)
        return "" if index is None else str(array[index])


def _sample_axis(axes: Sequence[str], kind: Kind, ndim: int) -> int | None:
    """Return the axis that counts samples, `None` if the picture can show all of them as its rows."""
    if ndim <= 2 or kind not in ("activations", "activation_gradients"):
        return None
    return axes.index("sample") if "sample" in axes else 0


def _columns(free: list[int], axes: Sequence[str], neuron_axis: int | None) -> int | None:
    """Return the axis that runs right: the neurons; without any, the last one. Samples are rows."""
    if neuron_axis is not None:
        return neuron_axis
    return free[-1] if free and axes[free[-1]] != "sample" else None


def _tiled(shape: Sequence[int], free: list[int], axes: Sequence[str], columns: int) -> tuple[Side, Side] | None:
    """Return the sides of a stack of planes `(y, x, …)` with one or two more axes, `None` if it is none."""
    if not all(name in axes for name in PLANE_AXES):
        return None
    y, x = (axes.index(name) for name in PLANE_AXES)
    others = [axis for axis in free if axis not in (y, x, columns)]
    if columns in (y, x) or y not in free or x not in free or len(others) > 1:
        return None
    gap = shape[x] > 1 or (bool(others) and shape[y] > 1)
    down, right = (*others, y), (columns, x)
    return (
        Side(down, tuple(shape[axis] for axis in down), tiled=gap and bool(others)),
        Side(right, tuple(shape[axis] for axis in right), tiled=gap),
    )


def lay_out(shape: Sequence[int], axes: Sequence[str], neuron_axis: int | None, kind: Kind, sample: int = 0) -> Layout:
    """Return where each axis of a tensor lies.

    Args:
        shape: The tensor's shape; no axis is empty.
        axes: A name for each axis.
        neuron_axis: The axis that counts neurons, or `None`.
        kind: What the tensor is; activations of more than two axes show one sample at a time.
        sample: Which one; cut to those that there are.
    """
    sample_axis = _sample_axis(axes, kind, len(shape))
    free = [axis for axis in range(len(shape)) if axis != sample_axis]
    columns = _columns(free, axes, neuron_axis)
    sides = None if columns is None else _tiled(shape, free, axes, columns)
    if sides is None:
        down = tuple(axis for axis in free if axis != columns)
        right = () if columns is None else (columns,)
        sides = Side(down, tuple(shape[axis] for axis in down)), Side(right, tuple(shape[axis] for axis in right))
    n_samples = 1 if sample_axis is None else shape[sample_axis]
    return Layout(
        rows=sides[0],
        cols=sides[1],
        sample_axis=sample_axis,
        sample=max(0, min(sample, n_samples - 1)),
        neuron_cols=sides[1].pitch if neuron_axis is not None and sides[1].tiled else int(neuron_axis is not None),
    )
