"""By how much a tensor is greater than it was at another step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.numeric import as_real, is_numeric, pointwise

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Frame


def difference(frame: Frame, earlier: Frame) -> npt.NDArray[Any] | str:
    """Return `frame - earlier` in float64 (complex128 of complex numbers), or the reason why there is no difference.

    NaN where either is NaN, and where both are the same infinity.
    """
    now, then = frame.array, earlier.array
    if not (is_numeric(now.dtype) and is_numeric(then.dtype)):
        return f"dtype {then.dtype.name} at step {earlier.step}: no difference to dtype {now.dtype.name}"
    if now.shape != then.shape:
        return (
            f"shape {now.shape} at step {frame.step} and {then.shape} at step {earlier.step}: "
            "there is a difference only of tensors of one shape"
        )
    return pointwise(_subtract, now, then)


def _subtract(now: npt.NDArray[Any], then: npt.NDArray[Any]) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore", over="ignore"):
        if {now.dtype.kind, then.dtype.kind} <= set("fiub"):  # widened bit by bit, without two copies
            return np.asarray(np.subtract(now, then, dtype=np.float64))
        return np.asarray(wide(now) - wide(then))


def wide(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return float64, or complex128 of complex numbers."""
    return array.astype(np.complex128, copy=False) if array.dtype.kind == "c" else as_real(array)
