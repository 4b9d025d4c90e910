"""How often the values of a tensor occur, as TensorBoard counts them: exactly, in thirty ranges of equal width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.numeric import as_real

if TYPE_CHECKING:
    import numpy.typing as npt

RANGES = 30
"""As many as `tf.summary.histogram` makes."""


def finite_values(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the finite values of a tensor, shape `(n,)`; complex numbers are seen through their magnitude.

    Raises:
        InvalidArgumentError: If its values are no numbers.
    """
    values: npt.NDArray[np.float64] = as_real(array).reshape(-1)
    finite = np.isfinite(values)
    return values if finite.all() else values[finite]


def histogram(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Count values in ranges.

    Args:
        values: Shape `(n,)`, at least one, all finite.

    Returns:
        Shape `(RANGES, 3)`: the lower bound, which belongs to the range, the upper one, which belongs to the last range
        only, and how many there are. If all values are one, both bounds are that value and the last range has all.
    """
    low, high = values.min(), values.max()
    share = np.arange(RANGES + 1) / RANGES
    # Not `low + share * (high - low)`: the difference of two finite numbers may be infinite.
    edges = np.clip(low * (1 - share) + high * share, low, high)
    counts = np.bincount(np.searchsorted(edges[1:-1], values, side="right"), minlength=RANGES)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)
