"""By how much a tensor is greater than it was at another step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.numeric import as_real, is_numeric, pointwise

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Frame


def difference(frame: Frame, earlier: Frame) -> npt.NDArray[Any] | str:
    """Return `frame - earlier`, each value rounded once, or the reason why there is no difference.

    In float32 where both are float32 or narrower, which is the difference in float64 rounded, in half the memory. In
    float64 if one of these is too large for float32, and of all that may be wider; in complex128 of complex numbers.
    NaN where either is NaN, and where both are the same infinity.
    """
    why = why_no_difference(frame, earlier)
    return pointwise(_subtract, frame.array, earlier.array) if why is None else why


def why_no_difference(frame: Frame, earlier: Frame) -> str | None:
    """Return why there is no difference of two tensors, `None` if there is one."""
    now, then = frame.array, earlier.array
    if not (is_numeric(now.dtype) and is_numeric(then.dtype)):
        return f"dtype {then.dtype.name} at step {earlier.step}: no difference to dtype {now.dtype.name}"
    if now.shape != then.shape:
        return (
            f"shape {now.shape} at step {frame.step} and {then.shape} at step {earlier.step}: "
            "there is a difference only of tensors of one shape"
        )
    return None


def difference_at(frame: Frame, earlier: Frame, index: tuple[int, ...]) -> Any:
    """Return one value of the difference of tensors that have one, in float64 or complex128."""
    return _subtract_wide(*(np.asarray(each.array[index]) for each in (frame, earlier)))[()]


def _subtract(now: npt.NDArray[Any], then: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if _is_single(now.dtype) and _is_single(then.dtype):
        try:
            with np.errstate(invalid="ignore", over="raise"):
                return np.asarray(np.subtract(_single(now), _single(then), dtype=np.float32))
        except FloatingPointError:  # finite numbers whose difference is not
            pass
    return _subtract_wide(now, then)


def _is_single(dtype: np.dtype[Any]) -> bool:
    """Whether each number of a dtype is a float32 too."""
    return dtype == np.float32 or dtype.itemsize <= 2


def _single(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert what numpy cannot widen while it subtracts."""
    return array if array.dtype.kind in "fiub" else as_real(array, np.float32)


def _subtract_wide(now: npt.NDArray[Any], then: npt.NDArray[Any]) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore", over="ignore"):
        if {now.dtype.kind, then.dtype.kind} <= set("fiub"):  # widened bit by bit, without two copies
            return np.asarray(np.subtract(now, then, dtype=np.float64))
        return np.asarray(wide(now) - wide(then))


def wide(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return float64, or complex128 of complex numbers."""
    return array.astype(np.complex128, copy=False) if array.dtype.kind == "c" else as_real(array)
