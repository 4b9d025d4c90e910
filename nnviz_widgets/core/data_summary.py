"""What a table, a set of images or of series looks like in numbers, feature by feature.

A feature is a place on the axes after the first: a column of a table, a pixel, a channel at a time. Statistics are over
all samples and exact; histograms may be drawn from some of the samples, `sample_rows` says which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from nnviz_widgets.core.scaling import Scaling

_CHUNK_VALUES = 1 << 20
"""Values that are converted at once: the float64 in between stays small, however large the data are."""

_MAX_SAMPLED_VALUES = 1_000_000
"""A histogram of more looks the same."""


@dataclass(frozen=True, eq=False, slots=True)
class DataSummary:
    """Statistics of each feature over its finite values, in arrays of the shape of one sample.

    Attributes:
        n_samples: How many samples there are.
        low: Smallest value, float64 as the next three; NaN where a feature has no finite value.
        high: Largest value.
        mean: Mean.
        deviation: Standard deviation, that of all samples (divided by their number).
        n_nan: How many values are NaN.
        n_inf: How many values are infinite.
    """

    n_samples: int
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]
    n_nan: npt.NDArray[np.int64]
    n_inf: npt.NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.low.shape

    @property
    def n_features(self) -> int:
        """How many features a sample has."""
        return self.low.size

    @property
    def constant(self) -> npt.NDArray[np.bool_]:
        """Which features have the same value in all samples."""
        return np.equal(self.low, self.high)

    @property
    def overall(self) -> tuple[float, float]:
        """Mean and deviation of all finite values together; NaN where there is none, or where squares overflow."""
        seen = ~np.isnan(self.mean)
        n = (self.n_samples - self.n_nan - self.n_inf)[seen].astype(np.float64)
        if not n.size:
            return np.nan, np.nan
        with np.errstate(over="ignore", invalid="ignore"):
            share = n / n.sum()
            mean = float((share * self.mean[seen]).sum())
            squares = self.deviation[seen] ** 2 + (self.mean[seen] - mean) ** 2
            return mean, float(np.sqrt((share * squares).sum()))


def summarize(x: npt.NDArray[Any], scaling: Scaling | None = None) -> DataSummary:
    """Compute the statistics of data, or of the data as a scaling makes them.

    Args:
        x: Real numbers, samples along the first axis, at least one.
        scaling: What to apply before.
    """
    parts = _parts(x, scaling)
    shape = x.shape[1:]
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    n_nan, n_inf = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for part in parts():
        missing, infinite = np.isnan(part), np.isinf(part)
        n_nan += missing.sum(axis=0)
        n_inf += infinite.sum(axis=0)
        finite = np.where(infinite, np.nan, part)
        low = np.fmin(low, np.fmin.reduce(finite, axis=0))
        high = np.fmax(high, np.fmax.reduce(finite, axis=0))
    mean, deviation = _moments(parts, low, high)
    return DataSummary(len(x), low, high, mean, deviation, n_nan, n_inf)


def _parts(x: npt.NDArray[Any], scaling: Scaling | None) -> Callable[[], Iterator[npt.NDArray[np.float64]]]:
    """Return a function that goes through the data, scaled if wanted, some samples at a time."""
    by_sample = scaling is not None and 0 not in scaling.axis
    if scaling is not None and by_sample:
        x = scaling.apply(x)
    n_rows = max(1, _CHUNK_VALUES // max(1, math.prod(x.shape[1:])))

    def parts() -> Iterator[npt.NDArray[np.float64]]:
        for start in range(0, len(x), n_rows):
            part = x[start : start + n_rows]
            if scaling is not None and not by_sample:
                part = scaling.apply(part)
            yield part.astype(np.float64)

    return parts


def _moments(
    parts: Callable[[], Iterator[npt.NDArray[np.float64]]],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and deviation, computed on the scale of each feature's own range, where no square overflows."""
    # A range beyond float64 would overflow, the halves of its ends do not.
    half = np.where(np.fmax(np.abs(low), np.abs(high)) > 1e300, 0.5, 1.0)
    start = low * half
    span = np.where(high > low, high * half - start, 1.0)
    count, mean, squares = np.zeros(low.shape), np.zeros(low.shape), np.zeros(low.shape)
    for part in parts():
        there = np.isfinite(part)
        unit = np.where(there, (np.where(there, part, low) * half - start) / span, 0.0)
        n = there.sum(axis=0)
        mean_here = unit.sum(axis=0) / np.maximum(n, 1)
        squares_here = np.where(there, (unit - mean_here) ** 2, 0.0).sum(axis=0)
        # Chan, Golub and LeVeque's way to join the moments of two parts.
        total = np.maximum(count + n, 1)
        apart = mean_here - mean
        squares += squares_here + apart**2 * count * n / total
        mean += apart * n / total
        count += n
    deviation = np.sqrt(squares / np.maximum(count, 1))
    seen = count > 0
    return np.where(seen, (start + span * mean) / half, np.nan), np.where(seen, span * deviation / half, np.nan)


def sample_rows(n_samples: int, n_features: int) -> npt.NDArray[np.int64] | slice:
    """Choose the samples that histograms are drawn from: all, or so many that they have a million values.

    They are chosen at random, the same ones every time, as data are often sorted or periodic.
    """
    n_rows = max(1, _MAX_SAMPLED_VALUES // max(1, n_features))
    if n_rows >= n_samples:
        return slice(None)
    return np.sort(np.random.default_rng(0).choice(n_samples, n_rows, replace=False))


@dataclass(frozen=True, eq=False, slots=True)
class Histogram:
    """How many finite values lie between two edges each.

    Attributes:
        edges: `n + 1` ascending numbers.
        counts: `n` counts; the last edge belongs to the last of them.
    """

    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


def histogram(values: npt.NDArray[Any], n_bins: int = 40) -> Histogram:
    """Count finite values in at most `n_bins` bins; integers get bins that hold equally many of them."""
    data = values.astype(np.float64).ravel()
    data = data[np.isfinite(data)]
    if not data.size:
        return Histogram(np.array([0.0, 1.0]), np.zeros(1, np.int64))
    low, high = data.min(), data.max()
    with np.errstate(over="ignore"):
        span = high - low
    if span == 0:
        return Histogram(np.array([low - 0.5, low + 0.5]), np.array([data.size]))
    if span < 2**53 and np.array_equal(data, np.rint(data)):
        width = math.ceil((span + 1) / n_bins)
        n_bins = math.ceil((span + 1) / width)
        places = (data - low) // width
        edges = low - 0.5 + width * np.arange(n_bins + 1)
    else:
        # Where the difference of two values would overflow, that of their halves does not.
        half = 0.5 if np.isinf(span) else 1.0
        places = np.floor((data * half - low * half) / (high * half - low * half) * n_bins)
        share = np.arange(n_bins + 1) / n_bins
        edges = np.maximum.accumulate(low * (1 - share) + high * share)  # rounding must not turn two of them round
    counts = np.bincount(np.minimum(places, n_bins - 1).astype(np.int64), minlength=n_bins)
    return Histogram(edges, counts)
