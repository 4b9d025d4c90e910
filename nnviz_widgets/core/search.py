"""Where in a picture the first value is that is not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.numeric import comparable, without_repeats
from nnviz_widgets.core.pooling import BLOCK_VALUES

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.pooling import Take


def first_bad(values: npt.NDArray[Any], take: Take | None = None) -> tuple[int, int, int, int] | None:
    """Return the place of the first NaN or infinity, row by row of the picture, or `None`.

    Args:
        values: Shape `(row tiles, rows of a tile, column tiles, columns of a tile)`, as `Layout.arrange` makes it.
        take: The columns in the order in which they lie, if not as they are.

    Returns:
        Row tile, row in it, place of the column tile, column in it.
    """
    (distinct,) = without_repeats(values)
    if distinct.size == 0:
        return None
    axis = 0 if distinct.shape[0] > 1 else 1
    length = max(1, BLOCK_VALUES * distinct.shape[axis] // distinct.size)
    for start in range(0, distinct.shape[axis], length):
        bad = _bad(distinct[(slice(None),) * axis + (slice(start, start + length),)])
        rows = bad.any(axis=(2, 3))
        if rows.any():
            tile, row = (int(at) for at in np.unravel_index(rows.argmax(), rows.shape))
            columns = bad[tile, row]
            if take is not None and columns.shape[take.axis - 2] == values.shape[take.axis]:
                columns = columns.take(take.indices, axis=take.axis - 2)
            column_tile, column = (int(at) for at in np.unravel_index(columns.argmax(), columns.shape))
            return tile + start * (axis == 0), row + start * (axis == 1), column_tile, column
    return None


def _bad(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    bad: npt.NDArray[np.bool_] = ~np.isfinite(comparable(values))
    return bad
