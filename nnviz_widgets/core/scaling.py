"""Data made ready for a network: every feature on one scale, and back again.

A feature is what is left of the data's axes when those along which one counts samples are taken away: a column of a
table, or with `axis=(0, 1, 2)` a channel of images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.calls import called
from nnviz_widgets.core.numeric import comparable, is_numeric
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

_CHUNK_VALUES = 1 << 20
"""Values that are converted at once: the float64 in between stays small, however large the data are."""

_EXTREME = 1e100
"""Beyond this, or below its inverse, squares leave the range of float64."""


@called("standardize")
def standardize(x: Any, axis: int | Sequence[int] | None = 0) -> tuple[npt.NDArray[np.float32], Scaling]:
    """Bring every feature to mean 0 and standard deviation 1, as "z-scores".

    Args:
        x: Integers or floats of any shape; NaN stand for values that are missing, and stay.
        axis: The axis, or axes, along which samples are counted; `None` for one scale for all values. With images of
            shape `(n, height, width, channels)` the default has a scale for each pixel, `(0, 1, 2)` for each channel.

    Returns:
        The scaled data, float32 of the same shape, and what scales other data alike. A feature that is constant
        becomes 0.

    Raises:
        InvalidArgumentError: If `x` holds no numbers, no values or infinite ones, or has no such axis.

    Example:
        ```python
        x_train, scaling = nnviz.standardize(x_train)
        x_test = scaling.apply(x_test)
        ```
    """
    data, axes = _checked(x, axis)
    low, high = _range(data, axes)
    peak = np.fmax(np.abs(low), np.abs(high))
    # Powers of two change no digit.
    extreme = (peak > 0) & ((peak > _EXTREME) | (peak < 1 / _EXTREME))
    factor = np.where(extreme, np.exp2(np.minimum(-np.floor(np.log2(np.where(extreme, peak, 1.0))), 1000.0)), 1.0)
    values: Any = data * factor if extreme.any() else data
    # A feature without a single value has no mean, and no need of one.
    there: Any = ~np.isnan(values) | np.isnan(low) if _may_miss(data) else True
    mean = np.mean(values, axis=axes, dtype=np.float64, keepdims=True, where=there)
    deviation = np.std(values, axis=axes, dtype=np.float64, keepdims=True, where=there)
    return _fitted("standardize", data, axes, (mean / factor, deviation / factor), (low, high))


@called("normalize")
def normalize(x: Any, axis: int | Sequence[int] | None = 0) -> tuple[npt.NDArray[np.float32], Scaling]:
    """Bring every feature to the range from 0 to 1, its smallest value to 0 and its largest to 1.

    Arguments, results and errors are those of `standardize`.

    Example:
        ```python
        images, scaling = nnviz.normalize(images, axis=None)  # from 0 ... 255
        ```
    """
    data, axes = _checked(x, axis)
    low, high = _range(data, axes)
    with np.errstate(over="ignore"):
        span = high - low
    if np.isinf(span).any():
        raise InvalidArgumentError(
            "The range of each feature must fit float64. Received: values from "
            f"{np.nanmin(low)} to {np.nanmax(high)}. Use another unit, or `standardize`."
        )
    return _fitted("normalize", data, axes, (low, span), (low, high))


@dataclass(frozen=True, eq=False, slots=True)
class Scaling:
    """How data were scaled: `(x - offset) / scale`, feature by feature.

    Attributes:
        method: `"standardize"` or `"normalize"`.
        axis: The axes along which samples are counted.
        offset: Mean or smallest value of each feature, float64, of size 1 along `axis`.
        scale: Standard deviation or range of each feature, of the same shape; 1 where a feature is constant.
    """

    method: Literal["standardize", "normalize"]
    axis: tuple[int, ...]
    offset: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    def apply(self, x: Any) -> npt.NDArray[np.float32]:
        """Scale other data alike.

        Args:
            x: As many axes and features as the data that this was fitted to.

        Returns:
            Float32, of the shape of `x`.

        Raises:
            InvalidArgumentError: If the features are not those that this was fitted to.
        """
        data = self._matching(x)
        # Where the difference of two values would overflow, that of their halves does not.
        half = 0.5 if max(np.abs(self.offset).max(), self.scale.max()) > 1e300 else 1.0
        offset, scale = self.offset * half, self.scale * half
        return _in_chunks(data, lambda part, o, s: (part * half - o) / s, offset, scale)

    def invert(self, x: Any) -> npt.NDArray[np.float32]:
        """Bring scaled data back; the arguments are those of `apply`."""
        return _in_chunks(self._matching(x), lambda part, o, s: part * s + o, self.offset, self.scale)

    def to_layer(self) -> Any:
        """Return a Keras layer that does the same: `Normalization`, or `Rescaling` for `normalize`.

        As the first layer of a model it takes the data as they are. Keras computes it in float32, and divides by no
        less than 1e-7.

        Raises:
            InvalidArgumentError: If each sample has a scale of its own, which no layer can know beforehand.
            BackendMissing: If Keras with TensorFlow cannot be imported.
        """
        if 0 not in self.axis:
            raise InvalidArgumentError(
                "Samples must be counted along the first axis for a layer: the scales are part of the model. "
                f"Received: axis={self.axis}. Fit with `axis=0`, or use `apply`."
            )
        kept = tuple(axis for axis in range(self.offset.ndim) if axis not in self.axis)
        layers = load_tensorflow_backend()
        if self.method == "standardize":
            return layers.normalization_layer(self.offset.squeeze(self.axis), self.scale.squeeze(self.axis), kept)
        return layers.rescaling_layer(self.offset[0], self.scale[0])

    def __repr__(self) -> str:
        shape = tuple(size for axis, size in enumerate(self.offset.shape) if axis not in self.axis)
        features = "one scale for all values" if not shape else f"{math.prod(shape)} features, shape {shape}"
        return f"<Scaling '{self.method}': {features}>"

    def _matching(self, x: Any) -> npt.NDArray[Any]:
        data = real_numbers(x)
        fits = data.ndim == self.offset.ndim and all(
            axis in self.axis or size == self.offset.shape[axis] for axis, size in enumerate(data.shape)
        )
        if not fits:
            expected = tuple("any" if axis in self.axis else size for axis, size in enumerate(self.offset.shape))
            raise InvalidArgumentError(
                f"`x` must have the features that this scaling was fitted to, shape ({', '.join(map(str, expected))}). "
                f"Received: shape {data.shape}. Fit a scaling of its own, or bring the data into that shape."
            )
        return data


def _fitted(
    method: Literal["standardize", "normalize"],
    data: npt.NDArray[Any],
    axes: tuple[int, ...],
    found: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    ends: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> tuple[npt.NDArray[np.float32], Scaling]:
    """Return the scaled data and their scaling, from the offsets and scales found and the range of each feature."""
    (offset, scale), (low, high) = found, ends
    constant = low == high
    # A sum of many equal values, divided by their number, is not always that value again: it is taken as it is.
    offset = np.where(constant, low, np.where(np.isnan(offset), 0.0, offset))
    scale = np.where(constant | np.isnan(scale) | (scale == 0), 1.0, scale)
    scaling = Scaling(method, axes, offset, scale)
    return scaling.apply(data), scaling


def real_numbers(x: Any) -> npt.NDArray[Any]:
    """Return `x` as an array of integers or floats whose extremes are found quickly.

    Raises:
        InvalidArgumentError: If it holds something else.
    """
    data = np.asarray(x)
    if not is_numeric(data.dtype) or data.dtype.kind == "c":
        raise InvalidArgumentError(
            f"`x` must hold integers or floats. Received: dtype {data.dtype.name}. Turn what it holds into numbers, "
            "categories for example with `keras.layers.StringLookup`."
        )
    return comparable(data)


def _may_miss(data: npt.NDArray[Any]) -> bool:
    return data.dtype.kind == "f" and bool(np.isnan(data).any())


def _checked(x: Any, axis: int | Sequence[int] | None) -> tuple[npt.NDArray[Any], tuple[int, ...]]:
    """Return the data as numbers, and the axes as a sorted tuple of indices from 0."""
    data = real_numbers(x)
    if data.dtype.kind == "f" and (n_infinite := int(np.isinf(data).sum())):
        raise InvalidArgumentError(
            f"`x` must be finite, or NaN where a value is missing. Received: {n_infinite} infinite values. Replace "
            "them, for example with NaN."
        )
    wanted = range(data.ndim) if axis is None else tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    numbers = [whole_number(each) for each in wanted]
    if not numbers or any(number is None or not -data.ndim <= number < data.ndim for number in numbers):
        raise InvalidArgumentError(
            f"`axis` must name axes of the data, from {-data.ndim} to {data.ndim - 1}, or be None for all. Received: "
            f"axis={axis!r} for data of shape {data.shape}. Use 0 where each row is a sample."
        )
    if data.size == 0:
        raise InvalidArgumentError(f"`x` must have values. Received: shape {data.shape}. Give at least one sample.")
    return data, tuple(sorted({number % data.ndim for number in numbers if number is not None}))


def _range(data: npt.NDArray[Any], axes: tuple[int, ...]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the smallest and the largest value of each feature, NaN where it has no value at all."""
    low = np.fmin.reduce(data, axis=axes, keepdims=True)
    high = np.fmax.reduce(data, axis=axes, keepdims=True)
    return low.astype(np.float64), high.astype(np.float64)


def _in_chunks(
    data: npt.NDArray[Any],
    compute: Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]], Any],
    offset: npt.NDArray[np.float64],
    scale: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Compute in float64, some of the first axis at a time."""
    result = np.empty(data.shape, np.float32)
    n_rows = max(1, _CHUNK_VALUES // max(1, data[:1].size))
    for start in range(0, len(data), n_rows):
        rows = slice(start, start + n_rows)
        o, s = (each if each.shape[0] == 1 else each[rows] for each in (offset, scale))
        result[rows] = compute(data[rows].astype(np.float64), o, s)
    return result
