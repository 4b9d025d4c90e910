"""Metrics as rows of the file: a few steps each as they come, thousands each once they are there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.metric_log import ABSENT
from nnviz_widgets.core.storage.ink import checksum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.storage.ink import Ink

BLOCK = 4096
"""Steps of a row that is never touched again."""

Row = tuple[int, int, "Mapping[str, float]"]


class MetricRows:
    """Collects the metrics of steps and writes them, inside the caller's transaction."""

    def __init__(self, database: Any, ink: Ink) -> None:
        """Write to `database`."""
        self._database, self._ink = database, ink
        self._new: list[Row] = []
        self._open: list[Row] = []
        self._pieces: list[tuple[int, int, int]] = []

    def add(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Take the metrics of a step."""
        self._new.append((step, epoch, values))

    def amend(self, step: int, values: Mapping[str, float]) -> None:
        """Write metrics that belong to an earlier step."""
        numbers = json.dumps({name: float(value).hex() for name, value in values.items()})
        row = (step, numbers, checksum(step, numbers))
        self._database.execute("INSERT INTO amends(step, numbers, checksum) VALUES (?, ?, ?)", row)

    def write(self) -> None:
        """Write what was added since; when that fills a block, join the pieces."""
        if not self._new:
            return
        self._open += self._new
        if len(self._open) < BLOCK:
            self._pieces.append(self._insert(self._new, joined=False))
        else:
            for row, steps, numbers in self._pieces:
                self._database.execute("DELETE FROM metrics WHERE id = ?", (row,))
                self._database.execute("DELETE FROM blobs WHERE id IN (?, ?)", (steps, numbers))
            for start in range(0, len(self._open), BLOCK):
                self._insert(self._open[start : start + BLOCK], joined=True)
            self._open, self._pieces = [], []
        self._new = []

    def _insert(self, rows: Sequence[Row], *, joined: bool) -> tuple[int, int, int]:
        steps, epochs, columns = as_columns(rows)
        first, last, names = int(steps[0]), int(steps[-1]), json.dumps(list(columns))
        return self.insert(first, last, names, np.stack([steps, epochs]), np.stack([*columns.values()]), joined)

    def insert(
        self,
        first: int,
        last: int,
        names: str,
        steps: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.float64],
        joined: bool,
    ) -> tuple[int, int, int]:
        """Write one row: steps and epochs `(2, n)`, numbers `(n_names, n)`; return its id and those of its blobs."""
        at = self._ink.write(f"steps {first} {last}", steps)
        of = self._ink.write(f"metrics {first} {last}", numbers)
        row = (first, last, names, at, of, int(joined))
        statement = (
            "INSERT INTO metrics(first, last, names, steps, numbers, joined, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        self._database.execute(statement, (*row, checksum(*row)))
        return int(self._database.execute("SELECT last_insert_rowid()").fetchone()[0]), at, of


def as_columns(
    rows: Sequence[Row],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]:
    """Return steps, epochs and each metric of some rows; a metric that a step did not have is `ABSENT`."""
    steps, epochs, values = zip(*rows, strict=True)
    names = dict.fromkeys(name for given in values for name in given)
    columns = {name: np.array([given.get(name, ABSENT) for given in values], np.float64) for name in names}
    columns = columns or {"batch_loss": np.full(len(rows), ABSENT)}
    return np.array(steps, np.int64), np.array(epochs, np.int64), columns
