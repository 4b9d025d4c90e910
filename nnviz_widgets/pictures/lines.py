"""A line over the steps as it goes to a page: few points, and the two buffers that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.core.decimate import decimate
from nnviz_widgets.protocol import Column

if TYPE_CHECKING:
    import numpy.typing as npt

POINT_BYTES = 12
"""A float64 step and a float32 value."""

Line = tuple[str, str | None, "npt.NDArray[np.int64 | np.float64]", "npt.NDArray[np.float64]"]
"""Name, layer, steps, values."""


def add_line(columns: list[Column], buffers: list[bytes], line: Line, n_points: int, run: int = 0) -> None:
    """Add a line of a run, of at most `n_points`, to `columns`, and what it is made of to `buffers`."""
    name, layer, steps, values = line
    x, y = decimate(steps, values, n_points)
    columns.append(Column(name, layer, len(x), len(buffers), len(buffers) + 1, run))
    with np.errstate(over="ignore"):  # what is too large for a float32 is drawn as infinite
        buffers += [x.astype("<f8").tobytes(), y.astype("<f4").tobytes()]
