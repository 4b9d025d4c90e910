"""Words as pixels, in the font that comes with Pillow and is so the same on every machine.

That font has the letters and signs of ASCII and few more: signs that our words need are drawn here, accents are left
out, and any other character is a box.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    import numpy.typing as npt

SIGNS: dict[str, tuple[float, tuple[tuple[tuple[float, float], ...], ...]]] = {
    "→": (0.94, (((0.1, 0.28), (0.84, 0.28)), ((0.6, 0.5), (0.84, 0.28), (0.6, 0.06)))),
    "×": (0.6, (((0.11, 0.09), (0.49, 0.47)), ((0.11, 0.47), (0.49, 0.09)))),
    "−": (0.6, (((0.07, 0.28), (0.53, 0.28)),)),
    "–": (0.56, (((0.05, 0.28), (0.51, 0.28)),)),
    "Δ": (0.68, (((0.06, 0.03), (0.34, 0.68), (0.62, 0.03), (0.06, 0.03)),)),
    "▯": (0.6, (((0.08, 0), (0.08, 0.66), (0.52, 0.66), (0.52, 0), (0.08, 0)),)),
}
"""How far a sign moves on, and its strokes, in parts of the size from the baseline."""

STROKE = 0.085
"""The font's own stroke, in parts of the size."""

_EXTRA = "©«°±·»“”…™"
_RUNS = re.compile(f"([{''.join(SIGNS)}])")
_ASCENT, _DESCENT = 0.98, 0.28


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def readable(text: str) -> str:
    """Return `text` in characters that can be drawn: no accents and no control characters, a box for all others."""
    plain = unicodedata.normalize("NFD", text)
    letters = [each for each in plain if unicodedata.category(each) not in ("Mn", "Cf")]
    return "".join(each if each in SIGNS or each in _EXTRA or " " <= each <= "~" else "▯" for each in letters)


def _advance(run: str, size: int) -> float:
    sign = SIGNS.get(run)
    return sign[0] * size if sign is not None else float(_font(size).getlength(run))


@cache
def width_of(text: str, size: int) -> int:
    """Return how wide a text is, in pixels."""
    return round(sum(_advance(run, size) for run in _RUNS.split(readable(text)) if run))


def fitted(text: str, size: int, width: int) -> str:
    """Return as much of `text` as fits into `width` pixels; an ellipsis says that there was more."""
    if len(text) <= 400 and width_of(text, size) <= width:
        return text
    low, high = 0, min(len(text), 400)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width_of(f"{text[:middle]}…", size) <= width else (low, middle - 1)
    return f"{text[:low].rstrip()}…"


def ascent(size: int) -> int:
    """Return the row of the baseline in what `written` draws."""
    return round(_ASCENT * size)


def written(text: str, size: int, *, bold: bool = False) -> npt.NDArray[np.uint8]:
    """Return how far each pixel is covered by a text, 0 to 255, shape `(height, width)`."""
    image = Image.new("L", (width_of(text, size) + 2, round((_ASCENT + _DESCENT) * size)))
    pen = ImageDraw.Draw(image)
    x = 0.0
    for run in _RUNS.split(readable(text)):
        if run in SIGNS:
            _draw_sign(image, run, x, size)
        elif run:
            pen.text((x, ascent(size)), run, 255, _font(size), anchor="ls")
        x += _advance(run, size)
    mask = np.asarray(image)
    return _bolder(mask) if bold else mask


def _bolder(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """There is no second weight of the font: each stroke grows by a pixel."""
    bold = mask.copy()
    np.maximum(bold[:, 1:], mask[:, :-1], out=bold[:, 1:])
    return bold


@cache
def _sign(sign: str, size: int) -> Image.Image:
    """Return a sign with smooth edges, as wide as it moves on."""
    advance, strokes = SIGNS[sign]
    fine = 4
    large = Image.new("L", (fine * round(advance * size), fine * round((_ASCENT + _DESCENT) * size)))
    pen = ImageDraw.Draw(large)
    for stroke in strokes:
        points = [(fine * x * size, fine * (ascent(size) - y * size)) for x, y in stroke]
        pen.line(points, 255, round(fine * STROKE * size), joint="curve")
    return large.reduce(fine)


def _draw_sign(image: Image.Image, sign: str, x: float, size: int) -> None:
    drawn = _sign(sign, size)
    image.paste(255, (round(x), 0, round(x) + drawn.width, drawn.height), drawn)
