"""An array as bytes that tell when they are not what was written.

Bytes of one place in their numbers are laid side by side, as *planes*: exponents compress, last digits do not. Large
planes are compressed each by itself, as far as that pays (`planes`), small ones together. A tensor that changes little
is stored as what differs from an earlier one, its *base*.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from threading import local
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from nnviz_widgets.core.storage.planes import Damaged, Plan, Tools, joined, unpacked, unzipped

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_BYTES = 900_000_000
"""Of one array before it is compressed: SQLite's blobs end at 1e9 bytes."""

MAX_AXES = 32
"""What every numpy can have."""

DIFFERENCE, SHUFFLED, COMPRESSED, PLANES = 1, 2, 4, 8
"""What was done to the bytes, in this order; added up they are a blob's `coding`, with one of the last two at most."""

_SHAPE = re.compile(r"(\d{1,18}(,\d{1,18})*)?", re.ASCII)

_TINY = 128
"""Bytes below which nothing is gained."""

PLANE_BYTES = 4096
"""Planes from this size on are compressed each by itself."""

_OF_ML_DTYPES = [
    name for name in dir(ml_dtypes) if re.fullmatch(r"bfloat16|u?int[124]|float[468]_[a-z0-9]+", name)
]  # fmt: skip
_OF_NUMPY = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32"),
    *("float64", "float96", "float128", "complex64", "complex128", "complex192", "complex256"),
)
DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in _OF_NUMPY if hasattr(np, name) or name == "bool"}
DTYPES.update((name, np.dtype(getattr(ml_dtypes, name))) for name in _OF_ML_DTYPES)
"""Every dtype that a blob can have, by name. No other is ever made of what a file says."""


@dataclass(frozen=True, slots=True)
class Blob:
    """One stored array.

    Attributes:
        dtype: A name of `DTYPES`.
        shape: Lengths of the axes with commas between, empty for a scalar.
        size: How many bytes the array has.
        coding: What was done to them.
        crc: CRC-32 of the array's bytes.
        data: What is stored.
    """

    dtype: str
    shape: str
    size: int
    coding: int
    crc: int
    data: bytes

    def check(self, tag: str) -> int:
        """Return the CRC-32 of everything that is stored, and of whom it is stored for.

        Args:
            tag: Says whose the blob is, so that no other can stand in its place.
        """
        head = f"{tag}|{self.dtype}|{self.shape}|{self.size}|{self.coding}|{self.crc}"
        return zlib.crc32(self.data, zlib.crc32(head.encode()))


