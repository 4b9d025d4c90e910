"""Whole tensors by step, and the memory that they hold."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nnviz_widgets.core.deferred import Deferred
from nnviz_widgets.core.numeric import is_numeric
from nnviz_widgets.core.thinning import SLACK, drop_order
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import TensorKey

    Held = npt.NDArray[Any] | Deferred

STEP_BYTES = 350
"""What Python spends on a kept step: its object, two dictionaries, its place in the index."""

ARRAY_BYTES = 220
"""What it spends on an array beside the numbers: the array's header and its places in three dictionaries."""

LABEL_BYTES = 64
"""What it spends on a label of a few letters."""

_COPIED_BYTES = 16 << 10
"""Arrays up to this size are copied out of memory that is not numpy's, where each keeps about 1 kB more alive."""


class Tensors(Protocol):
    """Whole tensors by step, wherever they are."""

    def __len__(self) -> int:
        """Count the steps."""

    def steps(self, key: TensorKey) -> Sequence[int]:
        """List the steps under which a tensor is kept, ascending."""

    def array(self, key: TensorKey, step: int) -> Held:
        """Look up one of them."""

    def labels(self, step: int) -> tuple[str, ...]:
        """Read the texts of the samples of a step."""

    def known(self) -> Sequence[TensorKey]:
        """List the tensors of which some step may be kept."""

    def pinned(self, step: int) -> bool:
        """Tell whether a step stays however old it gets."""


@dataclass(slots=True)
class _KeptStep:
    """What is kept of one step."""

    ordinal: int
    arrays: dict[TensorKey, Held] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    pinned: bool = False


class TensorStore:
    """Arrays under steps and keys, thinned by whole steps. The caller holds the lock.

    Memory is counted by buffer: an array kept under several keys or steps, or two views of one array, counts once, and
    is free only when the last of them is dropped. What Python spends on steps, arrays and labels counts too: of tensors
    of a few values it is nearly all.

    Attributes:
        n_bytes: Memory held.
        n_dropped: How many steps were dropped to stay within it.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.n_bytes = 0
        self.n_dropped = 0
        self._kept: dict[int, _KeptStep] = {}
        self._steps_of: dict[TensorKey, list[int]] = {}
        self._uses: dict[int, int] = {}
        self._n_added = 0

    def __len__(self) -> int:
        """Count the kept steps."""
        return len(self._kept)

    def add(
        self, step: int, arrays: Mapping[TensorKey, Held], labels: tuple[str, ...], pinned: bool
    ) -> dict[TensorKey, Held]:
        """Keep arrays under a step, beside those that are there; the same key again replaces its array.

        Returns:
            The arrays as they are kept, read-only.
        """
        numbers = {key: _settled(array) for key, array in arrays.items()}
        for key, array in numbers.items():
            check_dtype(key, array)
        kept = self._kept.get(step)
        if kept is None:
            kept = self._kept[step] = _KeptStep(self._n_added)
            self._n_added += 1
            self.n_bytes += STEP_BYTES
        if labels:
            self.n_bytes += LABEL_BYTES * (len(labels) - len(kept.labels))
            kept.labels = labels
        kept.pinned = kept.pinned or pinned
        for key, array in numbers.items():
            self._hold(array)
            replaced = kept.arrays.get(key)
            kept.arrays[key] = array
            if replaced is None:
                self.n_bytes += ARRAY_BYTES
                insort(self._steps_of.setdefault(key, []), step)
            else:
                self._release(replaced)
        return numbers

    def steps(self, key: TensorKey) -> Sequence[int]:
        """List the steps under which a tensor is kept, ascending."""
        return self._steps_of.get(key, ())

    def array(self, key: TensorKey, step: int) -> Held:
        """Look up an array that is kept, or what becomes one when it is read, which takes too long for the lock."""
        return self._kept[step].arrays[key]

    def labels(self, step: int) -> tuple[str, ...]:
        """Read what `add` was given as labels, empty if the step is not kept."""
        kept = self._kept.get(step)
        return () if kept is None else kept.labels

    def known(self) -> Sequence[TensorKey]:
        """List the tensors of which some step was kept."""
        return list(self._steps_of)

    def pinned(self, step: int) -> bool:
        """Tell whether a step stays however old it gets."""
        kept = self._kept.get(step)
        return kept is not None and kept.pinned

    def thin(self, limit: int) -> None:
        """Drop steps while more than `limit` bytes are held; never step 0, a pinned step or the newest."""
        if self.n_bytes <= limit or not self._kept:
            return
        newest = max(self._kept)
        droppable = sorted(
            (kept.ordinal, step)
            for step, kept in self._kept.items()
            if not (kept.pinned or step == 0 or step == newest)
        )
        enough = limit - int(limit * SLACK)
        for index in drop_order([ordinal for ordinal, _ in droppable], self._n_added - 1):
            if self.n_bytes <= enough:
                break
            self._drop(droppable[index][1])

    def _drop(self, step: int) -> None:
        kept = self._kept.pop(step)
        self.n_dropped += 1
        self.n_bytes -= STEP_BYTES + ARRAY_BYTES * len(kept.arrays) + LABEL_BYTES * len(kept.labels)
        for key, array in kept.arrays.items():
            steps = self._steps_of[key]
            del steps[bisect_left(steps, step)]
            self._release(array)

    def _hold(self, array: Held) -> None:
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
        buffer = _buffer(array)
        uses = self._uses.get(id(buffer), 0)
        self._uses[id(buffer)] = uses + 1
        if not uses:
            self.n_bytes += _held_bytes(buffer)

    def _release(self, array: Held) -> None:
        buffer = _buffer(array)
        uses = self._uses[id(buffer)] - 1
        if uses:
            self._uses[id(buffer)] = uses
        else:
            del self._uses[id(buffer)]
            self.n_bytes -= _held_bytes(buffer)


def check_dtype(key: TensorKey, array: Held) -> None:
    """Refuse what is not a number: text, objects, times, structures.

    Raises:
        InvalidArgumentError: Names the tensor and the dtype.
    """
    if is_numeric(array.dtype):
        return
    raise InvalidArgumentError(
        f"Tensors must be numeric to be recorded. Received: {key.kind} of layer `{key.layer}` with dtype "
        f"{array.dtype.name}. Leave the layer out with `Probe(layers=...)`."
    )


def _owner(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Find the array that owns the memory, which a view keeps alive in full."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _buffer(held: Held) -> Held:
    return held if isinstance(held, Deferred) else _owner(held)


def _settled(held: Held) -> Held:
    """Copy a small array of another library, such as TensorFlow, whose own objects would stay alive with it."""
    if isinstance(held, Deferred):
        return held
    array = np.asarray(held)  # a scalar that comes as a numpy number becomes an array of shape ()
    foreign = _owner(array).base is not None
    return array.copy() if foreign and array.nbytes <= _COPIED_BYTES else array


def _held_bytes(buffer: Held) -> int:
    """Count the bytes from first to last element: a broadcast array spans fewer than its size says.

    What is still on a device counts as if it was read, so that reading it needs no memory that was not counted.
    """
    if isinstance(buffer, Deferred):
        return buffer.nbytes if buffer.readable else 0
    if not buffer.size:
        return 0
    lengths_and_strides = zip(buffer.shape, buffer.strides, strict=True)
    span = sum((length - 1) * abs(stride) for length, stride in lengths_and_strides)
    return int(buffer.itemsize + span)
