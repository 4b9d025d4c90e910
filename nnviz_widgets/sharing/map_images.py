"""The map of a tensor as a PNG at each of some steps, all on one scale, so that colours can be compared."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from nnviz_widgets.pictures.colors import SPECIAL, ramp, rgb
from nnviz_widgets.protocol import GUTTER_BITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from nnviz_widgets.protocol import Dimension, Plane

MOST_SIDE = 256
"""The most rows and columns of cells: larger tensors are pooled, as in the live view."""

_LEVELS = 257
"""An odd number, so that 0 has the colour in the middle."""

_MOST_PIXELS = 512
"""A cell is as many whole pixels wide, and as many high, as let that side be no more than this."""

_MOST_OF_A_CELL = 64
"""Nor is a cell wider or higher than this."""

_GAP = "#ffffff"


@dataclass(frozen=True, slots=True)
class Scale:
    """What the ends of a colour map stand for.

    Attributes:
        low: Value of the lower end.
        high: Value of the upper end.
        colors: Name of the map.
    """

    low: float
    high: float
    colors: str


def scale_of(planes: Sequence[Plane]) -> Scale | None:
    """Return the scale that fits all of some pictures of one tensor, `None` if none has a finite value.

    As the live view's scale of one picture, `js/src/picture/limits.ts`: percentiles, so that one outlier does not
    flatten the picture; around zero but for activations that are never below it.
    """
    known = [plane for plane in planes if plane.low is not None and plane.high is not None]
    if not known:
        return None
    low = min(plane.low for plane in known if plane.low is not None)
    high = max(plane.high for plane in known if plane.high is not None)
    clips = [clip for plane in known for clip in (plane.clip_low, plane.clip_high) if clip is not None]
    if known[0].tensor == "activations" and low >= 0:
        return Scale(0.0, max(clips, default=0.0) or high or 1.0, "sequential-light")
    size = max((abs(clip) for clip in clips), default=0.0) or max(abs(low), abs(high)) or 1.0
    return Scale(-size, size, "diverging-light")


def colors_of(bits: npt.NDArray[np.uint32], scale: Scale | None) -> npt.NDArray[np.uint8]:
    """Return the colour of each cell, shape `(rows, cols, 3)`.

    Args:
        bits: Shape `(rows, cols)`: float32 patterns, gaps and NaN marked as `pictures.encoding` does it.
        scale: Of its colours, `None` if no cell is a finite number.
    """
    scale = scale or Scale(-1.0, 1.0, "diverging-light")
    values = bits.view(np.float32).astype(np.float64)
    finite = np.where(np.isfinite(values), values, 0.0)
    share = np.clip((finite / 2 - scale.low / 2) / (scale.high / 2 - scale.low / 2), 0, 1)
    table = np.rint(ramp(scale.colors, _LEVELS)).astype(np.uint8)
    found: npt.NDArray[np.uint8] = table[np.rint(share * (_LEVELS - 1)).astype(int)]
    marks = [
        (np.isnan(values), SPECIAL["nan"]),
        (np.isposinf(values), SPECIAL["posinf"]),
        (np.isneginf(values), SPECIAL["neginf"]),
        (bits == np.uint32(GUTTER_BITS << 16), _GAP),
    ]
    for place, color in marks:
        found[place] = rgb(color)
    return found


def size_of_cells(plane: Plane) -> tuple[int, int]:
    """Return how many pixels high and wide a cell is, or small maps would be specks; square where there are tiles."""
    down, across = (max(1, min(_MOST_OF_A_CELL, _MOST_PIXELS // n)) for n in (plane.rows, plane.cols))
    return (min(down, across),) * 2 if plane.gutter else (down, across)


def png(colors: npt.NDArray[np.uint8], size: tuple[int, int]) -> tuple[int, int, bytes]:
    """Return width, height and the PNG file of some cells, each so many pixels high and wide."""
    down, across = size
    pixels = np.repeat(np.repeat(colors, down, axis=0), across, axis=1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=4)
    return pixels.shape[1], pixels.shape[0], file.getvalue()


def words_of(plane: Plane, scale: Scale | None) -> str:
    """Say what is drawn, on which scale."""
    rows, columns = (_side(axes) for axes in (plane.row_axes, plane.col_axes))
    told = [f"Rows: {rows}. Columns: {columns}."]
    if scale is None:
        told.append("No value is finite.")
    elif scale.low < 0:
        told.append(f"Blue is {scale.low:.4g} and below, white 0, red {scale.high:.4g} and above, at all steps.")
    else:
        told.append(f"White is 0, dark blue {scale.high:.4g} and above, at all steps.")
    if plane.reduce != "none":
        kept = "the largest" if plane.reduce == "max" else "the one farthest from 0"
        told.append(f"A cell stands for {plane.row_factor} by {plane.col_factor} values: {kept}.")
    told += [f"Of {axis.name}, {axis.index} is shown." for axis in plane.further]
    told.append("NaN is magenta, +Inf green, -Inf turquoise.")
    return " ".join([*told, *([f"Note: {plane.note}."] if plane.note else [])])


def _side(axes: Sequence[Dimension]) -> str:
    return " by ".join(axis.name for axis in axes) or "one"