@lru_cache(maxsize=256)
def _name(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype, which numpy makes up anew each time."""
    return str(dtype.name)


def can_store(dtype: np.dtype[Any]) -> bool:
    """Whether arrays of a dtype can be stored."""
    return _name(dtype) in DTYPES


def raw_bytes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return the bytes of an array in C order, little end first; a view where it can be one."""
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


class Encoder:
    """Makes blobs, on any threads."""

    def __init__(self) -> None:
        """Set up nothing yet: each thread has tools of its own."""
        self._own = local()

    @property
    def _tools(self) -> Tools:
        try:
            tools: Tools = self._own.tools
        except AttributeError:
            tools = self._own.tools = Tools()
        return tools

    def encode(
        self, array: npt.NDArray[Any], base: npt.NDArray[np.uint8] | None = None, plan: Plan | None = None
    ) -> Blob:
        """Make a blob of an array.

        Args:
            array: Any shape, of a dtype of `DTYPES`.
            base: The `raw_bytes` of an earlier array of this dtype and shape, to store the difference from.
            plan: What paid for arrays like it before, and is noted for those to come.
        """
        raw = raw_bytes(array)
        name, itemsize, coding = _name(array.dtype), array.dtype.itemsize, 0
        crc = zlib.crc32(raw.data)
        if base is not None:
            raw, coding = np.bitwise_xor(raw, base, out=self._tools.scratch("difference", raw.size)), DIFFERENCE
        shape = ",".join(map(str, array.shape))
        if raw.size < _TINY:
            return Blob(name, shape, raw.size, coding, crc, raw.tobytes())
        data, done = self._packed(raw, itemsize, plan or Plan())
        return Blob(name, shape, raw.size, coding | done, crc, data)

    def _packed(self, raw: npt.NDArray[np.uint8], itemsize: int, plan: Plan) -> tuple[bytes, int]:
        """Return bytes as they are stored, and what was done to them."""
        tools = self._tools
        if raw.size >= PLANE_BYTES * itemsize:
            data, done = joined(tools.planes(raw, itemsize), plan, tools), PLANES
        else:
            data, done = plan.small(raw, lambda: tools.small(tools.planes(raw, itemsize))) or b"", COMPRESSED
        if not 0 < len(data) < raw.size:
            return raw.tobytes(), 0
        return data, done | (SHUFFLED if itemsize > 1 else 0)


@lru_cache(maxsize=1024)
def _lengths(dtype: str, text: str) -> tuple[tuple[int, ...], int]:
    """Return the shape that a text says, and how many bytes an array of it has."""
    if dtype not in DTYPES:
        raise Damaged(f"its dtype is no number's: {dtype!r:.60}")
    if not isinstance(text, str) or not _SHAPE.fullmatch(text) or text.count(",") >= MAX_AXES:
        raise Damaged(f"its shape is none: {text!r:.60}")
    shape = tuple(int(length) for length in text.split(",")) if text else ()
    if math.prod(max(n, 1) for n in shape) > 1 << 62:
        raise Damaged(f"its shape is too large: {text:.60}")
    return shape, math.prod(shape) * DTYPES[dtype].itemsize


def shape_of(blob: Blob, max_bytes: int = MAX_BYTES) -> tuple[int, ...]:
    """Return the shape of a blob whose head makes sense. Nothing is allocated before this was asked.

    Raises:
        Damaged: If the head is not one that `Encoder` makes.
    """
    shape, size = _lengths(blob.dtype, blob.shape)
    if size != blob.size or size > max_bytes:
        raise Damaged(f"its shape ({blob.shape:.60}) of {blob.dtype} needs {size} bytes, not {blob.size!r:.30}")
    known = isinstance(blob.coding, int) and 0 <= blob.coding < 12  # not both compressed and planes
    if not known or not isinstance(blob.data, bytes):
        raise Damaged(f"its coding is unknown: {blob.coding!r:.30}")
    return shape


def decode(blob: Blob, base: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[Any]:
    """Return the array that a blob was made of, bit for bit; it is read-only.

    Args:
        blob: What was stored.
        base: The bytes that it differs from, if it is a difference.

    Raises:
        Damaged: If it is not what was written.
    """
    shape, dtype = shape_of(blob), DTYPES[blob.dtype]
    raw = _unpacked(blob, dtype.itemsize)
    if blob.coding & DIFFERENCE:
        if base is None or base.size != raw.size:
            raise Damaged("what it differs from is missing")
        raw = np.bitwise_xor(raw, base)
    if zlib.crc32(raw.data) != blob.crc:
        raise Damaged("its values do not fit their checksum")
    array = raw.view(dtype).reshape(shape)
    array.flags.writeable = False
    return array


def _unpacked(blob: Blob, itemsize: int) -> npt.NDArray[np.uint8]:
    """Return the bytes before they were packed, of which there are as many as the head says."""
    n_planes = itemsize if blob.coding & SHUFFLED else 1
    if blob.coding & PLANES:
        return unpacked(blob.data, n_planes, blob.size)
    data = unzipped(blob.data, blob.size) if blob.coding & COMPRESSED else blob.data
    if len(data) != blob.size:
        raise Damaged(f"it holds {len(data)} bytes instead of {blob.size}")
    return np.frombuffer(data, np.uint8).reshape(n_planes, -1).T.reshape(-1)
