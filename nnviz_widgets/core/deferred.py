"""A tensor that stays where it is, such as on a GPU, until somebody asks for its values."""

from __future__ import annotations

import math
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

MAX_COPY_BYTES = 1 << 30
"""A larger tensor is not copied from a device whole: it would take seconds, and as much memory again."""


class Deferred:
    """A tensor of another library, read when it is first asked for.

    It stands in a recording for the array that it becomes. What it leads to must never change. Once it was read whole,
    the values stay and what they were read from is let go.

    Attributes:
        shape: As of an array.
        dtype: As of an array.
    """

    __slots__ = ("_array", "_fetch", "_lock", "dtype", "shape")

    def __init__(self, shape: Sequence[int], dtype: npt.DTypeLike, fetch: Callable[[Any], Any] | None) -> None:
        """Note what is known before it is read.

        Args:
            shape: Its shape.
            dtype: Its dtype.
            fetch: Returns the part at an index of any form that the tensor takes, `...` for all of it; `None` if the
                tensor was too large to be kept at all.
        """
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._fetch = fetch
        self._array: npt.NDArray[Any] | None = None
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """How many bytes the values take, read or not."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def kept(self) -> bool:
        """Whether at least parts of it can be read."""
        return self._fetch is not None or self._array is not None

    @property
    def readable(self) -> bool:
        """Whether it may be read whole."""
        return self.kept and self.nbytes <= MAX_COPY_BYTES

    def read(self) -> npt.NDArray[Any]:
        """Return all values, read-only; they are fetched once."""
        with self._lock:
            if self._array is None:
                array = self._fetched(...)
                array.flags.writeable = False
                self._array, self._fetch = array, None
            return self._array

    def part(self, index: Any) -> npt.NDArray[Any]:
        """Return the values at an index; of a tensor that was not read yet, no others are fetched."""
        with self._lock:
            part: npt.NDArray[Any] = self._fetched(index) if self._array is None else self._array[index]
            return part

    def _fetched(self, index: Any) -> npt.NDArray[Any]:
        if self._fetch is None:
            raise ValueError(f"A tensor that was not kept cannot be read. Received: one of shape {self.shape}.")
        return np.asarray(self._fetch(index))
