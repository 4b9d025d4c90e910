"""Statistics of one tensor, the slow and obvious way: what a compiled step computes must equal this.

All are computed in float64 over values that are finite, so that one NaN does not hide the rest, and scaled by the
largest magnitude, so that squares of 1e300 do not overflow and those of 1e-300 do not vanish. Complex tensors are seen
through their magnitude (see `numeric.as_real`).
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnviz_widgets.core.numeric import as_real, comparable, without_repeats

if TYPE_CHECKING:
    import numpy.typing as npt

_SAMPLE = 1 << 13
"""How many values the percentiles of `limits` are taken from, at most: their rank is then right to 0.1 % or so."""

_HISTOGRAM_SAMPLE = 1 << 16
"""How many values are counted in a histogram, at most."""

_PIECE = 1 << 20
"""Values looked at together where one of them is not finite: no copy of a large tensor is made."""


def vitals(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Compute `mean std min max l2 zeros nan inf` of a tensor.

    Args:
        array: Any shape and numeric dtype.

    Returns:
        Shape `(8,)`, in the order of `frame.VITALS`. The first five are NaN if no value is finite, `zeros` is NaN if
        there are no values at all.
    """
    values = as_real(array).reshape(-1, 1)
    mean, std, low, high, l2, zeros = (float(row[0]) for row in _by_column(values))
    return np.array([mean, std, low, high, l2, zeros, np.isnan(values).sum(), np.isinf(values).sum()])


def neuron_statistics(
    array: npt.NDArray[Any], neuron_axis: int, n_neurons: int | None = None
) -> npt.NDArray[np.float64]:
    """Compute `l2 mean max zeros` of each neuron over all other axes.

    Args:
        array: Any shape with at least one axis, any numeric dtype.
        neuron_axis: The axis that counts neurons.
        n_neurons: How many there are, if that is not the length of the axis; as `TensorSpec.n_neurons` says.

    Returns:
        Shape `(4, n_neurons)`, in the order of `frame.NEURON_STATISTICS`; NaN as in `vitals`.
    """
    last = np.moveaxis(as_real(array), neuron_axis, -1)
    n_columns = n_neurons or last.shape[-1]
    n_others = last.size // n_columns if n_columns else int(np.prod(last.shape[:-1], dtype=np.int64))
    mean, _, _, high, l2, zeros = _by_column(last.reshape(n_others, n_columns))
    return np.stack([l2, mean, high, zeros])


