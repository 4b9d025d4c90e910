"""How cells become few bytes: a palette of at most 256 patterns, bytes of one weight beside each other, deflate.

A palette is chosen so that a picture looks the same: half of its patterns lie evenly between the first and the 99th
percentile, which is what the colours are spread over, half have equally many cells between them. NaN, the gap, both
infinities, zero and the extremes are exact.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

N_COLORS = 256
N_PATTERNS = 1 << 16
MOST_WITHOUT_PALETTE = 2 * N_COLORS
"""Of no more cells a palette is as long as what it saves."""

SPECIAL = 8
"""Entries of a palette for what must be exact beside the two extremes: zero, two infinities, NaN, the gap."""

MOST_SORTED = 1 << 14
"""Fewer cells are sorted sooner than all patterns are gone through."""

LEVEL = 1
"""Of deflate: on pictures a higher one takes several times as long for a few per cent."""


def deflated(data: bytes) -> bytes:
    """Return `data` deflated, raw: without a header, as a browser's `deflate-raw` reads it."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def base64_text(data: bytes) -> str:
    """Return `data` in base64, padded to a multiple of 4 characters."""
    return b64encode(data).decode("ascii")


def byte_planes(cells: bytes, size: int) -> bytes:
    """Return values of `size` bytes with all their lowest bytes first, then all second ones, and so on."""
    return np.frombuffer(cells, np.uint8).reshape(-1, size).T.tobytes()


def with_palette(cells: bytes) -> tuple[bytes, bytes] | None:
    """Return the index of a pattern for each cell, and the palette; `None` where that is not shorter.

    Args:
        cells: bfloat16 patterns, little-endian.
    """
    bits = np.frombuffer(cells, "<u2")
    if bits.size <= MOST_WITHOUT_PALETTE:
        return None
    present, counts = _counted(bits)
    palette = present if len(present) <= N_COLORS else _palette(counts, present)
    table = np.zeros(N_PATTERNS, np.uint8)
    table[present] = _nearest(present, palette)
    return table[bits].tobytes(), palette.astype("<u2").tobytes()


def _counted(bits: npt.NDArray[np.uint16]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the patterns that there are, ascending, and how many cells each has."""
    if bits.size < MOST_SORTED:
        patterns, counts = np.unique(bits, return_counts=True)
        return patterns.astype(np.intp), counts
    of_all = np.bincount(bits, minlength=N_PATTERNS)
    present = np.flatnonzero(of_all)
    return present, of_all[present]


@cache
def _values() -> npt.NDArray[np.float32]:
    """Return the value of every bfloat16 pattern."""
    return (np.arange(N_PATTERNS, dtype=np.uint32) << np.uint32(16)).view(np.float32)


def _palette(counts: npt.NDArray[np.intp], present: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the patterns of a palette, ascending; `present` are the over 256 that have cells, `counts` how many."""
    values = _values()
    exact = present[~np.isfinite(values[present]) | (values[present] == 0)]
    numbers = np.flatnonzero(np.isfinite(values[present]))
    numbers = numbers[np.argsort(values[present[numbers]], kind="stable")]
    finite = present[numbers]
    ranks = np.cumsum(counts[numbers])
    room = (N_COLORS - SPECIAL) // 2
    by_rank = np.searchsorted(ranks, np.linspace(0, ranks[-1], room + 2)[1:-1])
    low, high = (values[finite[np.searchsorted(ranks, share * ranks[-1])]] for share in (0.01, 0.99))
    by_value = _nearest_value(np.linspace(low, high, room), values[finite])
    chosen = np.unique(np.concatenate([by_rank, by_value, [0, len(finite) - 1]]))
    return np.unique(np.concatenate([exact, finite[chosen]]))


def _nearest(wanted: npt.NDArray[Any], known: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return for each wanted pattern the index of the known one that is nearest in value; both ascend as numbers.

    What is not finite is wanted only if it is known, and then found exactly.
    """
    values = _values()
    index = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    inexact = known[index] != wanted
    if inexact.any():
        numbers = np.flatnonzero(np.isfinite(values[known]))
        order = numbers[np.argsort(values[known[numbers]], kind="stable")]
        index[inexact] = order[_nearest_value(values[wanted[inexact]], values[known[order]])]
    return index


def _nearest_value(wanted: npt.NDArray[Any], ascending: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    middles = ascending[:-1] / 2 + ascending[1:] / 2
    return np.searchsorted(middles, wanted)
