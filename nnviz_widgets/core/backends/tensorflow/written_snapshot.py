"""A snapshot in a file, for the process that wrote it: everything large lies there, byte for byte."""

from __future__ import annotations

import pickle
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot

_HELD_BYTES = 3_000
"""What Python spends on a snapshot whose values are in a file."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A tensor in the file.

    Attributes:
        dtype: Of numpy; `None` of strings, which lie there as TensorFlow serializes them.
        shape: As of the tensor.
        n_bytes: In the file.
    """

    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]
    n_bytes: int


@dataclass(frozen=True, slots=True)
class WrittenSnapshot:
    """A snapshot without what lies in its file. What is asked of it before going back is at hand.

    Attributes:
        n_bytes: Memory that is held.
        light: The snapshot without values, batch and random streams.
    """

    n_bytes: int
    light: Snapshot
    _parts: Sequence[_Part]
    _n_values: int
    _batch: Any
    _checksum: int

    @property
    def place(self) -> int:
        """As in `Snapshot`."""
        return self.light.place

    @classmethod
    def of(cls, snapshot: Snapshot, path: Path) -> WrittenSnapshot:
        """Write a snapshot to a file.

        Raises:
            OSError: If the disk does not take it.
        """
        batch = None if snapshot.output is None else snapshot.output.batch
        leaves = tf.nest.flatten(batch, expand_composites=True)
        tensors = [*snapshot._values, *(leaf for leaf in leaves if tf.is_tensor(leaf))]
        parts, checksum = [], 0
        with path.open("wb") as file:
            for tensor in tensors:
                part, data = _as_bytes(tensor)
                checksum = zlib.crc32(data, checksum)
                file.write(data)
                parts.append(part)
            streams = pickle.dumps(snapshot.streams)
            checksum = zlib.crc32(streams, checksum)
            file.write(streams)
        output = None if snapshot.output is None else replace(snapshot.output, batch=None)
        light = replace(snapshot, _values=(), output=output, streams=None)  # type: ignore[arg-type]
        return cls(_HELD_BYTES, light, parts, len(snapshot._values), _Structure.of(batch), checksum)

    def read(self, path: Path) -> Snapshot:
        """Return the snapshot as it was.

        Raises:
            OSError: If the file is gone, or is not what was written.
        """
        data = path.read_bytes()
        if zlib.crc32(data) != self._checksum:
            raise OSError(f"the file of a snapshot is damaged: {path.name}")
        view, tensors, start = memoryview(data), [], 0
        for part in self._parts:
            tensors.append(_of_bytes(part, view[start : start + part.n_bytes]))
            start += part.n_bytes
        values, leaves = tensors[: self._n_values], tensors[self._n_values :]
        output = self.light.output
        if output is not None:
            output = replace(output, batch=self._batch.filled(leaves))
        return replace(self.light, _values=values, output=output, streams=pickle.loads(view[start:]))


@dataclass(frozen=True, slots=True)
class _Structure:
    """A batch without its tensors."""

    specs: Any
    leaves: tuple[Any, ...]

    @classmethod
    def of(cls, batch: Any) -> _Structure:
        """Take the tensors out of a batch."""
        specs = tf.nest.map_structure(
            lambda leaf: tf.type_spec_from_value(leaf) if _is_of_tensors(leaf) else leaf, batch
        )
        leaves = tuple(
            _TENSOR if tf.is_tensor(leaf) else leaf for leaf in tf.nest.flatten(batch, expand_composites=True)
        )
        return cls(specs, leaves)

    def filled(self, tensors: list[tf.Tensor]) -> Any:
        """Return the batch with its tensors."""
        each = iter(tensors)
        flat = [next(each) if leaf is _TENSOR else leaf for leaf in self.leaves]
        return tf.nest.pack_sequence_as(self.specs, flat, expand_composites=True)


_TENSOR = object()


def _is_of_tensors(leaf: Any) -> bool:
    return tf.is_tensor(leaf) or hasattr(leaf, "_type_spec")


def _as_bytes(tensor: tf.Tensor) -> tuple[_Part, Any]:
    array = np.ascontiguousarray(tensor.numpy())
    if array.dtype == object:
        data = tf.io.serialize_tensor(tensor).numpy()
        return _Part(None, (), len(data)), data
    return _Part(array.dtype, tuple(tensor.shape), array.nbytes), array.reshape(-1).view(np.uint8)


def _of_bytes(part: _Part, data: memoryview) -> tf.Tensor:
    if part.dtype is None:
        return tf.io.parse_tensor(bytes(data), tf.string)
    return tf.constant(np.frombuffer(data, np.uint8).view(part.dtype).reshape(part.shape))
