"""An array as bytes that tell when they are not what was written.

Bytes of one place in their numbers are laid side by side (exponents compress, last digits do not), then zstandard takes
them at its quickest level. A tensor that changes little is stored as what differs from an earlier one, its *base*.
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
import zstandard

if TYPE_CHECKING:
    import numpy.typing as npt

LEVEL = 1
MAX_BYTES = 900_000_000
"""Of one array before it is compressed: SQLite's blobs end at 1e9 bytes."""

MAX_AXES = 32
"""What every numpy can have."""

DIFFERENCE, SHUFFLED, COMPRESSED = 1, 2, 4
"""What was done to the bytes, in this order; added up they are a blob's `coding`."""

_TINY = 128
"""Bytes below which nothing is gained."""

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


class Damaged(Exception):
    """What was read is not what was written. The text says how it was found; who reads adds where."""


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
        """Set up nothing yet: each thread has a compressor of its own."""
        self._own = local()

    def _compress(self, raw: npt.NDArray[np.uint8]) -> bytes:
        compressor = getattr(self._own, "compressor", None)
        if compressor is None:
            compressor = self._own.compressor = zstandard.ZstdCompressor(level=LEVEL)
        return compressor.compress(raw.data)

    def encode(self, array: npt.NDArray[Any], base: npt.NDArray[np.uint8] | None = None) -> Blob:
        """Make a blob of an array.

        Args:
            array: Any shape, of a dtype of `DTYPES`.
            base: The `raw_bytes` of an earlier array of this dtype and shape, to store the difference from.
        """
        raw = raw_bytes(array)
        name, itemsize, coding = _name(array.dtype), array.dtype.itemsize, 0
        crc = zlib.crc32(raw.data)
        if base is not None:
            raw, coding = np.bitwise_xor(raw, base), DIFFERENCE
        shape = ",".join(map(str, array.shape))
        if raw.size < _TINY:
            return Blob(name, shape, raw.size, coding, crc, raw.tobytes())
        if itemsize > 1:
            raw, coding = raw.reshape(-1, itemsize).T.copy(), coding | SHUFFLED
        data = self._compress(raw)
        if len(data) >= raw.size:
            data = raw.tobytes()
        else:
            coding |= COMPRESSED
        return Blob(name, shape, raw.size, coding, crc, data)


def shape_of(blob: Blob, max_bytes: int = MAX_BYTES) -> tuple[int, ...]:
    """Return the shape of a blob whose head makes sense. Nothing is allocated before this was asked.

    Raises:
        Damaged: If the head is not one that `Encoder` makes.
    """
    if blob.dtype not in DTYPES:
        raise Damaged(f"its dtype is no number's: {blob.dtype!r:.60}")
    if not re.fullmatch(r"(\d{1,18}(,\d{1,18})*)?", str(blob.shape), re.ASCII) or blob.shape.count(",") >= MAX_AXES:
        raise Damaged(f"its shape is none: {blob.shape!r:.60}")
    shape = tuple(int(length) for length in blob.shape.split(",")) if blob.shape else ()
    size = math.prod(shape) * DTYPES[blob.dtype].itemsize
    if size != blob.size or not 0 <= size <= max_bytes or math.prod(max(n, 1) for n in shape) > 1 << 62:
        raise Damaged(f"its shape ({blob.shape:.60}) of {blob.dtype} needs {size} bytes, not {blob.size!r:.30}")
    if not isinstance(blob.coding, int) or not 0 <= blob.coding < 8 or not isinstance(blob.data, bytes):
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
    raw = _decompressed(blob)
    if blob.coding & SHUFFLED:
        raw = raw.reshape(dtype.itemsize, -1).T.reshape(-1)  # makes a copy
    if blob.coding & DIFFERENCE:
        if base is None or base.size != raw.size:
            raise Damaged("what it differs from is missing")
        raw = np.bitwise_xor(raw, base)
    if zlib.crc32(raw.data) != blob.crc:
        raise Damaged("its values do not fit their checksum")
    array = raw.view(dtype).reshape(shape)
    array.flags.writeable = False
    return array


def _decompressed(blob: Blob) -> npt.NDArray[np.uint8]:
    """Return the bytes before compression, of which there are as many as the head says."""
    data = blob.data
    if blob.coding & COMPRESSED:
        try:
            # The library allocates what the frame says, so it is asked first.
            said = zstandard.get_frame_parameters(data).content_size
            if said != blob.size:
                raise Damaged(f"it holds {said} bytes instead of {blob.size}")
            data = zstandard.ZstdDecompressor().decompress(data, max_output_size=blob.size)
        except zstandard.ZstdError as error:
            raise Damaged(f"it cannot be decompressed ({error})") from None
    if len(data) != blob.size:
        raise Damaged(f"it holds {len(data)} bytes instead of {blob.size}")
    return np.frombuffer(data, np.uint8)
