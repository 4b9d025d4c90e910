"""The vitals and neuron statistics of every step at which they were computed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import numpy as np

from nnviz_widgets.core.frame import NEURON_STATISTICS, VITALS, Catalogue, VitalsReading
from nnviz_widgets.core.thinning import surviving
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Reading, TensorKey

logger = logging.getLogger("nnviz_widgets")

COLUMNS: tuple[str, ...] = (*VITALS, "update_ratio")
"""Columns of `VitalsReading.table`."""

_BLOCK = 64
"""Readings that wait as they came before they are stacked. More of them make reading slower, fewer make blocks many."""

_LATE_BYTES = 4 << 20
"""What readings may leave for later, together: computing more of them at once leaves the caches, and takes a while."""

_REMAINING = 0.75
"""The share of its limit that a store is thinned to; each pass copies what stays, so passes must be rare."""

_OVERHEAD_BYTES = 240
"""What Python spends on one waiting reading: a tuple and two array headers."""

_NAN_COUNT = COLUMNS.index("nan")


class Segment:
    """The rows and columns of readings while a model's tensors stayed the same."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Lay out rows and columns as the order of the specs says."""
        self.catalogue = catalogue
        self.n_specs = len(catalogue.specs)
        self.rows: dict[TensorKey, int] = {}
        self.neurons: dict[TensorKey, slice] = {}
        start = 0
        for row, spec in enumerate(catalogue.specs):
            self.rows[spec.key] = row
            if spec.n_neurons is not None:
                stop = start + len(NEURON_STATISTICS) * spec.n_neurons
                self.neurons[spec.key] = slice(start, stop)
                start = stop
        self.n_neuron_values = start


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive readings of one segment, stacked; never written to.

    Attributes:
        segment: What the rows mean.
        ordinals: Shape `(n,)`: how many readings came before each.
        steps: Shape `(n,)`.
        tables: Shape `(n, n_specs, 9)`.
        neurons: Shape `(n, n_neuron_values)`.
    """

    segment: Segment
    ordinals: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    tables: npt.NDArray[np.float64]
    neurons: npt.NDArray[np.floating[Any]]

    @property
    def n_bytes(self) -> int:
        """Memory held, in bytes."""
        return sum(array.nbytes for array in (self.ordinals, self.steps, self.tables, self.neurons))

    @property
    def n(self) -> int:
        """How many readings it holds."""
        return int(self.steps.size)

    @property
    def width(self) -> int:
        """How many neuron values a reading has, 0 if it has none."""
        return int(self.neurons.shape[1])

    def rows(self, row: int) -> npt.NDArray[np.float64]:
        """Read all statistics of one tensor: shape `(n, 9)`."""
        return self.tables[:, row]

    def column(self, row: int, index: int) -> npt.NDArray[np.float64]:
        """Read one statistic of one tensor: shape `(n,)`."""
        return self.tables[:, row, index]

    def neuron_values(self, key: TensorKey, columns: slice) -> npt.NDArray[np.floating[Any]]:
        """Read columns of what is kept of the neurons of a tensor: shape `(n, n_columns)`."""
        return self.neurons[:, self.segment.neurons[key]][:, columns]

    def selected(self, stays: npt.NDArray[np.bool_] | slice) -> Block:
        """Copy the readings that stay; of a slice, make views."""
        return Block(self.segment, self.ordinals[stays], self.steps[stays], self.tables[stays], self.neurons[stays])


class Readable(Protocol):
    """A `Block`, or what reads one from a file."""

    @property
    def segment(self) -> Segment:
        """As in `Block`."""

    @property
    def n(self) -> int:
        """As in `Block`."""

    @property
    def width(self) -> int:
        """As in `Block`."""

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """As in `Block`."""

    def rows(self, row: int) -> npt.NDArray[np.float64]:
        """As in `Block`."""

    def column(self, row: int, index: int) -> npt.NDArray[np.float64]:
        """As in `Block`."""

    def neuron_values(self, key: TensorKey, columns: slice) -> npt.NDArray[np.floating[Any]]:
        """As in `Block`."""

    def selected(self, stays: slice) -> Readable:
        """As in `Block`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All readings as they are at one moment; read without the lock."""

    blocks: tuple[Readable, ...]

    def newest(self, n: int) -> Snapshot:
        """Keep the last `n` readings only; nothing is copied."""
        blocks: list[Readable] = []
        for block in reversed(self.blocks):
            if n < 1:
                break
            blocks.append(block.selected(slice(-n, None)))
            n -= block.n
        return Snapshot(tuple(reversed(blocks)))

    def rows(self, key: TensorKey) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Read the statistics of one tensor: its steps `(n,)` and values `(n, 9)`."""
        parts = [(block, block.segment.rows[key]) for block in self.blocks if key in block.segment.rows]
        if not parts:
            return np.empty(0, np.int64), np.empty((0, len(COLUMNS)))
        steps = np.concatenate([block.steps for block, _ in parts])
        values = np.concatenate([block.rows(row) for block, row in parts])
        read = _read(values[:, _NAN_COUNT])
        return steps[read], values[read]

    def column(self, key: TensorKey, index: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Read one statistic of one tensor: its steps and values, both `(n,)`."""
        parts = [(block, block.segment.rows[key]) for block in self.blocks if key in block.segment.rows]
        if not parts:
            return np.empty(0, np.int64), np.empty(0)
        read = np.concatenate([_read(block.column(row, _NAN_COUNT)) for block, row in parts])
        steps = np.concatenate([block.steps for block, _ in parts])
        values = np.concatenate([block.column(row, index) for block, row in parts])
        return steps[read], values[read]

    def neurons(self, key: TensorKey, index: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.floating[Any]]]:
        """Read one statistic of each neuron: steps `(n,)` and values `(n, n_neurons)`.

        A tensor whose number of neurons changed starts anew there: only readings of the newest number are given.
        """
        return self._columns(key, index, None)

    def neuron(
        self, key: TensorKey, index: int, neuron: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.floating[Any]]]:
        """Read one column of `neurons`: steps and values, both `(n,)`."""
        steps, values = self._columns(key, index, neuron)
        return steps, values.reshape(-1)

    def _columns(
        self, key: TensorKey, index: int, neuron: int | None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.floating[Any]]]:
        parts = [block for block in self.blocks if key in block.segment.neurons and block.width]
        if not parts:
            return np.empty(0, np.int64), np.empty((0, 0))
        widths = [place.stop - place.start for place in (block.segment.neurons[key] for block in parts)]
        n_neurons = widths[-1] // len(NEURON_STATISTICS)
        same = [block for block, width in zip(parts, widths, strict=True) if width == widths[-1]]
        first, n = (
            (index * n_neurons, n_neurons) if neuron is None else (index * n_neurons + neuron, int(neuron < n_neurons))
        )
        read = np.concatenate([_read(block.column(block.segment.rows[key], _NAN_COUNT)) for block in same])
        steps = np.concatenate([block.steps for block in same])
        values = np.concatenate([block.neuron_values(key, slice(first, first + n)) for block in same])
        return steps[read], values[read]


def _read(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which rows were read: a count is NaN only where nothing was."""
    return ~np.isnan(counts)


class Readings:
    """A bounded, growing sequence of `VitalsReading`s. The caller holds the lock.

    Appending stores the arrays as they come; every 64 are stacked into a block, so that reading a series is a few
    slices instead of a walk over as many objects as there were steps.
    """

    def __init__(self) -> None:
        """Start without readings, and for a model without tensors."""
        self.n_bytes = 0
        self._segment = Segment(Catalogue())
        self._blocks: list[Block] = []
        self._waiting: list[tuple[int, int, Reading]] = []
        self._late_bytes = 0
        self._n_added = 0
        self._newest = -1

    def open_segment(self, catalogue: Catalogue) -> None:
        """Read from now on rows in the order of this catalogue; the segment goes on if that is the same."""
        segment = Segment(catalogue)
        if (segment.rows, segment.neurons) != (self._segment.rows, self._segment.neurons):
            self._stack(len(self._waiting))
            self._segment = segment

    def append(self, step: int, reading: Reading) -> None:
        """Add the reading of a step; a second one of the newest step replaces the first."""
        segment = self._segment
        n_neuron_values = reading.n_neuron_values
        if reading.n_specs != segment.n_specs or n_neuron_values not in (0, segment.n_neuron_values):
            raise InvalidArgumentError(
                f"A reading must tell of {segment.n_specs} tensors and have {segment.n_neuron_values} neuron values "
                f"(or none), as the catalogue says. Received: {reading.n_specs} tensors and {n_neuron_values} neuron "
                "values. Call `set_catalogue` when a model's tensors change."
            )
        if step <= self._newest:
            self._replace(step, reading)
            return
        waiting = self._waiting
        if len(waiting) >= _BLOCK or (waiting and n_neuron_values != waiting[-1][2].n_neuron_values):
            self._stack(len(waiting))
        waiting.append((self._n_added, step, reading))
        self._newest = step
        self._n_added += 1
        self.n_bytes += reading.n_bytes + _OVERHEAD_BYTES
        self._late_bytes += 0 if type(reading) is VitalsReading else reading.n_bytes
        if self._late_bytes > _LATE_BYTES:
            self._settle()

    def snapshot(self) -> Snapshot:
        """Take the state of this moment."""
        self._settle()
        waiting = [_stacked(self._segment, self._waiting)] if self._waiting else []
        return Snapshot((*self._blocks, *waiting))

    def thin(self, limit: int) -> None:
        """Drop readings, older ones more thinly spread, while there are more than `limit` bytes; never the newest."""
        if self.n_bytes <= limit:
            return
        self._stack(len(self._waiting) - 1)
        while self.n_bytes > limit and self._blocks:
            ordinals = np.concatenate([block.ordinals for block in self._blocks])
            n_places = min(ordinals.size - 1, int(ordinals.size * _REMAINING * limit / self.n_bytes))
            self._keep(surviving(ordinals, self._n_added - 1, n_places))

    def _keep(self, stays: npt.NDArray[np.bool_]) -> None:
        bounds = np.cumsum([block.steps.size for block in self._blocks])[:-1]
        parts = [block.selected(part) for block, part in zip(self._blocks, np.split(stays, bounds), strict=True)]
        before = sum(block.n_bytes for block in self._blocks)
        self._blocks = _joined([part for part in parts if part.steps.size])
        self.n_bytes += sum(block.n_bytes for block in self._blocks) - before

    def _replace(self, step: int, reading: Reading) -> None:
        if step != self._newest or not self._waiting:
            raise InvalidArgumentError(
                f"`step` must come after the newest reading. Received: step={step}, the newest is {self._newest}. "
                "Add readings in the order of the steps."
            )
        ordinal, _, replaced = self._waiting.pop()
        if replaced.n_neuron_values != reading.n_neuron_values:
            self._stack(len(self._waiting))
        self._waiting.append((ordinal, step, reading))
        self.n_bytes += reading.n_bytes - replaced.n_bytes

    def _settle(self) -> None:
        """Compute what waiting readings have left for later, so that no later look does it again."""
        late = [(i, reading) for i, (_, _, reading) in enumerate(self._waiting) if type(reading) is not VitalsReading]
        lost: set[int] = set()
        for kind, group in groupby(late, key=lambda item: type(item[1])):
            places, readings = zip(*group, strict=True)
            try:
                settled = kind.settle(readings)
            except Exception:
                # A mistake of ours on numbers that are safe costs the readings; the training must go on.
                logger.exception("the vitals of %d steps could not be computed and are left out", len(readings))
                lost.update(places)
                continue
            for i, done in zip(places, settled, strict=True):
                self.n_bytes += done.n_bytes - self._waiting[i][2].n_bytes
                self._waiting[i] = (*self._waiting[i][:2], done)
        self.n_bytes -= sum(self._waiting[i][2].n_bytes + _OVERHEAD_BYTES for i in lost)
        self._waiting[:] = [waiting for i, waiting in enumerate(self._waiting) if i not in lost]
        if lost:
            kept = [step for _, step, _ in self._waiting] or [int(block.steps[-1]) for block in self._blocks]
            self._newest = kept[-1] if kept else -1
        self._late_bytes = 0

    def _stack(self, n: int) -> None:
        """Turn the first `n` waiting readings, or as many as there are, into a block."""
        self._settle()
        n = min(n, len(self._waiting))
        if n < 1:
            return
        first, self._waiting[:n] = self._waiting[:n], []
        block = _stacked(self._segment, first)
        self._blocks.append(block)
        self.n_bytes += block.n_bytes - sum(reading.n_bytes + _OVERHEAD_BYTES for _, _, reading in first)


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Make one block of neighbours that have the same rows and columns."""
    joined = []
    for _, same in groupby(blocks, key=lambda block: (id(block.segment), block.neurons.shape[1])):
        group = list(same)
        joined.append(
            Block(
                group[0].segment,
                np.concatenate([block.ordinals for block in group]),
                np.concatenate([block.steps for block in group]),
                np.concatenate([block.tables for block in group]),
                np.concatenate([block.neurons for block in group]),
            )
        )
    return joined


def _stacked(segment: Segment, waiting: Sequence[tuple[int, int, Reading]]) -> Block:
    ordinals, steps, readings = zip(*waiting, strict=True)
    return Block(
        segment,
        np.array(ordinals, np.int64),
        np.array(steps, np.int64),
        np.stack([reading.table for reading in readings]),
        np.stack([reading.neurons for reading in readings]),
    )
