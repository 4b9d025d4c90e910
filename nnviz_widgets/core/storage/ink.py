"""From arrays to rows: what the tables have in common, and tensors by their differences."""

from __future__ import annotations

import json
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from nnviz_widgets.core.storage.blobs import Encoder, raw_bytes
from nnviz_widgets.core.storage.planes import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

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

LANE_BYTES = 32 << 10
"""Tensors from this size on are compressed by other threads."""

N_THREADS = min(4, os.cpu_count() or 1)

ROW_BYTES = 100
"""What a stored array takes beside its bytes, more or less."""

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
    """A tensor that the next ones may be stored as differences from.

    Attributes:
        raw: Its bytes, `None` where differences do not pay.
        like: Its dtype and shape.
        row: Its blob, once it is written, which is before any difference from it is.
        n: How many tensors came since.
        tried: Whether it is known that differences pay.
        plan: What pays for the differences.
        made: How many differences were encoded; only the thread that encodes counts them.
        written: How many of them are written; only the thread that writes counts them.
    """

    raw: npt.NDArray[np.uint8] | None
    like: tuple[np.dtype[Any], tuple[int, ...]]
    row: int = -1
    n: int = 0
    tried: bool = False
    plan: Plan = field(default_factory=Plan)
    made: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Encoded:
    """A tensor as it will be written.

    Attributes:
        blob: Its bytes.
        base: What it differs from, `None` if it is whole.
        becomes: What is to know its row, if it is a base.
    """

    blob: Blob
    base: _Base | None = None
    becomes: _Base | None = None


class Ink:
    """Writes blobs through one connection, inside the caller's transaction.

    Compressing takes most of the time. It is done ahead by a few threads, while earlier tensors are written; all
    tensors of one key by the same thread, in their order, since one may be the base of the next.

    Attributes:
        stored_bytes: How many bytes of arrays were stored.
    """

    def __init__(self, database: Any) -> None:
        """Write to `database`."""
        self._database = database
        self._encoder = Encoder()
        self.stored_bytes = 0
        self._bases: dict[TensorKey, _Base] = {}
        self._needed: list[_Base] = []
        self._plans: dict[TensorKey, Plan] = {}
        self._next = 1 + int(database.execute("SELECT coalesce(max(id), 0) FROM blobs").fetchone()[0])
        self._lanes: list[ThreadPoolExecutor] = []
        self._lane_of: dict[TensorKey, int] = {}
        self._loads = [0] * N_THREADS

    @property
    def bases(self) -> set[int]:
        """The blobs that later ones may refer to: of each key the newest, and others that wait for what was encoded."""
        newest = {id(base) for base in list(self._bases.values())}  # asked first, as it may be replaced meanwhile
        self._needed = [base for base in self._needed if id(base) in newest or base.made > base.written]
        return {base.row for base in self._needed if base.raw is not None}

    def write(self, tag: str, array: npt.NDArray[Any]) -> int:
        """Store an array and return its row."""
        return self._insert(tag, self._encoder.encode(array), None)

    def encode_soon(self, key: TensorKey, array: npt.NDArray[Any]) -> Callable[[], Encoded]:
        """Begin to encode a tensor, and return what waits for it."""
        if array.nbytes >= LANE_BYTES:
            try:
                return self._lane(key, array.nbytes).submit(self._encode, key, array).result
            except RuntimeError:  # the interpreter ends, and starts no threads any more
                pass
        encoded = self._encode(key, array)
        return lambda: encoded

    def write_tensor(self, key: TensorKey, step: int, encoded: Encoded) -> int:
        """Store an encoded tensor and return its row; those of one key come in the order of `encode_soon`."""
        row = self._insert(tensor_tag(key, step), encoded.blob, None if encoded.base is None else encoded.base.row)
        if encoded.base is not None:
            encoded.base.written += 1
        if encoded.becomes is not None:
            encoded.becomes.row = row
        return row

    def _lane(self, key: TensorKey, n_bytes: int) -> ThreadPoolExecutor:
        """Return the thread of a key: at first the one that has least to do."""
        if not self._lanes:
            self._lanes = [ThreadPoolExecutor(1, "nnviz writer's") for _ in range(N_THREADS)]
        if key not in self._lane_of:
            lane = self._lane_of[key] = self._loads.index(min(self._loads))
            self._loads[lane] += n_bytes
        return self._lanes[self._lane_of[key]]

    def _encode(self, key: TensorKey, array: npt.NDArray[Any]) -> Encoded:
        """Encode a tensor, as a difference where that is smaller."""
        if array.nbytes < SMALL_BYTES:
            return Encoded(self._encode_whole(key, array))
        base = self._bases.get(key)
        if base is None or base.like != (array.dtype, array.shape):
            return self._encode_base(key, array)
        base.n += 1
        if base.raw is None:
            return self._encode_base(key, array) if base.n > RETRY else Encoded(self._encode_whole(key, array))
        if base.n > DIFFERENCES:
            return self._encode_base(key, array)
        blob = self._encoder.encode(array, base.raw, base.plan)
        if not base.tried:
            base.tried = True
            whole = self._encode_whole(key, array)
            if len(blob.data) > PAYS * len(whole.data):
                base.raw = None
                return Encoded(whole)
        base.made += 1
        return Encoded(blob, base)

    def _encode_whole(self, key: TensorKey, array: npt.NDArray[Any]) -> Blob:
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = Plan()
        return self._encoder.encode(array, None, plan)

    def _encode_base(self, key: TensorKey, array: npt.NDArray[Any]) -> Encoded:
        before = self._bases.get(key)
        base = _Base(raw_bytes(array), (array.dtype, array.shape))
        if before is not None and before.like == base.like:
            base.plan = before.plan
        self._needed.append(base)
        self._bases[key] = base
        return Encoded(self._encode_whole(key, array), None, base)

    def _insert(self, tag: str, blob: Blob, base: int | None) -> int:
        row, self._next = self._next, self._next + 1
        head = (row, base, blob.dtype, blob.shape, blob.size, blob.coding, blob.crc)
        check = blob.check(f"{tag}|{base}")
        self._database.execute("INSERT INTO blobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*head, check, blob.data))
        self.stored_bytes += len(blob.data) + ROW_BYTES
        return row

    def close(self) -> None:
        """End the threads."""
        for lane in self._lanes:
            lane.shutdown(cancel_futures=True)
