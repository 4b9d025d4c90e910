"""The metrics of every step, in growable columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

_FIRST_CAPACITY = 1024

ABSENT = np.array([0x7FF8_0000_0000_07A2], np.uint64).view(np.float64)[0]
"""A NaN with a mark of its own: the step did not have the metric. Any other NaN is what the metric was."""


def present(column: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which steps had a metric, also one that was NaN; both of shape `(n,)`."""
    bits = np.ascontiguousarray(column).view(np.uint64)
    found: npt.NDArray[np.bool_] = bits != ABSENT.view(np.uint64)
    return found


class MetricLog:
    """One row a step, one float64 column a metric; a metric that a step did not have is `ABSENT` there.

    Appending is on the path of every training step, so columns are plain arrays with room to grow. A row is never
    moved or removed. The caller holds the lock.
    """

    def __init__(self) -> None:
        """Start without rows and columns."""
        self._size = 0
        self._capacity = 0
        self._newest = 0
        self._steps: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._epochs: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._columns: dict[str, npt.NDArray[np.float64]] = {}

    def __len__(self) -> int:
        """Count the steps."""
        return self._size

    @property
    def n_bytes(self) -> int:
        """Memory held by the columns, in bytes."""
        return 8 * self._capacity * (2 + len(self._columns))

    def append(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Add the row of a step that comes after all others."""
        if step <= self._newest:
            raise InvalidArgumentError(
                f"`step` must come after the newest step, {self._newest}. Received: step={step}. "
                "Use `amend_step` to add metrics to a step that is already there."
            )
        row = self._size
        if row == self._capacity:
            self._grow()
        self._steps[row] = step
        self._epochs[row] = epoch
        columns = self._columns
        for name, value in values.items():
            try:
                columns[name][row] = value
            except KeyError:
                self._new_column(name)[row] = value
        self._newest = step
        self._size = row + 1

    def extend(
        self,
        steps: npt.NDArray[np.int64],
        epochs: npt.NDArray[np.int64],
        columns: Mapping[str, npt.NDArray[np.float64]],
    ) -> None:
        """Add the rows of many steps that come after all others: all arrays are of shape `(n,)`, steps ascending."""
        if not steps.size:
            return
        if int(steps[0]) <= self._newest or np.any(np.diff(steps) <= 0):
            raise InvalidArgumentError(
                f"`steps` must ascend and come after the newest step, {self._newest}. Received: {steps[0]} to "
                f"{steps[-1]}. Leave out those that are there."
            )
        row, end = self._size, self._size + steps.size
        while end > self._capacity:
            self._grow()
        self._steps[row:end], self._epochs[row:end] = steps, epochs
        for name, values in columns.items():
            column = self._columns.get(name)
            (self._new_column(name) if column is None else column)[row:end] = values
        self._newest, self._size = int(steps[-1]), end

    def amend(self, step: int, values: Mapping[str, float]) -> None:
        """Set metrics of a step that is already there."""
        row = int(np.searchsorted(self.steps, step))
        if row == self._size or self._steps[row] != step:
            raise InvalidArgumentError(
                f"`step` must be a step that was taken. Received: step={step}, of {self._size} steps up to "
                f"{self._newest}. Call `add_step` for it first."
            )
        for name, value in values.items():
            column = self._columns.get(name)
            (self._new_column(name) if column is None else column)[row] = value

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """Shape `(n,)`: the steps, ascending. A read-only view."""
        return self._view(self._steps)

    @property
    def epochs(self) -> npt.NDArray[np.int64]:
        """Shape `(n,)`: the epoch of each step. A read-only view."""
        return self._view(self._epochs)

    def columns(self) -> dict[str, npt.NDArray[np.float64]]:
        """Read all metrics: name to shape `(n,)`, read-only views."""
        return {name: self._view(column) for name, column in self._columns.items()}

    def _view(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        view = column[: self._size]
        view.flags.writeable = False
        return view

    def _new_column(self, name: str) -> npt.NDArray[np.float64]:
        column = np.full(self._capacity, ABSENT)
        self._columns[name] = column
        return column

    def _grow(self) -> None:
        self._capacity = max(_FIRST_CAPACITY, 2 * self._capacity)
        self._steps = self._grown(self._steps, 0)
        self._epochs = self._grown(self._epochs, 0)
        self._columns = {name: self._grown(column, ABSENT) for name, column in self._columns.items()}

    def _grown(self, column: npt.NDArray[Any], fill: float) -> npt.NDArray[Any]:
        """Copy into a larger array; views that readers hold keep the old one."""
        grown = np.full(self._capacity, fill, dtype=column.dtype)
        grown[: self._size] = column[: self._size]
        return grown
