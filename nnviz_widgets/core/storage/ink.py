"""From arrays to rows: what the tables have in common, and tensors by their differences."""

from __future__ import annotations

import json
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from nnviz_widgets.core.storage.blobs import Encoder, raw_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.core.storage.blobs import Blob
    from nnviz_widgets.core.storage.options import StoredDtype

DIFFERENCES = 15
"""Tensors in a row that are stored as what differs from the same one, their base: reading any touches two blobs."""

RETRY = 64
"""After so many tensors it is tried again whether differences have become smaller than the tensor itself."""

SMALL_BYTES = 4096
"""Smaller tensors are always stored whole: what would be saved is less than what a row takes."""

SHARED_BYTES = 256 << 10
"""The tensors of a step are compressed by more than one thread if they are larger than this."""

N_THREADS = min(4, os.cpu_count() or 1)

PAYS = 0.95
"""A difference must be smaller than this share of the whole, since it takes a second blob to read it."""


def checksum(*values: Any) -> int:
    """Return the CRC-32 of numbers and texts of a row."""
    return zlib.crc32(json.dumps(values).encode())


@lru_cache(maxsize=4096)
def _key_tag(key: TensorKey) -> str:
    return json.dumps((key.layer, key.kind, key.variable, key.output))


def tensor_tag(key: TensorKey, step: int) -> str:
    """Return what ties a blob to a tensor and its step."""
    return f"{_key_tag(key)} {step}"


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
        self._pool: ThreadPoolExecutor | None = None

    @property
    def bases(self) -> set[int]:
        """The blobs that later ones may refer to."""
        return {base.blob for base in self._bases.values() if base.raw is not None}

    def write(self, tag: str, array: npt.NDArray[Any]) -> int:
        """Store an array and return its row."""
        return self._insert(tag, self._encoder.encode(array), None)

    def write_tensors(self, step: int, arrays: Mapping[TensorKey, npt.NDArray[Any]]) -> list[int]:
        """Store the tensors of a step, as differences where that is smaller, and return their rows."""
        rows = []
        for (key, array), (blob, base) in zip(arrays.items(), self._encode_all(arrays), strict=True):
            row = self._insert(tensor_tag(key, step), blob, base)
            rows.append(row)
            if base is None:
                self._renew(key, array, row)
        return rows

    def _encode_all(self, arrays: Mapping[TensorKey, npt.NDArray[Any]]) -> Iterable[tuple[Blob, int | None]]:
        """Encode tensors on several threads where that is worth it: compressing takes most of the time."""
        if sum(array.nbytes for array in arrays.values()) >= SHARED_BYTES:
            try:
                self._pool = self._pool or ThreadPoolExecutor(N_THREADS, "nnviz writer's")
                return self._pool.map(self._encode, arrays, arrays.values())
            except RuntimeError:  # the interpreter ends, and starts no threads any more
                pass
        return map(self._encode, arrays, arrays.values())

    def _encode(self, key: TensorKey, array: npt.NDArray[Any]) -> tuple[Blob, int | None]:
        """Return a blob of a tensor and the row of what it differs from, if that is worth it."""
        base = self._bases.get(key)
        if base is None or base.raw is None or base.n >= DIFFERENCES or base.like != (array.dtype, array.shape):
            return self._encoder.encode(array), None
        blob = self._encoder.encode(array, base.raw)
        base.n += 1
        if not base.tried:
            base.tried = True
            whole = self._encoder.encode(array)
            if len(blob.data) > PAYS * len(whole.data):
                base.raw, base.n = None, 0
                return whole, None
        return blob, base.blob

    def _renew(self, key: TensorKey, array: npt.NDArray[Any], row: int) -> None:
        """After a tensor was stored whole: let the next ones differ from it, where that may be worth it."""
        if array.nbytes < SMALL_BYTES:
            return
        base = self._bases.get(key)
        if base is not None and base.raw is None and base.n < RETRY and base.like == (array.dtype, array.shape):
            base.n += 1
            return
        self._bases[key] = _Base(row, raw_bytes(array), (array.dtype, array.shape))

    def _insert(self, tag: str, blob: Blob, base: int | None) -> int:
        row, self._next = self._next, self._next + 1
        head = (row, base, blob.dtype, blob.shape, blob.size, blob.coding, blob.crc)
        check = blob.check(f"{tag}|{base}")
        self._database.execute("INSERT INTO blobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*head, check, blob.data))
        return row

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
