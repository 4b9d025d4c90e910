"""Make a long line short enough for a screen; its minima, its maxima and its gaps stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Step = TypeVar("Step", bound=np.int64 | np.float64)
"""A step, or a place between two."""


def decimate(
    steps: npt.NDArray[Step], values: npt.NDArray[np.float64], n_points: int
) -> tuple[npt.NDArray[Step], npt.NDArray[np.float64]]:
    """Return at most `n_points` points of a line, by the least and the greatest of equal runs of values.

    Args:
        steps: Shape `(n,)`, ascending.
        values: Shape `(n,)`; NaN is a gap. A gap stays visible if it fills a run.
        n_points: How many points to keep, at least 4. A shorter line is kept whole.
    """
    if values.size <= n_points:
        return steps, values
    kept = _extremes(values, n_points)
    return steps[kept], values[kept]


def _extremes(values: npt.NDArray[np.float64], n_points: int) -> npt.NDArray[np.int64]:
    """Return the ascending indices of the first and last value and of each run's least and greatest."""
    n_runs = (n_points - 2) // 2
    length = -(-values.size // n_runs)
    n_whole = values.size // length
    kept = [np.array([0, values.size - 1])]
    kept += _of_runs(values[: n_whole * length].reshape(n_whole, length), 0)
    if n_whole * length < values.size:
        kept += _of_runs(values[None, n_whole * length :], n_whole * length)
    return np.unique(np.concatenate(kept))


def _of_runs(runs: npt.NDArray[np.float64], start: int) -> list[npt.NDArray[np.int64]]:
    starts = start + np.arange(runs.shape[0]) * runs.shape[1]
    if np.isnan(runs).any():
        # An all-NaN run gives its first index twice: a NaN, and so a gap.
        low = np.where(np.isnan(runs), np.inf, runs).argmin(axis=1)
        high = np.where(np.isnan(runs), -np.inf, runs).argmax(axis=1)
    else:
        low, high = runs.argmin(axis=1), runs.argmax(axis=1)
    return [starts + low, starts + high]


def without_pauses(
    steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return a metric that comes once in a while, such as one of validation, without the steps in between.

    A metric of every step keeps its NaN: there they are losses that are not numbers.
    """
    there = ~np.isnan(values)
    if there.all():
        return steps, values
    alone = there.copy()
    alone[1:] &= ~there[:-1]
    alone[:-1] &= ~there[1:]
    if 2 * np.count_nonzero(alone) > np.count_nonzero(there):
        return steps[there], values[there]
    return steps, values
