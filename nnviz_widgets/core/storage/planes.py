"""Bytes of one place in their numbers, each of these planes compressed as it pays.

Zstandard at level 1, but with two settings of our own. Bytes repeat among exponents by chance only, so looking for
short matches (level 1 takes five bytes or more) spoils the entropy code that does the work: seven bytes and a small
table are smaller and up to 2.6 times as fast. Last digits compress where they are zero and nowhere else; there no
entropy code is built, which is three times as fast.

Stored are the lengths of all planes, four bytes each, then the planes; one as long as it was before is not compressed.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy.typing as npt

    Plane = npt.NDArray[np.uint8]

RETRY = 64
"""After so many arrays of a kind it is tried again what pays."""

PAYS = 0.98
"""A plane must become smaller than this share of itself."""

SMALL_PAYS = 0.9
"""The same of few bytes, where to begin is what takes time."""

RUNS_COST = 0.05
"""Share of a plane by which it may be larger where no entropy code is built."""

MAX_SCRATCH = 16 << 20
"""Bytes of memory of one kind that a thread keeps."""


class Damaged(Exception):
    """What was read is not what was written. The text says how it was found; who reads adds where."""


class Tools:
    """What one thread encodes with: compressors, and memory that is used again, since new memory takes time."""

    def __init__(self) -> None:
        """Make them."""
        self._scratch: dict[str, Plane] = {}
        of = zstandard.ZstdCompressionParameters.from_level
        fast = zstandard.STRATEGY_FAST
        entropy = of(1, strategy=fast, min_match=7, hash_log=8, target_length=0)
        runs = of(1, strategy=fast, min_match=7, hash_log=8, target_length=2)
        self._small = zstandard.ZstdCompressor(level=1)
        self._entropy = zstandard.ZstdCompressor(compression_params=entropy)
        self._runs = zstandard.ZstdCompressor(compression_params=runs)

    def scratch(self, name: str, size: int) -> Plane:
        """Return so many bytes of memory; what was there under that name is lost."""
        memory = self._scratch.get(name)
        if memory is None or memory.size < size:
            memory = np.empty(size, np.uint8)
            if size <= MAX_SCRATCH:
                self._scratch[name] = memory
        return memory[:size]

    def planes(self, raw: Plane, itemsize: int) -> npt.NDArray[np.uint8]:
        """Return the bytes of each place in numbers of `itemsize` bytes, shape `(itemsize, n)`, in scratch memory."""
        if itemsize == 1:
            return raw.reshape(1, -1)
        planes = self.scratch("planes", raw.size).reshape(itemsize, -1)
        np.copyto(planes, raw.reshape(-1, itemsize).T)
        return planes

    def small(self, planes: npt.NDArray[np.uint8]) -> bytes:
        """Compress few bytes."""
        return self._small.compress(planes.data)

    def entropy(self, plane: Plane) -> bytes:
        """Compress a plane in which some bytes are more common than others."""
        return self._entropy.compress(plane.data)

    def runs(self, plane: Plane) -> bytes:
        """Compress a plane in which parts are constant, and all else is noise."""
        return self._runs.compress(plane.data)

    def raw(self, plane: Plane) -> Plane:
        """Leave a plane as it is."""
        return plane

    def best(self, plane: Plane) -> Callable[[Tools, Plane], Any]:
        """Try which of the three above pays."""
        entropy, runs = len(self.entropy(plane)), len(self.runs(plane))
        if min(entropy, runs) > PAYS * plane.size:
            return Tools.raw
        return Tools.runs if runs <= entropy + RUNS_COST * plane.size else Tools.entropy


class Plan:
    """What pays for the planes of arrays that are like each other: it is tried now and then."""

    __slots__ = ("_methods", "_n", "_small_pays")

    def __init__(self) -> None:
        """Know nothing yet."""
        self._methods: list[Callable[[Tools, Plane], Any]] = []
        self._n = 0
        self._small_pays = True

    def methods(self, planes: npt.NDArray[np.uint8], tools: Tools) -> list[Any]:
        """Return a method of `Tools` for each plane."""
        if self._n % RETRY == 0 or len(self._methods) != len(planes):
            self._methods = [tools.best(plane) for plane in planes]
        self._n += 1
        return self._methods

    def small(self, raw: Plane, pack: Callable[[], bytes]) -> bytes | None:
        """Return few bytes packed, `None` where that does not pay."""
        tried = self._n % RETRY == 0
        self._n += 1
        if not tried and not self._small_pays:
            return None
        data = pack()
        self._small_pays = len(data) < SMALL_PAYS * raw.size
        return data if len(data) < raw.size else None


def joined(planes: npt.NDArray[np.uint8], plan: Plan, tools: Tools) -> bytes:
    """Return planes, shape `(n_planes, n)`, as they are stored."""
    parts = []
    for plane, method in zip(planes, plan.methods(planes, tools), strict=True):
        part = method(tools, plane)
        parts.append(part if len(part) < plane.size else plane)
    return b"".join([struct.pack(f"<{len(parts)}I", *map(len, parts)), *parts])


def unpacked(data: bytes, n_planes: int, size: int) -> npt.NDArray[np.uint8]:
    """Return the bytes, `size` in all, whose planes were joined.

    Raises:
        Damaged: If they were not.
    """
    head, length = 4 * n_planes, size // n_planes
    lengths = struct.unpack_from(f"<{n_planes}I", data) if len(data) >= head else ()
    if head + sum(lengths) != len(data) or max(lengths, default=length + 1) > length:
        raise Damaged(f"its planes have {lengths} bytes, of {len(data)}")
    numbers, start = np.empty((length, n_planes), np.uint8), head
    for place, n in enumerate(lengths):
        part = data[start : start + n]
        numbers[:, place] = np.frombuffer(part if n == length else unzipped(part, length), np.uint8)
        start += n
    return numbers.reshape(-1)


def unzipped(data: bytes, size: int) -> bytes:
    """Return what was compressed, `size` bytes.

    Raises:
        Damaged: If it was something else.
    """
    try:
        # The library allocates what the frame says, so it is asked first.
        said = zstandard.get_frame_parameters(data).content_size
        if said != size:
            raise Damaged(f"it holds {said} bytes instead of {size}")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    except zstandard.ZstdError as error:
        raise Damaged(f"it cannot be decompressed ({error})") from None
