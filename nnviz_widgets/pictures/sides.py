"""One side of a picture: how its cells lie along a tensor's own indices, tiles and gaps included."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnviz_widgets.core.pooling import fit, fit_tiles
from nnviz_widgets.protocol import Dimension

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.grammar import View
    from nnviz_widgets.core.pooling import Factors


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the picture.

    Attributes:
        axes: Axes of the tensor, as it is read (`Layout.view`), along this side; the last one varies fastest.
        sizes: Their lengths.
        tiled: Whether the last axis is a tile that is followed by one gap cell.
        names: Their names.
        labels: For each of them the names of its indices, empty where they are numbers.
    """

    axes: tuple[int, ...]
    sizes: tuple[int, ...]
    tiled: bool = False
    names: tuple[str, ...] = ()
    labels: tuple[tuple[str, ...], ...] = ()

    @property
    def n_tiles(self) -> int:
        """Tiles side by side; 1 of a side without tiles."""
        return math.prod(self.sizes[:-1]) if self.tiled else 1

    @property
    def tile(self) -> int:
        """Values in a tile; of a side without tiles, all of them."""
        return self.sizes[-1] if self.tiled else math.prod(self.sizes)

    @property
    def pitch(self) -> int:
        """Cells from one tile to the next, the gap included."""
        return self.tile + int(self.tiled)

    @property
    def full(self) -> int:
        """Cells of this side before pooling, gaps included."""
        return self.n_tiles * self.pitch

    @property
    def dimensions(self) -> list[Dimension]:
        """The axes in the words of the protocol."""
        named = zip(self.names, self.sizes, self.labels, strict=True)
        return [Dimension(name, size, list(labels)) for name, size, labels in named]

    def fit(self, limit: int) -> Factors:
        """Return by how much this side is pooled to be at most `limit` cells long."""
        return fit_tiles(self.n_tiles, self.tile, limit) if self.tiled else fit(self.tile, limit)

    def index(self, cell: int) -> tuple[int, ...] | None:
        """Return the indices along `axes` of a cell of the full picture, `None` in a gap or outside."""
        if not 0 <= cell < self.full:
            return None
        if self.tiled:
            tile, within = divmod(cell, self.pitch)
            if within == self.tile:
                return None
            cell = tile * self.tile + within
        indices = []
        for size in reversed(self.sizes):
            cell, index = divmod(cell, size)
            indices.append(index)
        return tuple(reversed(indices))

    def cell(self, indices: Sequence[int]) -> int:
        """Return the cell of the full picture at the indices along `axes`: the reverse of `index`."""
        place = 0
        for index, size in zip(indices, self.sizes, strict=True):
            place = place * size + index
        return place + place // self.tile if self.tiled else place


def side_of(view: View, axes: Sequence[int], *, tiled: bool = False) -> Side:
    """Return the side along which these axes of a tensor lie."""
    return Side(
        axes=tuple(axes),
        sizes=tuple(view.shape[axis] for axis in axes),
        tiled=tiled,
        names=tuple(view.names[axis] for axis in axes),
        labels=tuple(view.labels[axis] for axis in axes),
    )
