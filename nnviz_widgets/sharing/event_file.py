"""TensorBoard's event files, as bytes: records with checksums, each an `Event` in protocol buffers' encoding.

Written here, so that neither TensorFlow nor TensorBoard need be installed, and a scalar takes about a microsecond.
The numbers of the fields are those of TensorBoard's `event.proto`, `summary.proto`, `tensor.proto` and
`tensor_shape.proto`, which never change; the tests read every file with TensorBoard's own loader.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from nnviz_widgets.sharing.crc32c import crc32c

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

Plugin = Literal["scalars", "histograms", "images"]

_DATA_CLASS: dict[Plugin, int] = {"scalars": 1, "histograms": 2, "images": 3}
"""Of `DataClass`: scalar, tensor, sequence of blobs."""

_DT_FLOAT, _DT_DOUBLE, _DT_STRING = 1, 2, 7
_BLOCK = 1 << 20
"""Bytes of records that are written together."""

_MASK_DELTA = 0xA282EAD8


def _varint(number: int) -> bytes:
    """Encode a whole number from 0: 7 bits a byte, lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _head(field: int, length: int) -> bytes:
    return _varint(field << 3 | 2) + _varint(length)


def _bytes(field: int, content: bytes) -> bytes:
    return _head(field, len(content)) + content


def _text(field: int, text: str) -> bytes:
    # A lone surrogate, as in a name that was no UTF-8, has no encoding.
    return _bytes(field, text.encode("utf-8", "replace"))


_SCALAR = _number(1, _DT_FLOAT) + _bytes(2, b"") + _head(4, 4)
"""A `TensorProto` without axes, but for the 32-bit float that follows: TensorBoard drops scalars of 64 bits."""


def doubles(array: npt.NDArray[np.float64]) -> bytes:
    """Encode an array as a `TensorProto` of 64-bit floats."""
    sides = b"".join(_bytes(2, _number(1, length)) for length in array.shape)
    return _number(1, _DT_DOUBLE) + _bytes(2, sides) + _bytes(4, np.ascontiguousarray(array, "<f8").tobytes())


def strings(items: Sequence[bytes]) -> bytes:
    """Encode byte strings as a `TensorProto` of one axis."""
    shape = _bytes(2, _bytes(2, _number(1, len(items))))
    return _number(1, _DT_STRING) + shape + b"".join(_bytes(8, item) for item in items)


class Tag:
    """The name of a series; makes its values. The first one carries what TensorBoard must know of all of them."""

    def __init__(self, name: str, plugin: Plugin, description: str = "") -> None:
        """Begin a series.

        Args:
            name: Its parts stand between slashes, the first is the group in which TensorBoard shows it.
            plugin: Who shows it.
            description: What a reader must know, in Markdown.
        """
        self._name = _text(1, name)
        about = _bytes(1, _text(1, plugin)) + _text(3, description) + _number(4, _DATA_CLASS[plugin])
        self._metadata = _bytes(9, about)
        self._began = False
        self._scalar = self._value_head(b"", len(_SCALAR) + 4) + _SCALAR

    def value(self, tensor: bytes) -> bytes:
        """Encode a value, a `TensorProto`."""
        metadata = b"" if self._began else self._metadata
        self._began = True
        return self._value_head(metadata, len(tensor)) + tensor

    def scalar(self, number: float) -> bytes:
        """Encode a 32-bit float as a value."""
        bits = struct.pack("<f", number)
        return self._scalar + bits if self._began else self.value(_SCALAR + bits)

    def _value_head(self, metadata: bytes, length: int) -> bytes:
        """Encode all of a `Summary.Value`, and of its place in the `Summary`, but the tensor, which follows."""
        before = self._name + metadata + _head(8, length)
        return _head(1, len(before) + length) + before


def event(wall_time: float, step: int, values: Iterable[bytes]) -> bytes:
    """Encode the values that some tags have at a step.

    Args:
        wall_time: When, in seconds since 1970.
        step: The step.
        values: From `Tag`.
    """
    return b"\x09" + struct.pack("<d", wall_time) + _number(2, step) + _bytes(5, b"".join(values))


def first_event(wall_time: float) -> bytes:
    """Encode what each file begins with: the version of its form."""
    return b"\x09" + struct.pack("<d", wall_time) + _text(3, "brain.Event:2")


def framed(events: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file that holds some events, about a megabyte at a time."""
    waiting: list[bytes] = []
    n_bytes = 0
    for each in events:
        waiting.append(each)
        n_bytes += len(each)
        if n_bytes >= _BLOCK:
            yield _records(waiting)
            waiting, n_bytes = [], 0
    yield _records(waiting)


def _records(events: Sequence[bytes]) -> bytes:
    """Put the length and two checksums around each event."""
    if not events:
        return b""
    sums = crc32c(events)
    return b"".join(_length(len(each)) + each + _masked(checksum) for each, checksum in zip(events, sums, strict=True))


@lru_cache(maxsize=4096)
def _length(n_bytes: int) -> bytes:
    length = struct.pack("<Q", n_bytes)
    return length + _masked(crc32c([length])[0])


def _masked(checksum: int) -> bytes:
    """Turn a checksum by 15 bits and add a constant, as TensorFlow's records have it."""
    turned = (checksum >> 15 | checksum << 17) & 0xFFFFFFFF
    return struct.pack("<I", (turned + _MASK_DELTA) & 0xFFFFFFFF)
