"""A reading that two stores keep, so that what it has left for later is computed once."""

from __future__ import annotations

from itertools import groupby
from threading import Lock
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.frame import VitalsReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Reading

_settling = Lock()
"""Two threads that settle at one time would compute the same twice."""


class SharedReading:
    """A `Reading` around another; whoever settles it first does so for all.

    Attributes:
        n_specs: As in `VitalsReading`.
        n_neuron_values: As in `VitalsReading`.
        n_bytes: Of the reading as it came: stores count with it, so it never changes.
    """

    __slots__ = ("_reading", "_settled", "n_bytes", "n_neuron_values", "n_specs")

    def __init__(self, reading: Reading) -> None:
        """Wrap `reading`."""
        self._reading: Reading | None = reading
        self._settled: VitalsReading | None = None
        self.n_specs, self.n_neuron_values = reading.n_specs, reading.n_neuron_values
        self.n_bytes = reading.n_bytes

    @property
    def table(self) -> npt.NDArray[Any]:
        """As in `VitalsReading`."""
        return self.settle([self])[0].table

    @property
    def neurons(self) -> npt.NDArray[Any]:
        """As in `VitalsReading`."""
        return self.settle([self])[0].neurons

    def value(self, row: int, column: int) -> float:
        """As in `VitalsReading`."""
        return float(self.table[row, column])

    def non_finite_rows(self) -> Sequence[int]:
        """As in `VitalsReading`."""
        return self.settle([self])[0].non_finite_rows()

    @staticmethod
    def settle(readings: Sequence[SharedReading]) -> list[VitalsReading]:
        """Compute what nobody has computed yet."""
        with _settling:
            left = [(shared, shared._reading) for shared in readings if shared._reading is not None]
            for kind, group in groupby(left, key=lambda pair: type(pair[1])):
                sharing, inner = zip(*group, strict=True)
                for shared, settled in zip(sharing, kind.settle(inner), strict=True):
                    shared._settled, shared._reading = settled, None
            return [shared._settled for shared in readings if shared._settled is not None]
