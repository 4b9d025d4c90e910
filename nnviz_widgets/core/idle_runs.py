"""Steps that updated no variable, told in bounded room however many they are."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_UPDATE = "no_update"
"""The event of a step that updated no variable. Accumulating gradients makes one of most steps."""

MAX_IDLE_RUNS = 200
"""Events of `NO_UPDATE`; with more of them, neighbours become one, as older tensors grow sparser."""

EVENT_BYTES = 110
"""What Python spends on one event beside its text: a tuple or a run, its numbers, its place in the list."""

_NOTHING = "updated no variable"
"""What is true of all such steps."""


@dataclass(slots=True)
class IdleRun:
    """Steps that updated no variable: `n_steps` of those from `first` to `last`.

    Attributes:
        first: The first of them.
        last: The last of them.
        n_steps: How many of the steps between are such steps.
        what: What is said of each of them, without its number.
        text: The sentence on a run of one step, as it came.
        place: How many other events came before it.
    """

    first: int
    last: int
    n_steps: int
    what: str
    text: str
    place: int

    def event(self) -> tuple[int, str, str]:
        """Return it as `Recording.events` tells it."""
        if self.n_steps == 1:
            return self.first, NO_UPDATE, self.text
        which = f"steps {self.first} to {self.last}"
        if self.n_steps <= self.last - self.first:
            which = f"{self.n_steps} of the {which}"
        return self.first, NO_UPDATE, f"{which} {self.what}"


class IdleRuns:
    """Such steps in the order of happening.

    Steps in a row are one run, as long as the same is to be said of each: a step that was skipped names its loss scale,
    and stands alone.

    Attributes:
        n_bytes: Memory held.
        clean: How many runs, from the first one on, are as they were when the caller last set this to their number.
    """

    def __init__(self, runs: Sequence[IdleRun] = ()) -> None:
        """Start with `runs`."""
        self._runs = list(runs)
        self.n_bytes = sum(map(_bytes_of, runs))
        self.clean = 0

    def __len__(self) -> int:
        """Count the runs."""
        return len(self._runs)

    def runs(self) -> list[IdleRun]:
        """Return them, in order."""
        return self._runs

    def add(self, step: int, text: str, place: int) -> None:
        """Note a step, after `place` other events."""
        what = text.removeprefix(f"step {step} ")
        newest = self._runs[-1] if self._runs else None
        if newest is not None and newest.last == step - 1 and newest.what == what:
            newest.last = step
            newest.n_steps += 1
        else:
            self._runs.append(IdleRun(step, step, 1, what, text, place))
            self.n_bytes += _bytes_of(self._runs[-1])
        self.clean = min(self.clean, len(self._runs) - 1)
        if len(self._runs) > MAX_IDLE_RUNS:
            self._join_neighbours()

    def _join_neighbours(self) -> None:
        """Make one run of each two."""
        joined = self._runs[::2]
        for run, other in zip(joined, self._runs[1::2], strict=False):
            run.last = other.last
            run.n_steps += other.n_steps
            run.what = run.what if run.what == other.what else _NOTHING
            self.n_bytes -= _bytes_of(other)
        self._runs, self.clean = joined, 0


def _bytes_of(run: IdleRun) -> int:
    return EVENT_BYTES + sys.getsizeof(run.text)
