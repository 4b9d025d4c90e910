"""Events as rows of the file; those of steps that updated nothing are as few as in memory."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.idle_runs import NO_UPDATE, IdleRuns
from nnviz_widgets.core.storage.ink import checksum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.idle_runs import IdleRun


class EventRows:
    """Writes events inside the caller's transaction."""

    def __init__(self, database: Any) -> None:
        """Write to `database`."""
        self._database = database
        self._n_others = 0
        self._idle = IdleRuns()

    def add(self, step: int, name: str, text: str) -> None:
        """Take an event."""
        if name == NO_UPDATE:
            self._idle.add(step, text, self._n_others)
            return
        row = (step, name, text, checksum(step, name, text))
        self._database.execute("INSERT INTO events(step, name, text, checksum) VALUES (?, ?, ?, ?)", row)
        self._n_others += 1

    def write(self) -> None:
        """Write those of the steps that updated nothing which are new or changed."""
        first, runs = self._idle.clean, self._idle.runs()
        if first < len(runs):
            self._database.execute("DELETE FROM idle WHERE id >= ?", (first,))
            self.insert_idle(runs[first:], first)
            self._idle.clean = len(runs)

    def insert_idle(self, runs: Sequence[IdleRun], first: int = 0) -> None:
        """Write runs of steps that updated nothing, the first of them as number `first`."""
        rows = [(number, *astuple(run), checksum(*astuple(run))) for number, run in enumerate(runs, first)]
        self._database.executemany("INSERT INTO idle VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
