"""How the part of a neuron lies on its picture: a vector is a row, a matrix is itself, planes are tiles in a grid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.grammar import View
from nnviz_widgets.pictures.layout import PLANE_AXES, Layout
from nnviz_widgets.pictures.sides import side_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from nnviz_widgets.pictures.neuron_arrays import Named

ROW, COLUMN = " row", " column"
"""What is added to the name of an axis whose indices lie as a grid: index = row * number of columns + column."""


def lay_out_part(part: Named) -> tuple[npt.NDArray[Any], Layout]:
    """Return the values as they are drawn, of at most four axes, and where these lie."""
    kept = [axis for axis, size in enumerate(part.array.shape) if size != 1]
    names = [part.names[axis] for axis in kept]
    array = part.array.reshape([part.array.shape[axis] for axis in kept])
    if array.ndim < 3:
        view = View(array.shape, tuple(names), None, tuple(part.labels.get(name, ()) for name in names))
        # What has names runs down, where a name fits beside each.
        down: tuple[int, ...] = (0,) if array.ndim == 2 or any(view.labels) else ()
        return array, _layout(view, down, tuple(axis for axis in range(array.ndim) if axis not in down))
    return _planes(array, names, part.labels)


def _planes(
    array: npt.NDArray[Any], names: list[str], labels: Mapping[str, tuple[str, ...]]
) -> tuple[npt.NDArray[Any], Layout]:
    """Return planes as tiles: a row of them for each name where they have names, else in a grid."""
    y, x = (
        (names.index(name) for name in PLANE_AXES)
        if set(PLANE_AXES) <= set(names)
        else (array.ndim - 2, array.ndim - 1)
    )
    others = [axis for axis in range(array.ndim) if axis not in (y, x)]
    n_planes = math.prod(array.shape[axis] for axis in others)
    named = labels.get(names[others[0]], ())
    if named:
        n_rows, row, column = len(named), names[others[0]], names[others[1]] if len(others) == 2 else "plane"
    else:
        n_rows, stack = _grid_rows(n_planes), names[others[0]] if len(others) == 1 else "plane"
        row, column = stack + ROW, stack if n_rows == 1 else stack + COLUMN
    shape = (n_rows, n_planes // n_rows, array.shape[y], array.shape[x])
    view = View(shape, (row, column, names[y], names[x]), None, (named, (), (), ()))
    down, right = (2,) if n_rows == 1 else (0, 2), (3,) if n_rows == n_planes else (1, 3)
    return array.transpose([*others, y, x]).reshape(shape), _layout(view, down, right)


def _layout(view: View, rows: tuple[int, ...], cols: tuple[int, ...]) -> Layout:
    rest = tuple(axis for axis in range(len(view.shape)) if axis not in (*rows, *cols))
    return Layout(
        rows=side_of(view, rows, tiled=len(rows) > 1),
        cols=side_of(view, cols, tiled=len(cols) > 1),
        sample_axis=rest[0] if rest else None,
        sample=0,
        neuron_cols=0,
        shape=view.shape,
        view=view,
    )


def _grid_rows(n: int) -> int:
    """Return the number of rows of the grid of `n` tiles that is nearest to a square and has none empty."""
    return next(rows for rows in range(math.isqrt(n), 0, -1) if n % rows == 0)
