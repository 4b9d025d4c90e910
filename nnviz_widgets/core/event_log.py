"""What happened at which step, in bounded memory however often it happens."""

from __future__ import annotations

import sys
from dataclasses import dataclass

NO_UPDATE = "no_update"
"""The event of a step that updated no variable. Accumulating gradients makes one of most steps."""

_NOTHING = "updated no variable"
"""What is true of all such steps."""

MAX_IDLE_RUNS = 200
"""Events of `NO_UPDATE`; with more of them, neighbours become one, as older tensors grow sparser."""

_EVENT_BYTES = 110
"""What Python spends on one event beside its text: a tuple or a run, its numbers, its place in the list."""

Event = tuple[int, str, str]


@dataclass(slots=True)
class _IdleRun:
    """Steps that updated no variable: `n_steps` of those from `first` to `last`.

    Attributes:
        first: The first of them.
        last: The last of them.
        n_steps: How many of the steps between are such steps.
        what: What is said of each of them, without its number.
        text: The sentence on a run of one step, as it came.
    """

    first: int
    last: int
    n_steps: int
    what: str
    text: str

    def event(self) -> Event:
        if self.n_steps == 1:
            return self.first, NO_UPDATE, self.text
        which = f"steps {self.first} to {self.last}"
        if self.n_steps <= self.last - self.first:
            which = f"{self.n_steps} of the {which}"
        return self.first, NO_UPDATE, f"{which} {self.what}"


class EventLog:
    """Events in the order of happening. The caller holds the lock.

    Steps in a row that updated nothing are one, as long as the same is to be said of each: a step that was skipped
    names its loss scale, and stands alone.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.n_bytes = 0
        self._entries: list[Event | _IdleRun] = []
        self._idle: list[_IdleRun] = []

    def add(self, step: int, name: str, text: str) -> None:
        """Note that something happened."""
        if name != NO_UPDATE:
            self._append((step, name, text), text)
            return
        what = text.removeprefix(f"step {step} ")
        newest = self._idle[-1] if self._idle else None
        if newest is not None and newest.last == step - 1 and newest.what == what:
            newest.last = step
            newest.n_steps += 1
            return
        run = _IdleRun(step, step, 1, what, text)
        self._idle.append(run)
        self._append(run, text)
        if len(self._idle) > MAX_IDLE_RUNS:
            self._join_neighbours()

    def events(self) -> tuple[Event, ...]:
        """List the events: `(step, name, text)`, of a run of steps its first."""
        return tuple(entry.event() if isinstance(entry, _IdleRun) else entry for entry in self._entries)

    def _append(self, entry: Event | _IdleRun, text: str) -> None:
        self._entries.append(entry)
        self.n_bytes += _EVENT_BYTES + sys.getsizeof(text)

    def _join_neighbours(self) -> None:
        """Make one run of each two."""
        gone = set()
        for run, other in zip(self._idle[::2], self._idle[1::2], strict=False):
            run.last = other.last
            run.n_steps += other.n_steps
            run.what = run.what if run.what == other.what else _NOTHING
            gone.add(id(other))
            self.n_bytes -= _EVENT_BYTES + sys.getsizeof(other.text)
        self._idle = [run for run in self._idle if id(run) not in gone]
        self._entries = [entry for entry in self._entries if id(entry) not in gone]
