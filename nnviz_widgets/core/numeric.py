"""What counts as a number, and how every kind of number becomes a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy.typing as npt


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
            array = np.where(np.isnan(array), np.nan, np.abs(array))
        return array.astype(dtype, copy=False)


def comparable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert numbers, without loss, to a type whose smallest and largest are found quickly; see `as_real`."""
    if array.dtype.kind in "iu" or array.dtype in (np.float32, np.float64):
        return array
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    return as_real(array, np.float64 if array.dtype.itemsize > 4 else np.float32)
