"""A picture that is drawn in the numbers of its own palette: small as a PNG, and nothing has to be quantised.

The palette holds the surface, each ink in shades from the surface to itself, for smooth edges, and a colour map.
Lengths are CSS pixels; a sheet has `SCALE` times as many pixels, to be sharp on dense screens.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from nnviz_widgets.pictures.colors import SPECIAL, ramp, rgb
from nnviz_widgets.protocol import GUTTER_BITS
from nnviz_widgets.sharing.lettering import ascent, fitted, width_of, written

if TYPE_CHECKING:
    import numpy.typing as npt

SCALE = 2

THEME = {
    "surface": "#ffffff",
    "text": "#16191d",
    "accent": "#1565c0",
    "second": "#187a4c",
    "select": "#d67200",
    "bad": "#c62828",
}
"""The light theme of the front end, as in `js/src/styles/base.css`; a test holds them equal."""

MIXED = {"muted": 0.64, "line": 0.12, "raw": 0.18, "raised": 0.045}
"""How much of the text's colour is mixed into the surface, as there."""

Box = tuple[float, float, float, float]
"""Left, top, width and height, in CSS pixels."""

Ink = Literal["text", "muted", "line", "raw", "raised", "accent", "second", "select", "bad"]
INKS: tuple[Ink, ...] = ("text", "muted", "line", "raw", "raised", "accent", "second", "select", "bad")
SHADES = 8
_SPECIALS = ("nan", "posinf", "neginf")
_RAMP = 1 + len(INKS) * SHADES + len(_SPECIALS)
LEVELS = 256 - _RAMP
"""How many colours the map has; the front end's has 256, which no eye tells from this."""


def _ink(name: Ink) -> npt.NDArray[np.float64]:
    if name in MIXED:
        return rgb(THEME["surface"]) + MIXED[name] * (rgb(THEME["text"]) - rgb(THEME["surface"]))
    return rgb(THEME[name])


def _palette() -> bytes:
    surface = rgb(THEME["surface"])
    shades = [surface + (shade + 1) / SHADES * (_ink(name) - surface) for name in INKS for shade in range(SHADES)]
    specials = [rgb(SPECIAL[name]) for name in _SPECIALS]
    colors = np.concatenate([[surface], shades, specials, ramp("diverging-light", LEVELS)])
    return bytes(np.rint(colors).astype(np.uint8))


PALETTE = _palette()


