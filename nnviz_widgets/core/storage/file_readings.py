"""Vitals that are read from a file when somebody asks, a statistic of a block at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.readings import COLUMNS, Block, Segment, Snapshot
from nnviz_widgets.core.storage.catalogue_json import from_json
from nnviz_widgets.core.storage.ink import checksum
from nnviz_widgets.core.storage.planes import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Catalogue, TensorKey
    from nnviz_widgets.core.readings import Readable
    from nnviz_widgets.core.storage.pages import Pages

_SELECT = "SELECT id, segment, first, last, n, width, steps, joined, checksum FROM vitals"


@dataclass(frozen=True, slots=True)
class FileBlock:
    """Consecutive readings, as `Block` has them, on disk.

    Attributes:
        pages: Where.
        row: Its row.
        segment: What its numbers tell of.
        first: Its first step.
        last: Its last step.
        size: How many readings were written.
        width: How many neuron values a reading has.
        blob: Where its steps are.
        taken: Which of its readings are meant.
    """

    pages: Pages
    row: int
    segment: Segment
    first: int
    last: int
    size: int
    width: int
    blob: int
    taken: slice = field(default_factory=lambda: slice(None))

    @property
    def n(self) -> int:
        """How many readings are meant."""
        return len(range(*self.taken.indices(self.size)))

    @property
    def _what(self) -> str:
        return f"steps {self.first} to {self.last}: the vitals"

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """Shape `(n,)`."""
        tag = f"vital steps {self.first} {self.last}"
        return self._shaped(self.pages.array(self.blob, tag, self._what), (self.size,))[self.taken]

    def rows(self, row: int) -> npt.NDArray[np.float64]:
        """Read all statistics of one tensor: shape `(n, 9)`."""
        return np.stack([self.column(row, index) for index in range(len(COLUMNS))], axis=1)

    def column(self, row: int, index: int) -> npt.NDArray[np.float64]:
        """Read one statistic of one tensor: shape `(n,)`."""
        return self._shaped(self._part(index), (self.segment.n_specs, self.size))[row, self.taken]

    def neuron_values(self, key: TensorKey, columns: slice) -> npt.NDArray[np.floating[Any]]:
        """Read columns of what is kept of the neurons of a tensor: shape `(n, n_columns)`."""
        place = self.segment.neurons[key]
        index = list(self.segment.neurons).index(key)
        values = self._shaped(self._part(len(COLUMNS) + index), (place.stop - place.start, self.size))
        return values[columns, self.taken].T

    def selected(self, stays: slice) -> FileBlock:
        """Mean some of the readings only."""
        start, stop, _ = stays.indices(self.n)
        first = self.taken.indices(self.size)[0]
        chosen = slice(first + start, first + max(start, stop))
        values = (self.row, self.segment, self.first, self.last, self.size, self.width, self.blob)
        return FileBlock(self.pages, *values, chosen)

    def read(self) -> Block:
        """Read all of a piece, whose readings are not laid out by statistic and which goes when a block is full."""
        tables = self._shaped(self._part(0), (self.size, self.segment.n_specs, len(COLUMNS)))
        neurons = self._shaped(self._part(1), (self.size, self.width))
        return Block(self.segment, np.arange(self.size), self.steps, tables, neurons)

    def _part(self, part: int) -> npt.NDArray[Any]:
        rows = self.pages.rows("SELECT blob FROM parts WHERE vitals = ? AND part = ?", (self.row, part))
        if not rows:
            raise self.pages.damaged(self._what, "a part of them is missing")
        return self.pages.array(int(rows[0][0]), f"vitals {self.row} {part}", self._what)

    def _shaped(self, array: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        if array.shape != shape:
            raise self.pages.damaged(self._what, f"their shape is {array.shape} instead of {shape}")
        return array


class FileReadings:
    """The readings of a file: what `Readings` answers, without a number in memory."""

    n_bytes = 0

    def __init__(self, pages: Pages) -> None:
        """Read from `pages`."""
        self._pages = pages
        self._segments: dict[int, Segment] = {}
        self._blocks: dict[int, Readable] = {}
        self.refresh()

    @property
    def catalogue(self) -> Catalogue | None:
        """The newest catalogue, `None` before any."""
        return self._segments[max(self._segments)].catalogue if self._segments else None

    @property
    def catalogues(self) -> list[Catalogue]:
        """All of them, the oldest first."""
        return [self._segments[row].catalogue for row in sorted(self._segments)]

    def refresh(self) -> None:
        """Look for what was written since."""
        self.prepare()()

    def prepare(self) -> Callable[[], None]:
        """Look for what was written since; it can be seen when what is returned is called."""
        self._read_segments()
        blocks = {}
        for row, *values, check in self._pages.rows(_SELECT):
            if row in self._blocks:
                blocks[row] = self._blocks[row]
                continue
            if checksum(*values) != check:
                raise self._pages.damaged("the list of vitals", f"its row {row} does not fit its checksum")
            blocks[row] = self._block(row, *values)

        def show() -> None:
            self._blocks = blocks

        return show

    def _read_segments(self) -> None:
        for row, blob in self._pages.rows("SELECT id, blob FROM segments ORDER BY id"):
            if row not in self._segments:
                text = self._pages.array(blob, "catalogue", "the list of layers")
                try:
                    self._segments[row] = Segment(from_json(text.tobytes()))
                except Damaged as error:
                    raise self._pages.damaged("the list of layers", str(error)) from None

    def _block(
        self, row: int, segment: int, first: int, last: int, n: int, width: int, blob: int, joined: int
    ) -> Readable:
        if segment not in self._segments:
            raise self._pages.damaged(f"steps {first} to {last}", "the list of their layers is missing")
        block = FileBlock(self._pages, row, self._segments[segment], first, last, n, width, blob)
        return block if joined else block.read()

    def snapshot(self) -> Snapshot:
        """Take the state of this moment."""
        return Snapshot(tuple(self._blocks[row] for row in sorted(self._blocks)))

    def thin(self, limit: int) -> None:
        """Do nothing: no memory is held."""
