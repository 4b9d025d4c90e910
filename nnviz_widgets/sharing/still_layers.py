"""The layer list of the still picture: a row for each layer, with its health strip and its newest figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.sharing.still_timeline import range_of, smooth
from nnviz_widgets.sharing.still_words import health_words, sick_words

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.protocol import Health, LayerEntry
    from nnviz_widgets.sharing.sheet import Box, Ink, Sheet
    from nnviz_widgets.sharing.still_timeline import Line

LIST_WIDTH = 248
HEAD, STRIP, WORDS = 32, 31, 16
"""CSS pixels of the parts of a row, as in `js/src/rows.ts`."""
_TITLE = 32
_MORE = 24
_WIDE = 30
"""From this ratio of extremes on, a norm is drawn by its logarithm."""


def _row_height(entry: LayerEntry, health: Health | None, strips: dict[str, Line]) -> int:
    words = 0 if health is None else bool(health_words(health)) + bool(sick_words(health))
    return HEAD + (STRIP if entry.path in strips else 0) + WORDS * words


def height_of_layers(entries: list[LayerEntry], health: list[Health], strips: dict[str, Line]) -> int:
    """Return the height of all rows and their title in CSS pixels."""
    known = {each.layer: each for each in health}
    return _TITLE + sum(_row_height(entry, known.get(entry.path), strips) for entry in entries) + 8


def draw_layers(
    sheet: Sheet,
    box: tuple[float, float, float],
    entries: list[LayerEntry],
    health: list[Health],
    strips: dict[str, Line],
    chosen: str | None,
) -> None:
    """Draw as many rows as fit, with the chosen one among them, and say how many there are besides.

    Args:
        sheet: Where to draw.
        box: Left, top and height.
        entries: The layers.
        health: Their newest figures.
        strips: The norm of the gradients over the steps, by the layer's path.
        chosen: Path of the layer whose weights are drawn.
    """
    left, top, height = box
    known = {each.layer: each for each in health}
    heights = [_row_height(entry, known.get(entry.path), strips) for entry in entries]
    first, last = _fitting(heights, _index_of(entries, chosen), height - _TITLE)
    sheet.text(left + 14, top + 22, "Layers", "muted", 12, bold=True)
    if len(entries) > 1:
        sheet.text(left + LIST_WIDTH - 14, top + 22, f"{len(entries):,}", "muted", 11, anchor="end")
    y = top + _TITLE
    if first:
        y += _draw_more(sheet, left, y, first, "before")
    for entry, row in zip(entries[first:last], heights[first:last], strict=True):
        _draw_row(sheet, (left, y, row), entry, known.get(entry.path), strips.get(entry.path), entry.path == chosen)
        y += row
    if last < len(entries):
        _draw_more(sheet, left, y, len(entries) - last, "after" if first else "more")


def _index_of(entries: list[LayerEntry], chosen: str | None) -> int:
    return next((index for index, entry in enumerate(entries) if entry.path == chosen), 0)


def _fitting(heights: list[int], chosen: int, room: float) -> tuple[int, int]:
    """Return which rows are drawn, first and one after the last."""
    if sum(heights) <= room:
        return 0, len(heights)
    first = 0
    while True:
        left = room - _MORE - (_MORE if first else 0)
        last = first
        while last < len(heights) and heights[last] <= left:
            left -= heights[last]
            last += 1
        if last > chosen or last == len(heights):
            return first, max(last, first + 1)
        first += 1


def _draw_more(sheet: Sheet, left: float, y: float, n: int, where: str) -> int:
    sheet.text(left + 14, y + 15, f"… {n:,} {where}", "muted", 11)
    return _MORE


def _draw_row(
    sheet: Sheet,
    box: tuple[float, float, float],
    entry: LayerEntry,
    health: Health | None,
    strip: Line | None,
    chosen: bool,
) -> None:
    left, y, height = box
    if chosen:
        sheet.rect(left + 6, y, LIST_WIDTH - 12, height, "raised")
        sheet.rect(left + 6, y, 3, height, "select")
    indent = 14 + 12 * min(entry.path.count("/"), 6)
    right = left + LIST_WIDTH - 14
    length = sheet.text(left + indent, y + 20, entry.name, size=13, bold=True, width=(LIST_WIDTH - indent) * 0.6)
    room = LIST_WIDTH - indent - 14 - length - 8
    sheet.text(right, y + 20, entry.summary, "muted", 11, anchor="end", width=room)
    y += HEAD - 5
    if strip is not None:
        draw_strip(sheet, (left + indent, y + 2, LIST_WIDTH - indent - 14, 22), strip)
        y += STRIP
    if health is None:
        return
    inked: tuple[tuple[str, Ink], ...] = ((health_words(health), "muted"), (sick_words(health), "bad"))
    for words, ink in inked:
        if words:
            sheet.text(left + indent, y + 11, words, ink, 11, width=LIST_WIDTH - indent - 14)
            y += WORDS


def draw_strip(sheet: Sheet, box: Box, strip: Line) -> None:
    """Draw a norm over the steps, raw and smoothed; one that decays by orders of magnitude by its logarithm."""
    values = _to_scale(strip.values)
    found = range_of(values)
    if found is None:
        return
    low, high = found if found[0] < found[1] else (found[0] - 1, found[1] + 1)
    first, last = strip.steps[0], strip.steps[-1]
    x = (strip.steps - first) / ((last - first) or 1)
    sheet.curve(box, x, (values - low) / (high - low), "raw", width=1)
    sheet.curve(box, x, (smooth(values, len(values) / 16) - low) / (high - low), "accent")


def _to_scale(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    found = range_of(values[values > 0])
    if found is None or found[1] < found[0] * _WIDE:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)
