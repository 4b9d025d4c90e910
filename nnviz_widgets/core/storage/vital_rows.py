"""Vitals as rows of the file: whole readings as they come, a blob for each statistic once a block is full."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.frame import Catalogue
from nnviz_widgets.core.readings import COLUMNS, Segment
from nnviz_widgets.core.storage.catalogue_json import to_json
from nnviz_widgets.core.storage.ink import checksum

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Reading, VitalsReading
    from nnviz_widgets.core.storage.ink import Ink

BLOCK_BYTES = 4 << 20
"""Of a block that is never touched again, before compression."""

MAX_BLOCK, MIN_BLOCK = 4096, 64
"""Readings of one block."""

Taken = tuple[int, "Reading"]
Settled = tuple[int, "VitalsReading"]


class VitalRows:
    """Collects readings and writes them, inside the caller's transaction."""

    def __init__(self, database: Any, ink: Ink) -> None:
        """Write to `database`."""
        self._database, self._ink = database, ink
        self._catalogue: Catalogue | None = None
        self._segment = Segment(Catalogue())
        self._row = 0
        self._new: list[Taken] = []
        self._open: list[Settled] = []
        self._pieces: list[int] = []
        self._newest = -1

    def open_segment(self, catalogue: Catalogue) -> None:
        """Take readings of these tensors from now on."""
        if self._catalogue is not None and catalogue == self._catalogue:
            return
        self.write()
        self._close_block()
        self._catalogue, self._segment = catalogue, Segment(catalogue)
        text = np.frombuffer(to_json(catalogue), np.uint8)
        blob = self._ink.write("catalogue", text)
        self._database.execute("INSERT INTO segments(blob) VALUES (?)", (blob,))
        self._row = int(self._database.execute("SELECT last_insert_rowid()").fetchone()[0])

    def add(self, step: int, reading: Reading) -> None:
        """Take a reading; a second one of the newest step replaces the first, unless that is on disk already."""
        if self._new and self._new[-1][0] == step:
            self._new.pop()
        elif step <= self._newest:
            return
        self._new.append((step, reading))
        self._newest = step

    def write(self) -> None:
        """Write what was added since; when that fills a block, join the pieces."""
        if not self._new:
            return
        for width, group in groupby(_settled(self._new), key=lambda taken: taken[1].n_neuron_values):
            readings = list(group)
            if self._open and self._open[0][1].n_neuron_values != width:
                self._close_block()
            self._open += readings
            if len(self._open) < self._block(width):
                self._pieces.append(self._insert_piece(readings))
            else:
                self._close_block()
        self._new = []

    def _block(self, width: int) -> int:
        """Return how many readings make a block."""
        n_bytes = 8 * len(COLUMNS) * max(self._segment.n_specs, 1) + 4 * width
        return min(MAX_BLOCK, max(MIN_BLOCK, BLOCK_BYTES // n_bytes))

    def _close_block(self) -> None:
        """Put a block in the place of its pieces."""
        for piece in self._pieces:
            blobs = "SELECT blob FROM parts WHERE vitals = ? UNION SELECT steps FROM vitals WHERE id = ?"
            self._database.execute(f"DELETE FROM blobs WHERE id IN ({blobs})", (piece, piece))
            self._database.execute("DELETE FROM parts WHERE vitals = ?", (piece,))
            self._database.execute("DELETE FROM vitals WHERE id = ?", (piece,))
        size = self._block(self._open[0][1].n_neuron_values) if self._open else 1
        for start in range(0, len(self._open), size):
            self.insert_block(*_stacked(self._open[start : start + size]))
        self._open, self._pieces = [], []

    def insert_block(
        self, steps: npt.NDArray[np.int64], tables: npt.NDArray[np.float64], neurons: npt.NDArray[Any]
    ) -> None:
        """Write readings so that one statistic of all of them is one blob, and so are the neurons of one tensor."""
        row = self._insert(steps, neurons.shape[1], joined=True)
        for part in range(tables.shape[2]):
            self._part(row, part, np.ascontiguousarray(tables[:, :, part].T))
        if neurons.shape[1]:
            for index, place in enumerate(self._segment.neurons.values()):
                self._part(row, len(COLUMNS) + index, np.ascontiguousarray(neurons[:, place].T))

    def _insert_piece(self, readings: Sequence[Settled]) -> int:
        steps, tables, neurons = _stacked(readings)
        row = self._insert(steps, neurons.shape[1], joined=False)
        self._part(row, 0, tables)
        self._part(row, 1, neurons)
        return row

    def _insert(self, steps: npt.NDArray[np.int64], width: int, *, joined: bool) -> int:
        first, last = int(steps[0]), int(steps[-1])
        blob = self._ink.write(f"vital steps {first} {last}", steps)
        row = (self._row, first, last, steps.size, width, blob, int(joined))
        statement = "INSERT INTO vitals(segment, first, last, n, width, steps, joined, checksum) VALUES"
        self._database.execute(f"{statement} (?, ?, ?, ?, ?, ?, ?, ?)", (*row, checksum(*row)))
        return int(self._database.execute("SELECT last_insert_rowid()").fetchone()[0])

    def _part(self, row: int, part: int, array: npt.NDArray[Any]) -> None:
        blob = self._ink.write(f"vitals {row} {part}", array)
        self._database.execute("INSERT INTO parts VALUES (?, ?, ?)", (row, part, blob))


def _settled(taken: Sequence[Taken]) -> list[Settled]:
    """Compute what readings have left for later, of each kind at once."""
    settled: list[Settled] = []
    for kind, group in groupby(taken, key=lambda item: type(item[1])):
        steps, readings = zip(*group, strict=True)
        settled += zip(steps, kind.settle(readings), strict=True)
    return settled


def _stacked(
    readings: Sequence[Settled],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[Any]]:
    steps, settled = zip(*readings, strict=True)
    tables, neurons = [reading.table for reading in settled], [reading.neurons for reading in settled]
    return np.array(steps, np.int64), np.stack(tables), np.stack(neurons)
