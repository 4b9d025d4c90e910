"""How the axes of a tensor lie on a picture: a neuron is a column, everything else is rows.

A kernel `(in, neuron)` and activations `(sample, neuron)` lie as they are. Planes, such as a convolution's kernels and
feature maps, lie as tiles with a gap of one cell after each, so that every filter stays one run of columns. What fits
on neither side, such as the heads of an attention layer or the depth of a volume, is looked at one index at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.grammar import BLOCK_AXIS, PLAIN, view_of
from nnviz_widgets.pictures.sides import Side, side_of
from nnviz_widgets.protocol import Further

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Frame, Kind
    from nnviz_widgets.core.grammar import Grammar, View

__all__ = ["Layout", "Side", "lay_out", "layout_of"]

PLANE_AXES = ("y", "x")
"""Names of the two axes that make a tile."""

FED_AXES = ("in", "state")
"""What a kernel is fed: channels that come in, or the units' own state."""

STACKED_AXES = ("bias", BLOCK_AXIS, *FED_AXES)
"""Axes that may lie as tiles along the rows, outermost first."""

MOST_TILED_ROWS = 256
"""If the kernel planes of all input channels need more rows, one input channel is shown at a time."""

START: Mapping[str, int] = MappingProxyType({})
"""The first index along every further axis."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of all axes of one tensor.

    Attributes:
        rows: The side that runs down.
        cols: The side that runs right.
        sample_axis: The axis of which one index is shown at a time, or `None` if all axes lie on the picture.
        sample: That index.
        neuron_cols: Columns of the full picture per neuron, gap included; 0 if columns are not neurons.
        shape: The tensor's own shape.
        view: Its axes as they are read; the sides, `sample_axis` and `further_axes` count these.
        further: The other axes that do not lie on the picture, each with the index at which it is.
        further_axes: Which axes of the view they are.
    """

    rows: Side
    cols: Side
    sample_axis: int | None
    sample: int
    neuron_cols: int
    shape: tuple[int, ...]
    view: View
    further: tuple[Further, ...] = ()
    further_axes: tuple[int, ...] = ()

    @property
    def n_neurons(self) -> int:
        """How many neurons lie side by side; 0 if columns are not neurons."""
        return self.cols.full // self.neuron_cols if self.neuron_cols else 0

    @property
    def _fixed(self) -> dict[int, int]:
        """The index along each axis that does not lie on the picture."""
        fixed = {axis: each.index for axis, each in zip(self.further_axes, self.further, strict=True)}
        return fixed if self.sample_axis is None else {**fixed, self.sample_axis: self.sample}

    def arrange(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return `array` as `(row tiles, rows of a tile, column tiles, columns of a tile)`, a view where it can be."""
        fixed = self._fixed
        array = array.reshape(self.view.shape)
        at = (slice(fixed[i], fixed[i] + 1) if i in fixed else slice(None) for i in range(array.ndim))
        array = array[tuple(at)].transpose([*fixed, *self.rows.axes, *self.cols.axes])
        return array.reshape(self.rows.n_tiles, self.rows.tile, self.cols.n_tiles, self.cols.tile)

    def index(self, row: int, column: int) -> tuple[int, ...] | None:
        """Return the tensor's index of a cell of the full picture, `None` in a gap or outside."""
        at_row, at_column = self.rows.index(row), self.cols.index(column)
        if at_row is None or at_column is None:
            return None
        on_picture = zip((*self.rows.axes, *self.cols.axes), (*at_row, *at_column), strict=True)
        places = self._fixed | dict(on_picture)
        index = tuple(places[axis] for axis in sorted(places))
        if self.view.shape == self.shape:
            return index
        return tuple(int(i) for i in np.unravel_index(np.ravel_multi_index(index, self.view.shape), self.shape))

    def text(self, array: npt.NDArray[Any], row: int, column: int) -> str:
        """Return the value at a cell of the full picture, exact in its own type; empty in a gap or outside."""
        index = self.index(row, column)
        return "" if index is None else str(array[index])


def layout_of(frame: Frame, sample: int = 0, at: Mapping[str, int] = START) -> Layout:
    """Return where each axis of a frame's tensor lies; arguments as in `lay_out`."""
    return lay_out(frame.array.shape, frame.axes, frame.neuron_axis, frame.key.kind, sample, at, frame.grammar)


def lay_out(
    shape: Sequence[int],
    axes: Sequence[str],
    neuron_axis: int | None,
    kind: Kind,
    sample: int = 0,
    at: Mapping[str, int] = START,
    grammar: Grammar = PLAIN,
) -> Layout:
    """Return where each axis of a tensor lies.

    Args:
        shape: The tensor's shape; no axis is empty.
        axes: A name for each axis.
        neuron_axis: The axis that counts neurons, or `None`.
        kind: What the tensor is; activations of more than two axes show one sample at a time.
        sample: Which one; cut to those that there are.
        at: The index along axes that do not lie on the picture, by name; cut to those that there are.
        grammar: What the names of the axes leave open.
    """
    view = view_of(shape, axes, neuron_axis, grammar)
    sample_axis = _sample_axis(view.names, kind)
    free = [axis for axis in range(len(view.shape)) if axis != sample_axis]
    rows, cols = _sides(view, free)
    further_axes = tuple(axis for axis in free if axis not in (*rows.axes, *cols.axes))
    n_samples = 1 if sample_axis is None else view.shape[sample_axis]
    # Of neurons that begin elsewhere, a column does not stand below that of the neuron in the other maps.
    own = neuron_axis is not None and grammar.own and grammar.first_neuron == 0
    return Layout(
        rows=rows,
        cols=cols,
        sample_axis=sample_axis,
        sample=_within(sample, n_samples),
        neuron_cols=0 if not own else cols.pitch if cols.tiled else 1,
        shape=tuple(shape),
        view=view,
        further=tuple(_further(view, axis, at) for axis in further_axes),
        further_axes=further_axes,
    )


def _within(index: int, size: int) -> int:
    return max(0, min(index, size - 1))


def _further(view: View, axis: int, at: Mapping[str, int]) -> Further:
    name, size = view.names[axis], view.shape[axis]
    return Further(name, size, _within(at.get(name, 0), size), list(view.labels[axis]))


def _sample_axis(names: Sequence[str], kind: Kind) -> int | None:
    """Return the axis that counts samples, `None` if the picture can show all of them as its rows."""
    if len(names) <= 2 or kind not in ("activations", "activation_gradients"):
        return None
    return names.index("sample") if "sample" in names else 0


def _sides(view: View, free: list[int]) -> tuple[Side, Side]:
    """Return what runs down and what runs right."""
    columns = _columns(view, free)
    if columns is None:
        return side_of(view, free[:1]), side_of(view, ())
    others = [axis for axis in free if axis != columns]
    planes = [view.names.index(name) for name in PLANE_AXES if name in view.names]
    if len(planes) == 2 and all(axis in others for axis in planes):
        return _tiles(view, others, columns, *planes)
    if not others:
        return side_of(view, ()), side_of(view, (columns,))
    down = _down(view, others)
    stack = _stack(view, others, down, width=1)
    return side_of(view, (*stack, down), tiled=bool(stack) and view.shape[down] > 1), side_of(view, (columns,))


def _columns(view: View, free: list[int]) -> int | None:
    """Return the axis that runs right: the neurons; without any, the last one that is no plane's. Samples are rows."""
    if view.neuron_axis is not None:
        return view.neuron_axis
    if not free or view.names[free[-1]] == "sample":
        return None
    flat = [axis for axis in free if view.names[axis] not in PLANE_AXES]
    in_planes = len(free) - len(flat) == len(PLANE_AXES) and bool(flat)
    return flat[-1] if in_planes else free[-1]


def _tiles(view: View, others: list[int], columns: int, y: int, x: int) -> tuple[Side, Side]:
    """Return the sides of planes: a tile is `y` by `x`, neurons run right, input channels run down if they fit."""
    stack = _stack(view, [axis for axis in others if axis != x], y, width=view.shape[x])
    gap = view.shape[x] > 1 or (bool(stack) and view.shape[y] > 1)
    return side_of(view, (*stack, y), tiled=gap and bool(stack)), side_of(view, (columns, x), tiled=gap)


def _down(view: View, others: list[int]) -> int:
    """Return the axis that runs down fastest: time, else what comes in, else the last one that is longer than 1."""
    names = [view.names[axis] for axis in others]
    for name in ("time", *FED_AXES):
        if name in names:
            return others[names.index(name)]
    planes = [axis for axis in others if view.names[axis] not in STACKED_AXES] or others
    return next((axis for axis in reversed(planes) if view.shape[axis] > 1), planes[-1])


def _stack(view: View, others: list[int], down: int, width: int) -> list[int]:
    """Return the axes that lie as tiles above each other, as long as the kernel planes that they make fit."""
    stack = [axis for name in STACKED_AXES for axis in others if view.names[axis] == name and axis != down]
    tile = view.shape[down]
    crowded = math.prod(view.shape[axis] for axis in stack) * (tile + 1) > MOST_TILED_ROWS
    if crowded and tile * width > 1:
        return [axis for axis in stack if view.names[axis] not in FED_AXES]
    return stack
