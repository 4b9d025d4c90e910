"""Fit a file into the size asked for: first another number format, then fewer steps, then smaller pictures."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.sharing.drawings import Room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FEW_STEPS = 50
"""As long as pictures can be made smaller instead, no fewer steps are taken."""

LEAST_STEPS = 2
SIDES = (4096, 2048, 1024, 512, 256, 128, 64, 32)
"""The most rows and columns of a picture, one after the other."""

SAMPLES = (8, 4, 2, 1)
SLICES = (64, 16, 4, 1)
POINTS = (240, 120, 60, 24)


@dataclass(frozen=True, slots=True)
class Choice:
    """How much goes into a file.

    Attributes:
        palette: Whether cells are bytes, the index of one of at most 256 values, instead of bfloat16.
        steps: The steps with pictures, ascending.
        room: The most rows and columns of a picture, samples and slices.
        points: The most steps of the line of a neuron.
    """

    palette: bool
    steps: tuple[int, ...]
    room: Room
    points: int = POINTS[0]


def choose(
    steps: Sequence[int], estimate: Callable[[Choice], float], most_bytes: float, *, palette: bool
) -> Choice | None:
    """Return as much as fits, `None` if not even the least does.

    Args:
        steps: All steps that there are, ascending.
        estimate: How many bytes a choice takes; less of anything never takes more.
        most_bytes: How many there may be.
        palette: Whether to begin with bytes.
    """
    for choice in _candidates(whole(steps, palette=palette)):
        if estimate(choice) <= most_bytes:
            return choice
        fewer = _fewer_steps(choice, estimate, most_bytes, least=_least_steps(choice))
        if fewer is not None:
            return fewer
    return None


def whole(steps: Sequence[int], *, palette: bool) -> Choice:
    """Return everything there is."""
    return Choice(palette, tuple(steps), Room(side=SIDES[0]))


def least(steps: Sequence[int]) -> Choice:
    """Return the least that a file may hold."""
    return Choice(True, evenly(steps, LEAST_STEPS), Room(SIDES[-1], 1, 1), POINTS[-1])


def _candidates(first: Choice) -> Iterator[Choice]:
    """Yield ever smaller choices; in each of them the steps may still be fewer."""
    if not first.palette:
        yield first
        first = replace(first, palette=True)
    for side, points in zip(SIDES, (*POINTS, *[POINTS[-1]] * len(SIDES)), strict=False):
        yield replace(first, room=Room(side=side), points=points)
    for n in SAMPLES:
        yield replace(first, room=Room(SIDES[-1], n), points=POINTS[-1])
    for n in SLICES:
        yield replace(first, room=Room(SIDES[-1], 1, n), points=POINTS[-1])


def _least_steps(choice: Choice) -> int:
    """Return to how few steps a choice may come before something else becomes less."""
    if not choice.palette:
        return len(choice.steps)
    return min(FEW_STEPS, len(choice.steps)) if choice.room.side > SIDES[-1] else LEAST_STEPS


def _fewer_steps(choice: Choice, estimate: Callable[[Choice], float], most_bytes: float, least: int) -> Choice | None:
    """Return the choice with the most steps that fit, `None` if `least` do not."""

    def fits(n: int) -> bool:
        return estimate(replace(choice, steps=evenly(choice.steps, n))) <= most_bytes

    low, high = least, len(choice.steps)
    if low >= high or not fits(low):
        return None
    while high - low > 1:  # `low` fits, `high` does not
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return replace(choice, steps=evenly(choice.steps, low))


def evenly(steps: Sequence[int], n: int) -> tuple[int, ...]:
    """Return `n` of the steps, spread evenly over the run, the first and the last among them; all if there are fewer.

    Step 0, the state before any, has weights only: it is taken beside the first one with gradients.
    """
    if len(steps) <= n:
        return tuple(steps)
    if n == 1:
        return (steps[-1],)
    if steps[0] == 0 and n > 2:
        return (0, *evenly(steps[1:], n - 1))
    found: list[int] = []
    at = -1
    for i, wanted in enumerate(np.linspace(steps[0], steps[-1], n)):
        # The nearest one that leaves enough of them for the rest: old steps are kept more sparsely.
        at = min(max(_nearest(steps, wanted), at + 1), len(steps) - n + i)
        found.append(steps[at])
    return tuple(found)


def _nearest(steps: Sequence[int], wanted: float) -> int:
    """Return the index of the step that is nearest."""
    after = min(bisect_left(steps, wanted), len(steps) - 1)
    return after - 1 if after and wanted - steps[after - 1] <= steps[after] - wanted else after


def apart(steps: Sequence[int], least: int) -> list[int]:
    """Return as many of the steps as are at least so far from each other, the last one among them."""
    kept: list[int] = []
    for step in steps:
        if not kept or step - kept[-1] >= least:
            kept.append(step)
    if kept and kept[-1] != steps[-1]:
        kept[-1] = steps[-1]
    return kept
