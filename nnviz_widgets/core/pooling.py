"""Make a matrix small enough to draw without losing what matters: no NaN, no infinity and no extreme vanishes.

A cell stands for a block of values: it is NaN if one of them is; else infinite if one is (positive if both signs are
there); else, by `absmax`, the value of greatest magnitude with its sign, and by `max` the greatest value.

Pooling never copies the whole input, and an axis that numpy broadcasts (stride 0) is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from nnviz_widgets.core.numeric import comparable, without_repeats

if TYPE_CHECKING:
    import numpy.typing as npt

Reduce = Literal["absmax", "max"]

BLOCK_VALUES = 1 << 18
"""Values pooled at a time: 1 MiB of float32 stays in the cache while its maxima and then its minima are taken."""

SHORT_RUN = 32
"""Up to this factor columns are pooled by strided steps: several times faster than reducing a short last axis."""


class Take(NamedTuple):
    """Columns in an order that is not that in memory.

    Attributes:
        axis: Which of the four axes, 2 for tiles or 3 for columns.
        indices: What of it is at each place.
    """

    axis: int
    indices: npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Factors:
    """By how much one side is pooled.

    Attributes:
        tiles: Whole tiles in one cell; more than 1 only where a tile has become one cell.
        within: Values of a tile in one cell.
        gaps: Whether a gap still follows each tile.
        cells: Length of the side after pooling.
        factor: Cells of the full side in one cell. Where whole tiles are pooled, their gaps are counted in, so that
            it is a multiple of the tile's pitch.
    """

    tiles: int
    within: int
    gaps: bool
    cells: int
    factor: int


def fit(length: int, limit: int) -> Factors:
    """Return the smallest whole factor that brings a side of `length` cells down to `limit`."""
    within = -(-length // limit)
    return Factors(1, within, gaps=False, cells=-(-length // within), factor=within)


def fit_tiles(n_tiles: int, tile: int, limit: int) -> Factors:
    """Return the smallest whole factors that bring tiles of `tile` values, a gap after each, down to `limit` cells.

    Values are pooled inside a tile first and never across a gap; only if tiles of one cell still do not fit, the gaps
    go and neighbouring tiles are pooled.
    """
    cells_per_tile = limit // n_tiles - 1
    if cells_per_tile >= 1:
        within = -(-tile // cells_per_tile)
        cells = n_tiles * (-(-tile // within) + 1)
        return Factors(1, within, gaps=True, cells=cells, factor=within)
    tiles = -(-n_tiles // limit)
    return Factors(tiles, tile, gaps=False, cells=-(-n_tiles // tiles), factor=tiles * (tile + 1))


def _pool_axis(array: npt.NDArray[Any], axis: int, factor: int, ufunc: np.ufunc) -> npt.NDArray[Any]:
    size = array.shape[axis]
    if factor == 1 or size == 1:
        return array
    lead = (slice(None),) * axis
    if axis == array.ndim - 1 and factor <= SHORT_RUN:
        pooled = array[..., ::factor].copy()
        for offset in range(1, min(factor, size)):
            part = array[..., offset::factor]
            head = pooled[..., : part.shape[-1]]
            ufunc(head, part, out=head)
        return pooled
    whole = size // factor * factor
    shape = (*array.shape[:axis], whole // factor, factor, *array.shape[axis + 1 :])
    pooled = ufunc.reduce(array[(*lead, slice(0, whole))].reshape(shape), axis=axis + 1)
    if whole == size:
        return np.asarray(pooled)
    rest = ufunc.reduce(array[(*lead, slice(whole, None))], axis=axis, keepdims=True)
    return np.concatenate([pooled, rest], axis=axis)


def _pool(values: npt.NDArray[Any], factors: tuple[int, int, int, int], ufunc: np.ufunc) -> npt.NDArray[Any]:
    # Rows first: their runs are long, so that little is left when the columns come (8 times faster than both at once).
    for axis in (1, 0, 3, 2):
        values = _pool_axis(values, axis, factors[axis], ufunc)
    return values


def _combine(high: npt.NDArray[Any], low: npt.NDArray[Any] | None, reduce: Reduce) -> npt.NDArray[Any]:
    if low is None:
        return high
    if high.dtype.kind in "iu":  # the magnitude of the least int8 is no int8
        high, low = high.astype(np.float64), low.astype(np.float64)
    if reduce == "absmax":  # both are NaN where one is: minimum and maximum hand it on
        # Signs are random, and `np.where` guesses each of them: without a branch it takes half the time.
        magnitude = -low
        sign = (magnitude > high).astype(high.dtype)
        sign *= -2
        sign += 1
        np.maximum(magnitude, high, out=magnitude)
        magnitude *= sign
        return magnitude
    return np.where(np.isneginf(low) & ~np.isposinf(high), low, high)


def _piece_length(values: npt.NDArray[Any], axis: int, factor: int) -> int:
    """Return how many indices along `axis` are pooled at a time: whole factors, about `BLOCK_VALUES` values."""
    others: int = values.size // values.shape[axis]
    return max(1, BLOCK_VALUES // (others * factor)) * factor


def pool(
    values: npt.NDArray[Any],
    rows: Factors,
    cols: Factors,
    reduce: Reduce,
    *,
    negative_infinity: bool = True,
    take: Take | None = None,
) -> npt.NDArray[Any]:
    """Return `values` pooled.

    Args:
        values: Shape `(row tiles, rows of a tile, column tiles, columns of a tile)`, as `Layout.arrange` makes it.
        rows: How rows are pooled.
        cols: How columns are pooled.
        reduce: Which value a cell shows, see above.
        negative_infinity: Whether `values` may hold one; `max` is twice as fast if it is known that none does.
        take: Which columns to pool, in which order, if not all as they are.

    Returns:
        The same four axes, shortened, and a floating or integer type. May be a view of `values`.
    """
    factors = (rows.tiles, rows.within, cols.tiles, cols.within)
    sizes = list(values.shape)
    if take is not None:
        sizes[take.axis] = len(take.indices)
    shape = tuple(-(-size // factor) for size, factor in zip(sizes, factors, strict=True))
    (distinct,) = without_repeats(values)
    if take is not None and distinct.shape[take.axis] < values.shape[take.axis]:
        take = None  # they are all the same
    if max(factors) == 1:
        return np.broadcast_to(_taken(comparable(distinct), take), shape)
    both = reduce == "absmax" or negative_infinity
    axis = 0 if distinct.shape[0] > 1 else 1
    length = _piece_length(distinct, axis, factors[axis])
    pieces = []
    with np.errstate(invalid="ignore"):
        for start in range(0, distinct.shape[axis], length):
            piece = _taken(comparable(distinct[(slice(None),) * axis + (slice(start, start + length),)]), take)
            high = _pool(piece, factors, np.maximum)
            low = _pool(piece, factors, np.minimum) if both else None
            pieces.append(_combine(high, low, reduce))
    return np.broadcast_to(np.concatenate(pieces, axis=axis), shape)


def _taken(values: npt.NDArray[Any], take: Take | None) -> npt.NDArray[Any]:
    return values if take is None else values.take(take.indices, axis=take.axis)