def colors_of(bits: npt.NDArray[np.uint32], size: float) -> npt.NDArray[np.uint8]:
    """Return the palette's number for each cell of a picture.

    Args:
        bits: Cells as float32 patterns, gaps and NaN marked as `pictures.encoding` does it.
        size: The value of the map's upper end; its lower end is the negative of it.
    """
    values = bits.view(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        places = np.clip((values.astype(np.float64) / size + 1) / 2, 0, 1) * (LEVELS - 1)
        found = (_RAMP + np.rint(np.nan_to_num(places))).astype(np.uint8)
    found[np.isnan(values)] = _RAMP - 3
    found[np.isposinf(values)] = _RAMP - 2
    found[np.isneginf(values)] = _RAMP - 1
    found[bits == np.uint32(GUTTER_BITS << 16)] = 0
    return found


def ramp_colors() -> npt.NDArray[np.uint8]:
    """Return the palette's numbers of the colour map from its low end to its high one."""
    return np.arange(_RAMP, _RAMP + LEVELS, dtype=np.uint8)


def px(length: float) -> int:
    """Return a length in CSS pixels as pixels of the sheet."""
    return round(length * SCALE)


class Sheet:
    """A drawing. Whatever is drawn later lies above."""

    def __init__(self, width: float, height: float) -> None:
        """Begin with an empty one."""
        self.pixels: npt.NDArray[np.uint8] = np.zeros((px(height), px(width)), np.uint8)

    def rect(self, x: float, y: float, width: float, height: float, ink: Ink) -> None:
        """Fill a rectangle."""
        self.pixels[px(y) : px(y + height), px(x) : px(x + width)] = 1 + INKS.index(ink) * SHADES + SHADES - 1

    def text(
        self,
        x: float,
        y: float,
        words: str,
        ink: Ink = "text",
        size: float = 12,
        *,
        bold: bool = False,
        anchor: Literal["start", "middle", "end"] = "start",
        width: float | None = None,
        rim: bool = False,
    ) -> float:
        """Write on the baseline `y` and return how wide that is.

        Args:
            x: Where the words begin, have their middle or end, as `anchor` says.
            y: The baseline.
            words: The text, one line.
            ink: Its colour.
            size: Its size.
            bold: Whether it is bold.
            anchor: What `x` is.
            width: Where there is no more room, an ellipsis is put.
            rim: Whether the surface is cleared around it.
        """
        if width is not None:
            words = fitted(words, px(size), px(width))
        mask = written(words, px(size), bold=bold)
        length = width_of(words, px(size))
        left = px(x) - {"start": 0, "middle": length // 2, "end": length}[anchor]
        top = px(y) - ascent(px(size))
        if rim:
            self.pixels[max(0, top) : top + mask.shape[0], max(0, left - 4) : left + mask.shape[1] + 4] = 0
        self.cover(left, top, mask, ink)
        return length / SCALE

    def cover(self, left: int, top: int, mask: npt.NDArray[np.uint8], ink: Ink) -> None:
        """Draw in an ink what `mask` covers, 0 to 255, its corner at these pixels; what is outside is cut off."""
        mask = mask[max(0, -top) :, max(0, -left) :]
        top, left = max(0, top), max(0, left)
        place = self.pixels[top : top + mask.shape[0], left : left + mask.shape[1]]
        mask = mask[: place.shape[0], : place.shape[1]]
        shade = (mask.astype(np.uint16) * SHADES + 127) // 255
        drawn = shade > 0
        place[drawn] = (INKS.index(ink) * SHADES + shade)[drawn].astype(np.uint8)

    def dot(self, x: float, y: float, radius: float, ink: Ink) -> None:
        """Draw a filled circle around a point."""
        reach = px(radius) + 1
        across = np.arange(-reach, reach + 1)
        distance = np.hypot(across[:, None], across[None, :])
        self.cover(px(x) - reach, px(y) - reach, _coverage(px(radius) - distance + 0.5), ink)

    def picture(self, x: float, y: float, cells: npt.NDArray[np.uint8], across: int, down: int) -> None:
        """Draw cells, palette numbers of shape `(rows, cols)`, each as `across` x `down` pixels of the sheet."""
        image = np.repeat(np.repeat(cells, down, axis=0), across, axis=1)
        place = self.pixels[px(y) : px(y) + image.shape[0], px(x) : px(x) + image.shape[1]]
        place[...] = image[: place.shape[0], : place.shape[1]]

    def curve(
        self,
        box: Box,
        x: npt.NDArray[np.float64],
        y: npt.NDArray[np.float64],
        ink: Ink,
        *,
        width: float = 1.5,
        dashed: bool = False,
    ) -> None:
        """Draw a line through points in a box; what is not finite is a gap, a lonely point a dot.

        Args:
            box: Where.
            x: Places from 0 to 1 along the box, rising.
            y: Places from 0 to 1 up the box, or not finite.
            ink: Its colour.
            width: Of the line.
            dashed: Whether it has gaps.
        """
        left, top, across, up = (px(length) for length in box)
        pad = px(4)
        y = np.where(np.isfinite(y), y, np.nan)  # a NaN stays one in what is computed of it; of infinities some do not
        heights = _heights(across + 1, x * across, up - y * up + pad)
        mask = _stroke(heights, up + 2 * pad, px(width))
        if dashed:
            mask[:, np.arange(across + 1) % px(7) >= px(4)] = 0
        self.cover(left, top - pad, mask, ink)
        for place in np.flatnonzero(_lonely(y)):
            self.dot(box[0] + x[place] * box[2], box[1] + (1 - y[place]) * box[3], 1.4 * width, ink)

    def png(self) -> bytes:
        """Return the sheet as a PNG file."""
        height, width = self.pixels.shape
        image = Image.frombytes("P", (width, height), self.pixels.tobytes())
        image.putpalette(PALETTE)
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=6, dpi=(96 * SCALE, 96 * SCALE))
        return file.getvalue()


def _coverage(share: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _lonely(y: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which points have no neighbour to draw a line to."""
    finite = np.isfinite(y)
    near = np.zeros(len(y) + 2, bool)
    near[1:-1] = finite
    return finite & ~near[:-2] & ~near[2:]


def _heights(n: int, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the line's height at each of `n` columns of pixels; NaN where there is none."""
    columns = np.arange(n, dtype=float)
    if len(x) < 2:
        return np.full(n, np.nan)
    # A NaN at either end of a piece makes all of the piece NaN.
    return np.asarray(np.interp(columns, x, y, left=np.nan, right=np.nan))


def _stroke(heights: npt.NDArray[np.float64], n_rows: int, width: float) -> npt.NDArray[np.uint8]:
    """Return what a line of this width covers, shape `(n_rows, len(heights))`: its area in each pixel."""
    before = np.concatenate([heights[:1], (heights[1:] + heights[:-1]) / 2])
    after = np.concatenate([(heights[1:] + heights[:-1]) / 2, heights[-1:]])
    before, after = np.where(np.isnan(before), heights, before), np.where(np.isnan(after), heights, after)
    # Nearly as wide across a steep piece as across a level one; more would overshoot at its ends.
    half = width / 2 * np.minimum(np.hypot(1, after - before), 1.6)
    low, high = np.minimum(before, after) - half, np.maximum(before, after) + half
    rows = np.arange(n_rows, dtype=float)[:, None]
    covered = np.minimum(rows + 1, high) - np.maximum(rows, low)
    return _coverage(np.nan_to_num(covered, nan=0))
