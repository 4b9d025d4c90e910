"""Cells to bytes: bfloat16 or float32 bit patterns, little-endian, with fixed patterns for NaN and for gaps.

A float32 pattern of NaN or of a gap is the bfloat16 pattern with 16 zero bits after it, so the upper half of a
float32 is always its (cut) bfloat16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nnviz_widgets.protocol import GUTTER_BITS, NAN_BITS

if TYPE_CHECKING:
    import numpy.typing as npt

Encoding = Literal["bf16", "f32"]

CELL_BYTES: dict[Encoding, int] = {"bf16": 2, "f32": 4}

_MAGNITUDE = np.uint32(0x7FFFFFFF)
_LAST_FINITE = np.uint32(0x7F7FFFFF)
_ROUNDS_TO_INFINITY = np.uint32(0x7F7F8000)
"""From this magnitude on, rounding to bfloat16 gives infinity or is NaN."""
_INFINITY = np.uint32(0x7F800000)


def to_float32(cells: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return `cells` as float32; finite values beyond its range become the greatest one, never infinite."""
    if cells.dtype == np.float32:
        return cells
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        result = cells.astype(np.float32)
    if cells.dtype == np.float64:
        infinite = np.isinf(result)
        if infinite.any():
            overflown = infinite & np.isfinite(cells)
            result[overflown] = np.copysign(np.finfo(np.float32).max, result[overflown])
    return result


def bfloat16_bits(cells: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Return the nearest bfloat16 patterns, ties to even; a finite value stays finite, every NaN is `NAN_BITS`."""
    bits = cells.view(np.uint32)
    magnitude = bits & _MAGNITUDE
    if magnitude.max(initial=0) >= _ROUNDS_TO_INFINITY:
        bits = bits.copy()
        nearly = (magnitude >= _ROUNDS_TO_INFINITY) & (magnitude <= _LAST_FINITE)
        bits[nearly] = (bits[nearly] & np.uint32(0x80000000)) | np.uint32(0x7F7F0000)
        bits[magnitude > _INFINITY] = np.uint32(NAN_BITS << 16)
    rounded = bits >> np.uint32(16)
    rounded &= np.uint32(1)
    rounded += bits
    rounded += np.uint32(0x7FFF)
    rounded >>= np.uint32(16)
    return rounded.astype(np.uint16)


def float32_bits(cells: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """Return the patterns of `cells`, every NaN as `NAN_BITS` and 16 zero bits."""
    bits = cells.view(np.uint32)
    nan = np.isnan(cells)
    return np.where(nan, np.uint32(NAN_BITS << 16), bits) if nan.any() else bits


def encode(cells: npt.NDArray[Any], encoding: Encoding, *, row_gaps: bool, col_gaps: bool) -> bytes:
    """Return the bytes of a picture, row by row.

    Args:
        cells: Shape `(row tiles, rows of a tile, column tiles, columns of a tile)`.
        encoding: How each cell is written.
        row_gaps: Whether a gap cell follows each tile's rows.
        col_gaps: Whether a gap cell follows each tile's columns.
    """
    floats = np.ascontiguousarray(to_float32(cells))
    bits: npt.NDArray[Any] = bfloat16_bits(floats) if encoding == "bf16" else float32_bits(floats)
    gap = GUTTER_BITS if encoding == "bf16" else GUTTER_BITS << 16
    if row_gaps or col_gaps:
        row_tiles, rows, col_tiles, cols = bits.shape
        spaced = np.full((row_tiles, rows + row_gaps, col_tiles, cols + col_gaps), gap, bits.dtype)
        spaced[:, :rows, :, :cols] = bits
        bits = spaced
    return bits.astype(bits.dtype.newbyteorder("<"), copy=False).tobytes()
