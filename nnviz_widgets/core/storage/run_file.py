"""A saved session as one file: arrays with checksums, then an index in JSON. Nothing in it is ever executed.

```
magic, blobs one after the other, index (JSON), length of the index (8 bytes), its CRC-32 (4 bytes), magic
```

The index comes last, so that a large model is written piece by piece and never held twice.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.atomic import write_whole
from nnviz_widgets.core.storage.blobs import DTYPES, Blob, Encoder, decode
from nnviz_widgets.core.storage.options import checked_path
from nnviz_widgets.core.storage.planes import Damaged
from nnviz_widgets.errors import NotResumable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike

    import numpy.typing as npt

MAGIC = b"nnviz session 1\n"
PART_BYTES = 64 << 20
"""Of an array, compressed at once."""

_EXAMPLE = "runs/a.session"
_TAIL = struct.Struct("<QI16s")
_FOREIGN = "Received: {path!r}, {why}. Give a file that session.save wrote."


@dataclass(frozen=True, slots=True)
class _Stored:
    """One array of the index: `parts` are its blobs, as (offset, length, bytes decoded, coding, CRC-32, check)."""

    dtype: str
    shape: tuple[int, ...]
    parts: tuple[tuple[int, ...], ...]


class SavedRun:
    """A saved session, whose arrays are read when they are asked for.

    Attributes:
        path: The file.
        facts: Everything but the arrays, plain values of JSON.
    """

    def __init__(self, path: Path, facts: dict[str, Any], stored: dict[str, _Stored]) -> None:
        self.path = path
        self.facts = facts
        self._stored = stored

    @property
    def shapes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Dtype and shape of each array, by name."""
        return {name: (one.dtype, one.shape) for name, one in self._stored.items()}

    def array(self, name: str) -> npt.NDArray[Any]:
        """Read an array, bit for bit as it was.

        Raises:
            NotResumable: If it is not what was written.
        """
        one = self._stored[name]
        try:
            parts = [self._part(name, one, index) for index in range(len(one.parts))]
            flat = np.concatenate(parts) if parts else np.empty(0, DTYPES[one.dtype])
            return flat.reshape(one.shape)
        except (Damaged, OSError, ValueError) as error:
            raise _refusal(self.path, f"in which {name!r} is damaged: {error}") from error

    def _part(self, name: str, one: _Stored, index: int) -> npt.NDArray[Any]:
        offset, length, size, coding, crc, check = one.parts[index]
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        count = size // DTYPES[one.dtype].itemsize
        blob = Blob(one.dtype, str(count), size, coding, crc, data)
        if blob.check(f"{name}|{index}") != check:
            raise Damaged("its bytes do not fit their checksum")
        return decode(blob)


def write_run(path: str | PathLike[str], facts: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a saved session, whole or not at all; a file that is there is replaced.

    Args:
        path: Where; folders that are missing are made.
        facts: Plain values of JSON, floats that are not finite among them.
        arrays: By name, of a dtype of `blobs.DTYPES`.

    Raises:
        OSError: If it cannot be written; `path` is as it was.
    """
    where = checked_path("path", path, _EXAMPLE)
    where.parent.mkdir(parents=True, exist_ok=True)
    write_whole(where, _pieces(dict(facts), arrays))


def _pieces(facts: dict[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Iterator[bytes]:
    yield MAGIC
    encoder, offset = Encoder(), len(MAGIC)
    index: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        flat = np.ascontiguousarray(array).reshape(-1)
        step = max(PART_BYTES // array.dtype.itemsize, 1)
        parts: list[list[int]] = []
        for number, start in enumerate(range(0, flat.size, step)):
            blob = encoder.encode(flat[start : start + step])
            check = blob.check(f"{name}|{number}")
            parts.append([offset, len(blob.data), blob.size, blob.coding, blob.crc, check])
            offset += len(blob.data)
            yield blob.data
        index[name] = {"dtype": array.dtype.name, "shape": list(array.shape), "parts": parts}
    text = json.dumps({"facts": facts, "arrays": index}).encode()
    yield text
    yield _TAIL.pack(len(text), zlib.crc32(text), MAGIC)


def read_run(path: str | PathLike[str]) -> SavedRun:
    """Open a saved session. Only its index is read, and nothing is allocated that the file does not hold.

    Raises:
        FileNotFoundError: If there is no such file.
        NotResumable: If it is no saved session, or damaged.
    """
    where = checked_path("path", path, _EXAMPLE)
    with where.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise _refusal(where, "which is no saved session")
        n_bytes = file.seek(0, 2)
        file.seek(max(n_bytes - _TAIL.size, 0))
        tail = file.read(_TAIL.size)
        length, crc, magic = _TAIL.unpack(tail) if len(tail) == _TAIL.size else (0, 0, b"")
        end = n_bytes - _TAIL.size
        if magic != MAGIC or length > end - len(MAGIC):
            raise _refusal(where, "which was cut off")
        file.seek(end - length)
        text = file.read(length)
    if zlib.crc32(text) != crc:
        raise _refusal(where, "whose index is damaged")
    try:
        index = json.loads(text)
        stored = {str(name): _stored(one, end - length) for name, one in index["arrays"].items()}
        return SavedRun(where, dict(index["facts"]), stored)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _refusal(where, f"whose index makes no sense ({type(error).__name__}: {error})") from error


def _stored(one: dict[str, Any], end: int) -> _Stored:
    """Return an entry of the index, if it can be true of a file whose blobs end at `end`."""
    dtype, shape = one["dtype"], tuple(_count(n) for n in one["shape"])
    parts = tuple(tuple(_count(n) for n in part) for part in one["parts"])
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r:.40}")
    n_values = 1
    for n in shape:
        n_values *= n
    # Each part tells what it holds, and `decode` allocates no more than a part.
    sound = all(len(p) == 6 and p[0] + p[1] <= end and p[2] <= PART_BYTES for p in parts)
    if not sound or sum(p[2] for p in parts) != n_values * DTYPES[dtype].itemsize:
        raise ValueError("the parts of an array do not make it up")
    return _Stored(dtype, shape, parts)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r:.40} is no count")
    return value


def _refusal(path: Path, why: str) -> NotResumable:
    return NotResumable("A session can be resumed from what it saved only. " + _FOREIGN.format(path=str(path), why=why))
