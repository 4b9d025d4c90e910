"""What happened at which step, in bounded memory however often it happens."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from nnviz_widgets.core.idle_runs import EVENT_BYTES, NO_UPDATE, IdleRuns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.idle_runs import IdleRun

Event = tuple[int, str, str]


class EventLog:
    """Events in the order of happening. The caller holds the lock.

    Attributes:
        others: All but those of steps that updated nothing.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.others: list[Event] = []
        self._others_bytes = 0
        self._idle = IdleRuns()

    @property
    def n_bytes(self) -> int:
        """Memory held."""
        return self._others_bytes + self._idle.n_bytes

    def add(self, step: int, name: str, text: str) -> None:
        """Note that something happened."""
        if name == NO_UPDATE:
            self._idle.add(step, text, len(self.others))
            return
        self.others.append((step, name, text))
        self._others_bytes += EVENT_BYTES + sys.getsizeof(text)

    def idle(self) -> list[IdleRun]:
        """Return the steps that updated nothing."""
        return [replace(run) for run in self._idle.runs()]

    def replace_idle(self, runs: Sequence[IdleRun]) -> None:
        """Take the place of all that is known of steps that updated nothing."""
        self._idle = IdleRuns(runs)

    def events(self) -> tuple[Event, ...]:
        """List the events: `(step, name, text)`, of a run of steps its first."""
        events: list[Event] = []
        taken = 0
        for run in self._idle.runs():
            events += self.others[taken : run.place]
            events.append(run.event())
            taken = max(taken, run.place)
        return (*events, *self.others[taken:])
