"""From arrays to rows: what the tables have in common, and tensors by their differences."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from nnviz_widgets.core.storage.blobs import Encoder, raw_bytes

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.core.storage.blobs import Blob
    from nnviz_widgets.core.storage.options import StoredDtype

DIFFERENCES = 15
"""Tensors in a row that are stored as what differs from the same one, their base: reading any touches two blobs."""

RETRY = 64
"""After so many tensors it is tried again whether differences have become smaller than the tensor itself."""

PAYS = 0.95
"""A difference must be smaller than this share of the whole, since it takes a second blob to read it."""


def checksum(*values: Any) -> int:
    """Return the CRC-32 of numbers and texts of a row."""
    return zlib.crc32(json.dumps(values).encode())


def tensor_tag(key: TensorKey, step: int) -> str:
    """Return what ties a blob to a tensor and its step."""
    return json.dumps((key.layer, key.kind, key.variable, key.output, step))


def rounded(array: npt.NDArray[Any], dtype: StoredDtype) -> npt.NDArray[Any]:
    """Return wider floats as the smaller dtype that was asked for; everything else as it is."""
    if dtype == "float32" or array.dtype.kind != "f" or array.dtype.itemsize <= 2:
        return array
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return array.astype(np.float16 if dtype == "float16" else ml_dtypes.bfloat16)


@dataclass(slots=True)
class _Base:
    """The tensor that the next ones may be stored as differences from.

    Attributes:
        blob: Its row, `None` where differences do not pay.
        raw: Its bytes, then too.
        like: Its dtype and shape.
        n: How many tensors came since.
        tried: Whether it is known that differences pay.
    """

    blob: int
    raw: npt.NDArray[np.uint8] | None
    like: tuple[np.dtype[Any], tuple[int, ...]]
    n: int = 0
    tried: bool = False


class Ink:
    """Writes blobs through one connection, inside the caller's transaction."""

    def __init__(self, database: Any) -> None:
        """Write to `database`."""
        self._database = database
        self._encoder = Encoder()
        self._bases: dict[TensorKey, _Base] = {}
        self._next = 1 + int(database.execute("SELECT coalesce(max(id), 0) FROM blobs").fetchone()[0])

    @property
    def bases(self) -> set[int]:
        """The blobs that later ones may refer to."""
        return {base.blob for base in self._bases.values() if base.raw is not None}

    def write(self, tag: str, array: npt.NDArray[Any]) -> int:
        """Store an array and return its row."""
        return self._insert(tag, self._encoder.encode(array), None)

    def write_tensor(self, key: TensorKey, step: int, array: npt.NDArray[Any]) -> int:
        """Store a tensor, as a difference where that is smaller, and return its row."""
        base = self._bases.get(key)
        if base is not None and base.like == (array.dtype, array.shape):
            base.n += 1
            if base.raw is None and base.n < RETRY:
                return self.write(tensor_tag(key, step), array)
            if base.raw is not None and base.n <= DIFFERENCES:
                return self._write_difference(base, key, step, array)
        row = self.write(tensor_tag(key, step), array)
        self._bases[key] = _Base(row, raw_bytes(array), (array.dtype, array.shape))
        return row

    def _write_difference(self, base: _Base, key: TensorKey, step: int, array: npt.NDArray[Any]) -> int:
        tag = tensor_tag(key, step)
        blob = self._encoder.encode(array, base.raw)
        if not base.tried:
            whole = self._encoder.encode(array)
            base.tried = True
            if len(blob.data) > PAYS * len(whole.data):
                base.raw = None
                return self._insert(tag, whole, None)
        return self._insert(tag, blob, base.blob)

    def _insert(self, tag: str, blob: Blob, base: int | None) -> int:
        row, self._next = self._next, self._next + 1
        head = (row, base, blob.dtype, blob.shape, blob.size, blob.coding, blob.crc)
        check = blob.check(f"{tag}|{base}")
        self._database.execute("INSERT INTO blobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*head, check, blob.data))
        return row