def _by_column(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    """Compute `mean std min max l2 zeros` of each column of `(n_values, n_columns)`."""
    n_values, n_columns = values.shape
    finite = np.isfinite(values)
    count = np.where(finite.any(axis=0), finite.sum(axis=0), np.nan)
    low = np.min(values, axis=0, where=finite, initial=np.inf)
    high = np.max(values, axis=0, where=finite, initial=-np.inf)
    none = np.isnan(count)
    scale = np.where(none, 1.0, np.maximum(np.abs(low), np.abs(high)))
    scale[scale == 0] = 1.0
    scaled = np.where(finite, values, 0.0) / scale
    mean = scaled.sum(axis=0) / count
    deviation = np.where(finite, scaled - mean, 0.0)
    std = scale * np.sqrt((deviation**2).sum(axis=0) / count)
    with np.errstate(over="ignore"):
        l2 = np.where(none, np.nan, scale * np.sqrt((scaled**2).sum(axis=0)))
    zeros = (values == 0).sum(axis=0) / n_values if n_values else np.full(n_columns, np.nan)
    return scale * mean, std, np.where(none, np.nan, low), np.where(none, np.nan, high), l2, zeros


class Limits(NamedTuple):
    """The range of a tensor's values, for a colour scale.

    Attributes:
        low: The smallest finite value, `None` if no value is finite.
        high: The largest finite value, `None` if no value is finite.
        clip_low: About 1 % of the finite values are below it; `low` if the two clips would be equal.
        clip_high: About 1 % of the finite values are above it; `high` if the two clips would be equal.
        n_nan: How many values are NaN.
        n_posinf: How many are plus infinity.
        n_neginf: How many are minus infinity.
    """

    low: float | None
    high: float | None
    clip_low: float | None
    clip_high: float | None
    n_nan: int
    n_posinf: int
    n_neginf: int


def limits(array: npt.NDArray[Any]) -> Limits:
    """Find the range of a tensor's values, quickly enough for every picture.

    Lowest, highest and counts are exact. The clips are percentiles 1 and 99 of a sample, spread evenly over the tensor.

    Args:
        array: Any shape and numeric dtype; complex numbers are seen through their magnitude.

    Returns:
        The limits; without finite values, only the counts mean anything.
    """
    (distinct,) = without_repeats(array)
    repeats = array.size // max(1, distinct.size)
    values = comparable(distinct).ravel(order="K")
    if not values.size:
        return Limits(None, None, None, None, 0, 0, 0)
    low, high = values.min(), values.max()
    if np.isfinite(low) and np.isfinite(high):  # a NaN anywhere makes both NaN
        return Limits(float(low), float(high), *_clips(values, float(low), float(high)), 0, 0, 0)
    pieces = [_finite_range(values[start : start + _PIECE]) for start in range(0, values.size, _PIECE)]
    n_nan, n_posinf, n_neginf = (repeats * sum(counts) for counts in zip(*(piece[2:] for piece in pieces), strict=True))
    low, high = min(piece[0] for piece in pieces), max(piece[1] for piece in pieces)
    if low > high:
        return Limits(None, None, None, None, n_nan, n_posinf, n_neginf)
    return Limits(low, high, *_clips(values, low, high), n_nan, n_posinf, n_neginf)


def _finite_range(values: npt.NDArray[Any]) -> tuple[float, float, int, int, int]:
    """Return the smallest and the largest finite value, inf and -inf if there are none, and how many are not finite."""
    n_nan, n_posinf, n_neginf = (int(mask(values).sum()) for mask in (np.isnan, np.isposinf, np.isneginf))
    finite = values[np.isfinite(values)]
    return float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf)), n_nan, n_posinf, n_neginf


def _sample(values: npt.NDArray[Any], at_most: int) -> npt.NDArray[Any]:
    """Return the finite ones of at most so many values, spread evenly over a tensor."""
    stride = max(1, -(-values.size // at_most))
    while gcd(stride, values.size) > 1:  # or the sample would be of a few columns only
        stride += 1
    sample = values[::stride]
    finite = np.isfinite(sample)
    return sample if finite.all() else sample[finite]


def _clips(values: npt.NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Take percentiles 1 and 99 of the finite values from a sample of them."""
    sample = _sample(values, _SAMPLE)
    if not sample.size:
        return low, high
    rank = sample.size // 100
    ordered = np.partition(sample, (rank, sample.size - 1 - rank))
    clip_low, clip_high = float(ordered[rank]), float(ordered[sample.size - 1 - rank])
    return (clip_low, clip_high) if clip_low < clip_high else (low, high)


def histogram(array: npt.NDArray[Any], low: float, high: float, n_bins: int = 64) -> list[int]:
    """Count values in bins of equal width, the last one with its upper end.

    Of many values a sample is counted, spread evenly over the tensor. `low` and `high` are values of the tensor, so the
    first and the last bin are never empty: one that the sample missed is counted once.

    Args:
        array: Any shape and numeric dtype, with a finite value; those that are not finite are left out.
        low: The smallest finite value, from `limits`.
        high: The largest one. If both are the same, all are in the first bin.
        n_bins: How many bins.
    """
    (distinct,) = without_repeats(array)
    sample = _sample(comparable(distinct).ravel(order="K"), _HISTOGRAM_SAMPLE).astype(np.float64)
    if low == high:
        return [max(1, sample.size)] + [0] * (n_bins - 1)
    # Halves, as the difference of the largest float64 and the least one is none.
    half = 0.5 if max(abs(low), abs(high)) > 1 else 1.0
    share = (sample * half - low * half) / (high * half - low * half)
    counts = np.bincount(np.minimum((share * n_bins).astype(np.intp), n_bins - 1), minlength=n_bins)
    counts[0], counts[-1] = max(counts[0], 1), max(counts[-1], 1)
    found: list[int] = counts.tolist()
    return found
