"""Pieces of inline SVG: elements with escaped text, and axes with round numbers."""

from __future__ import annotations

import math
from html import escape

from nnviz_widgets.core.figure_style import number


def picture(width: float, height: float, label: str, body: str) -> str:
    """Return an `<svg>` that fills its column, with `label` for those who do not see it."""
    return (
        f'<svg class="nnv-svg" role="img" aria-label="{escape(label)}" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width:{width * 1.1:g}px">{body}</svg>'
    )


def text(x: float, y: float, words: str, anchor: str = "start", of: str = "") -> str:
    """Return text that begins, ends or has its middle at `x`, on the baseline `y`."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{of}">{escape(words)}</text>'


def rect(x: float, y: float, width: float, height: float, of: str, title: str = "") -> str:
    """Return a rectangle of a class; `title` is shown when the pointer rests on it."""
    shape = f'x="{x:.2f}" y="{y:.2f}" width="{max(width, 0):.2f}" height="{max(height, 0):.2f}" class="{of}"'
    return f"<rect {shape}><title>{escape(title)}</title></rect>" if title else f"<rect {shape}/>"


def line(x1: float, y1: float, x2: float, y2: float, of: str) -> str:
    """Return a straight line of a class."""
    return f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" class="{of}"/>'


def round_numbers(low: float, high: float, n: int = 5) -> list[float]:
    """Return up to about `n` numbers within a range, apart by 1, 2 or 5 times a power of ten."""
    span = high / n - low / n
    if not math.isfinite(span) or span <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span))
    if power == 0:
        return [low]
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= span * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12 - math.floor(math.log10(step))) + 0.0 for index in range(first, last + 1)]


def ticks(low: float, high: float, left: float, right: float, y: float) -> str:
    """Return the labels of a horizontal axis beneath `y`, with a small mark for each."""
    marks = []
    for value in round_numbers(low, high):
        share = 0.5 if high == low else value / (high - low) - low / (high - low)
        x = left + (right - left) * share
        anchor = "start" if x < left + 8 else "end" if x > right - 8 else "middle"
        marks += [line(x, y, x, y + 3, "nnv-hair"), text(x, y + 14, number(value), anchor)]
    return "".join(marks)
