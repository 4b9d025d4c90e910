"""Which step of one run belongs to which step of another: the same number, or the same place within the same epoch."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.recording import Recording

By = Literal["step", "epoch"]


@dataclass(frozen=True, slots=True)
class Epochs:
    """The epochs of a run, as far as its recording knows them.

    Attributes:
        numbers: Of each epoch, ascending from wherever the run began.
        bounds: The step after which each begins, and at last the newest step: one more than `numbers`, ascending.
        over: Whether the last one has ended.
    """

    numbers: tuple[int, ...]
    bounds: tuple[int, ...]
    over: bool


def epochs_of(recording: Recording) -> Epochs:
    """Return the epochs of a recording, also while it is written."""
    epochs, steps = recording.epochs, recording.steps  # in this order: each of `epochs` has its step
    if not epochs.size:
        return Epochs((), (), over=False)
    first = np.flatnonzero(np.diff(epochs, prepend=epochs[0] - 1))
    numbers, last = epochs[first], int(steps[epochs.size - 1])
    if np.any(np.diff(numbers) < 0):  # somebody counted anew: then their order tells more than their names
        numbers = numbers[0] + np.arange(numbers.size)
    over = any(step >= last for step, name, _ in reversed(recording.events) if name == "epoch")
    return Epochs(tuple(numbers.tolist()), (*(steps[first] - 1).tolist(), last), over)


@dataclass(frozen=True, slots=True)
class Track:
    """How far a run is at each step: straight lines between points, the first and the last of them going on.

    Attributes:
        steps: Ascending, two or more.
        places: As many, ascending.
    """

    steps: tuple[int, ...]
    places: tuple[int, ...]


STEPS = Track((0, 1), (0, 1))
"""Counted in steps, every run is as far as its step says."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two runs beside each other. Steps are counted as each run counts its own, and never fall below 0.

    Of steps above 0, `to_own(t) <= s` exactly where `t <= to_other(s)`: what one run had done when the other was at
    its step can be asked from either side.
    """

    own: Track
    other: Track

    def to_other(self, step: int) -> int:
        """Return the last step of the other run that is no further than `step` of this one."""
        return max(0, floor(_along(_along(step, self.own.steps, self.own.places), self.other.places, self.other.steps)))

    def to_own(self, step: int) -> int:
        """Return the first step of this run that is as far as `step` of the other."""
        return max(0, ceil(_along(_along(step, self.other.steps, self.other.places), self.own.places, self.own.steps)))

    def onto_own(self, steps: npt.NDArray[np.int64 | np.float64]) -> npt.NDArray[np.float64]:
        """Return where steps of the other run, `(n,)`, lie between the steps of this one, `(n,)`."""
        if self.own == self.other:
            return steps.astype(np.float64)
        return _all_along(_all_along(steps, self.other.steps, self.other.places), self.own.places, self.own.steps)


def align(own: Epochs, other: Epochs, by: By) -> Alignment:
    """Put two runs beside each other.

    An epoch that has not ended is taken to be as long as the one before it, and the first one to be as long as the
    other run's first; never shorter than it is already.

    Args:
        own: Epochs of the run whose steps count for both.
        other: Epochs of the other one.
        by: What is the same in both: the number of a step, or the place within an epoch.
    """
    if by == "step" or not own.numbers or not other.numbers:
        return Alignment(STEPS, STEPS)
    return Alignment(_track(own, _first_length(other)), _track(other, _first_length(own)))


def _first_length(epochs: Epochs) -> int:
    return epochs.bounds[1] - epochs.bounds[0]


def _track(epochs: Epochs, first_length: int) -> Track:
    *begins, newest = epochs.bounds
    length = newest - begins[-1]
    if not epochs.over:
        length = max(length, begins[-1] - begins[-2] if len(begins) > 1 else first_length)
    return Track((*begins, begins[-1] + length), (*epochs.numbers, epochs.numbers[-1] + 1))


def _along(x: int | Fraction, xs: Sequence[int], ys: Sequence[int]) -> Fraction:
    """Return `y` at `x` on the line through points, exactly."""
    i = min(max(bisect_right(xs, x) - 1, 0), len(xs) - 2)
    return ys[i] + (x - xs[i]) * Fraction(ys[i + 1] - ys[i], xs[i + 1] - xs[i])


def _all_along(x: npt.NDArray[np.int64 | np.float64], xs: Sequence[int], ys: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return what `_along` does for many, rounded."""
    of_x, of_y = np.array(xs, np.float64), np.array(ys, np.float64)
    i = np.clip(np.searchsorted(of_x, x, side="right") - 1, 0, len(xs) - 2)
    found: npt.NDArray[np.float64] = of_y[i] + (x - of_x[i]) * (of_y[i + 1] - of_y[i]) / (of_x[i + 1] - of_x[i])
    return found
