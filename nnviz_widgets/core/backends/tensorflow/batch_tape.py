"""The batches that a training has taken from data that come once, kept so that they can come again.

They are the tensors that the step was given, no copies. A *place* on the tape counts everything that came: batches,
and ends of epochs.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from nnviz_widgets.core.thinning import SLACK

if TYPE_CHECKING:
    from collections.abc import Iterable

_HELD_BYTES = 700
"""What Python and TensorFlow spend on a tensor of a batch beside its values."""


class End(Enum):
    """How an epoch came to its end."""

    COUNTED = "all its batches were there"
    RAN_OUT = "another batch was asked for, and there was none"


class BatchTape:
    """What came from the data, the newest within a number of bytes.

    Args:
        budget: Bytes that the batches may hold. The newest stays whatever it needs.

    Attributes:
        first: The place of the oldest that is kept.
        place: The place of what comes next; `end` where that is not on the tape yet.
        gave_up: Whether batches were let go because there were too many.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._kept: list[Any] = []
        self._bytes_until: list[int] = []
        self._bytes_before = 0
        self._total = 0
        self._marked = 0
        self.first = 0
        self.place = 0
        self.gave_up = False

    @property
    def end(self) -> int:
        """The place after the newest."""
        return self.first + len(self._kept)

    @property
    def n_bytes(self) -> int:
        """Memory that the batches hold."""
        return self._total - self._bytes_before

    @property
    def needs_mark(self) -> bool:
        """Whether a snapshot is to be taken, before batches are let go that lead here from the last one."""
        return self._bytes_at(self.place) - self._marked > self._budget // 2

    def mark(self) -> None:
        """Take note that a snapshot was taken at `place`."""
        self._marked = self._bytes_at(self.place)

    def reaches(self, place: int) -> bool:
        """Whether all that came after a place is there."""
        return place >= self.first

    def at_place(self) -> Any:
        """Return what comes next: a batch, or an `End`."""
        return self._kept[self.place - self.first]

    def add(self, what: Any) -> None:
        """Keep what came at the end: a batch, or an `End`."""
        if not isinstance(what, End):
            self._total += n_bytes_of(what)
        self._bytes_until.append(self._total)
        self._kept.append(what)
        self.place = self.end
        if self._total - self._bytes_before > self._budget:
            self._thin()

    def go_to(self, place: int) -> None:
        """Let what came after a place come next, which must be reached."""
        self.place = place
        self.mark()

    def let_go(self, places: Iterable[int]) -> None:
        """Let go of what no snapshot leads to.

        Args:
            places: Where snapshots were taken.
        """
        if self.gave_up:
            oldest = min((place for place in places if self.reaches(place)), default=self.first)
            self._drop(min(oldest, self.place) - self.first)

    def forget(self) -> None:
        """Let go of everything: the data begin anew, and no place of before is reached any more."""
        self._drop(len(self._kept))
        self.first = self.place = self.first + 1
        self.mark()

    def _bytes_at(self, place: int) -> int:
        """Return how many bytes came before a place."""
        index = place - self.first
        return self._bytes_until[index - 1] if index else self._bytes_before

    def _thin(self) -> None:
        enough = self._budget - int(self._budget * SLACK)
        n = bisect_left(self._bytes_until, self._total - enough) + 1
        self.gave_up = True
        self._drop(min(n, len(self._kept) - 1))

    def _drop(self, n: int) -> None:
        if n:
            self._bytes_before = self._bytes_until[n - 1]
            del self._kept[:n], self._bytes_until[:n]
            self.first += n


def n_bytes_of(batch: Any) -> int:
    """Return how many bytes a batch of tensors, nearly always a tuple of them, holds. It is asked at every step."""
    n_bytes = 0
    for part in batch if type(batch) is tuple else (batch,):
        leaves = (part,) if isinstance(part, tf.Tensor) else tf.nest.flatten(part, expand_composites=True)
        for leaf in leaves:
            if isinstance(leaf, tf.Tensor):
                n_bytes += _HELD_BYTES + leaf._num_elements() * _size_of(leaf._datatype_enum())
    return n_bytes


@cache
def _size_of(number: int) -> int:
    """Return the bytes of one value of a type of TensorFlow's, which takes as long to find as to count a batch."""
    return int(tf.dtypes.as_dtype(number).size)
