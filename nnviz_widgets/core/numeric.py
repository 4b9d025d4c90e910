"""What counts as a number, and how every kind of number becomes a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

ComplexPart = Literal["abs", "real", "imag", "phase"]
"""What may stand for a complex number where a real one is needed: |z|, either part, or the angle in radians."""


def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Tell whether values of a dtype are numbers: booleans, integers, floats, complex ones, also those of ml_dtypes."""
    # bfloat16, float8 and int4 call themselves "V" as structures do, but have scalar types of their own.
    return dtype.kind in "biufc" or (dtype.kind == "V" and not issubclass(dtype.type, np.void))


def as_real(array: npt.NDArray[Any], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """Convert numbers to real floats.

    A complex number becomes its magnitude, so that a statistic or picture of it never is that of its real part alone;
    one with a NaN in either part becomes NaN. A number too large for `dtype` becomes infinite.

    Args:
        array: Any shape, any numeric dtype.
        dtype: A floating dtype.

    Returns:
        The same shape; `array` itself if it is of that dtype.

    Raises:
        InvalidArgumentError: The dtype is not numeric.
    """
    if not is_numeric(array.dtype):
        raise InvalidArgumentError(
            f"`array` must hold numbers. Received: dtype {array.dtype.name}. Convert it, or leave it out."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        if array.dtype.kind == "c":
            array = _magnitude(array)
        return array.astype(dtype, copy=False)


def _magnitude(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return |z|; of a finite number it is finite, also where it is larger than the largest float64."""
    wide = array.astype(np.complex128, copy=False)
    length = np.minimum(np.hypot(wide.real, wide.imag), np.finfo(np.float64).max)
    return np.where(np.isnan(array), np.nan, np.where(np.isinf(array), np.inf, length))


def part_of(array: npt.NDArray[Any], part: ComplexPart) -> npt.NDArray[Any]:
    """Return what stands for complex numbers; numbers that are not complex are returned as they are.

    Args:
        array: Any shape, any numeric dtype. A broadcast axis is looked at once.
        part: What stands for them. |z| and the phase are NaN if one of the parts is.
    """
    if array.dtype.kind != "c":
        return array
    if part == "abs":
        return pointwise(as_real, array)
    return pointwise(_phase, array) if part == "phase" else np.asarray(getattr(array, part))


def _phase(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.angle(array.astype(np.complex128, copy=False))


def comparable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert numbers, without loss, to a type whose smallest and largest are found quickly; see `as_real`."""
    if array.dtype.kind in "iu" or array.dtype in (np.float32, np.float64):
        return array
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    return as_real(array, np.float64 if array.dtype.itemsize > 4 else np.float32)


def without_repeats(*arrays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """Take arrays of one shape back to what is in memory: one index of each axis that numpy broadcasts in all."""
    if all(0 not in array.strides for array in arrays):
        return arrays
    repeated = [
        length > 1 and not any(array.strides[axis] for array in arrays) for axis, length in enumerate(arrays[0].shape)
    ]
    if not any(repeated):
        return arrays
    places = tuple(slice(0, 1) if again else slice(None) for again in repeated)
    return tuple(array[places] for array in arrays)


def pointwise(function: Callable[..., npt.NDArray[Any]], *arrays: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Apply a function value by value, once along each axis that numpy broadcasts in all of `arrays`."""
    return np.broadcast_to(function(*without_repeats(*arrays)), arrays[0].shape)
