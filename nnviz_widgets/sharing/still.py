"""A still picture of what an Inspector shows, for wherever a saved notebook is read: a PNG of weights and metrics.

It holds what the safe default of a shared file holds and no more: weights, metrics, and statistics of whole tensors.
No input, label, activation or gradient is read for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.pictures.kept import key_of
from nnviz_widgets.pictures.layer_list import layers_message
from nnviz_widgets.pictures.picture import picture, shrink
from nnviz_widgets.pictures.series import series_message
from nnviz_widgets.pictures.stack import companions, stacked
from nnviz_widgets.pictures.status import status_of
from nnviz_widgets.sharing.contents import Contents, is_open
from nnviz_widgets.sharing.privacy import MOST_SIDE, Privacy
from nnviz_widgets.sharing.sheet import LEVELS, SCALE, Sheet, colors_of, px, ramp_colors
from nnviz_widgets.sharing.still_layers import LIST_WIDTH, draw_layers, height_of_layers
from nnviz_widgets.sharing.still_timeline import Line, draw_timeline
from nnviz_widgets.sharing.still_words import NO_DATA, figures, name_of, shape_words, short, state_words, told

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.picture import Picture
    from nnviz_widgets.pictures.source import Source
    from nnviz_widgets.protocol import LayerEntry, Plane, Series

WIDTH = 960
"""CSS pixels: about the width of a notebook's output."""

MAX_BYTES = 72 << 10
"""Of a PNG. A saved output holds it twice in base64, as a picture and within HTML: less than 200 KiB."""

MAX_CELLS = 17_000
"""Of a map: noise in so many cells, as weights are, compresses to about 33 kB, as much as all words and lines."""

LEAST_COLS = 128
"""Rows are pooled first: a column is a neuron."""

HEAD, TIMELINE, FOOT = 56, 132, 30
_SAFE = Privacy()
_LABEL, _BAR = 100, 78
_MAP_WIDTH = WIDTH - LIST_WIDTH - 14 - _LABEL - _BAR
_LEAST_BAR = 60
_MAP_HEIGHT = 300
MOST_LIST = 480
"""CSS pixels: of more layers than fit, those around the chosen one are listed."""


@dataclass(frozen=True, slots=True)
class Still:
    """A PNG file and what it shows in words."""

    png: bytes
    words: str
    width: int
    """CSS pixels."""
    height: int


@dataclass(frozen=True, slots=True)
class _Map:
    """The weights of one layer, ready to draw, or why there is nothing to draw."""

    layer: LayerEntry | None
    step: int | None = None
    plane: Plane | None = None
    bits: npt.NDArray[np.uint32] | None = None
    missing: str = ""


def still(source: Source, layer: str = "", step: int = -1) -> Still:
    """Return a still picture of what `source` is now.

    Args:
        source: From `pictures.source.as_source`; of two runs the first is drawn.
        layer: Path of the layer whose weights to draw. If it has none, or they tell of the inputs, as those of a
            `Normalization` do, the first layer is drawn whose weights may be.
        step: At which step; -1 is the newest.
    """
    entries = layers_message(source.recording, source.n_samples).layers
    series, buffers = series_message(source.recording)
    cells = MAX_CELLS
    while True:
        sheet, words = _draw(source, entries, series, buffers, _map_of(source.recording, entries, layer, step, cells))
        png = sheet.png()
        if len(png) <= MAX_BYTES or cells < 100:
            height, width = sheet.pixels.shape
            return Still(png, words, width // SCALE, height // SCALE)
        cells = cells * 3 // 4


def _map_of(recording: Recording, entries: list[LayerEntry], layer: str, step: int, max_cells: int) -> _Map:
    contents = Contents(recording.catalogue)
    chosen = next((entry for entry in entries if entry.path == layer), None)
    if chosen is None or not _open(recording, contents, chosen):
        chosen = next((entry for entry in entries if _open(recording, contents, entry)), None)
    if chosen is None:
        return _Map(
            None, missing="there are no weights to show" if entries else "layers appear when the model is built"
        )
    key = key_of(recording, chosen.path, "weights")
    kept = recording.kept_step(key, step)
    if kept is None:
        return _Map(chosen, missing="no weights are kept yet")
    try:
        drawn = picture(stacked(recording, recording.frame(key, kept)))
    except NnvizError:
        return _Map(chosen, kept, missing="its weights cannot be read")  # an error may name the recording's path
    if isinstance(drawn, str):
        return _Map(chosen, kept, missing=drawn)
    plane, data = drawn.draw(*_limits(drawn, max_cells), "f32")
    return _Map(chosen, kept, plane, np.frombuffer(data, "<u4").reshape(plane.rows, plane.cols))


def _open(recording: Recording, contents: Contents, entry: LayerEntry) -> bool:
    """Whether a layer has weights that may be drawn: statistics of the inputs may not."""
    if "weights" not in entry.tensors:
        return False
    drawn = companions(recording, key_of(recording, entry.path, "weights"))
    return all(is_open(contents.of(key), _SAFE) for key in drawn)


def _limits(drawn: Picture, max_cells: int) -> tuple[int, int]:
    """Return the most rows and columns of a map of so many cells; tiles keep their proportions."""
    if drawn.layout.rows.tiled or drawn.layout.cols.tiled:
        sizes = shrink([(drawn, MOST_SIDE, MOST_SIDE)], "f32", 4 * max_cells)
        return (MOST_SIDE, MOST_SIDE) if sizes is None else sizes[0]
    rows = drawn.rows.fit(MOST_SIDE).cells
    cols = drawn.cols.fit(min(MOST_SIDE, max(LEAST_COLS, max_cells // rows))).cells
    return max(1, min(MOST_SIDE, max_cells // cols)), cols


def _draw(
    source: Source, entries: list[LayerEntry], series: Series, buffers: list[bytes], shown: _Map
) -> tuple[Sheet, str]:
    status = status_of(source)
    lines = lines_of(series, buffers)
    strips = {line.layer: line for line in lines if line.layer is not None and len(line.steps) > 1}
    trained = status.source != "inspection"
    body = max(_height_of_map(shown), min(height_of_layers(entries, series.health, strips), MOST_LIST))
    bottom = HEAD + body + (TIMELINE if trained else 0)
    sheet = Sheet(WIDTH, bottom + FOOT)
    _draw_head(sheet, name_of(status), state_words(status), figures(status), failed=status.state == "failed")
    path = None if shown.layer is None else shown.layer.path
    draw_layers(sheet, (0, HEAD, body), entries, series.health, strips, path)
    sheet.rect(LIST_WIDTH, HEAD, 0.5, body, "line")
    _draw_map(sheet, LIST_WIDTH + 14, HEAD + 14, shown)
    if trained:
        sheet.rect(0, HEAD + body, WIDTH, 0.5, "line")
        draw_timeline(sheet, (0, HEAD + body + 8, WIDTH, TIMELINE - 8), lines, status)
    sheet.rect(0, bottom, WIDTH, 0.5, "line")
    _draw_border(sheet, bottom + FOOT)
    sheet.text(14, bottom + 19, f"A still picture: {NO_DATA}.", "muted", 11)
    sheet.text(WIDTH - 14, bottom + 19, "Run the cell again for the view that moves.", "muted", 11, anchor="end")
    return sheet, told(status, path)


def _draw_border(sheet: Sheet, height: float) -> None:
    """A page is mostly white, and so is the picture."""
    for x, y, across, down in (
        (0, 0, WIDTH, 1),
        (0, height - 1, WIDTH, 1),
        (0, 0, 1, height),
        (WIDTH - 1, 0, 1, height),
    ):
        sheet.rect(x, y, across, down, "line")


def lines_of(series: Series, buffers: list[bytes]) -> list[Line]:
    """Return the lines of a series message as arrays."""
    return [
        Line(
            column.name,
            column.layer,
            np.frombuffer(buffers[column.x_buffer], "<f8"),
            np.frombuffer(buffers[column.y_buffer], "<f4").astype(float),
        )
        for column in series.columns
        if column.n
    ]


def _draw_head(sheet: Sheet, name: str, state: str, told: list[tuple[str, str]], *, failed: bool) -> None:
    sheet.rect(0, HEAD, WIDTH, 0.5, "line")
    right = float(WIDTH - 14)
    for value, label in reversed(told):
        width = max(
            sheet.text(right, 27, value, size=14, bold=True, anchor="end"),
            sheet.text(right, 43, label, "muted", 11, anchor="end", width=90),
        )
        right -= width + 24
    length = sheet.text(14, 34, name, size=16, bold=True, width=min(300, right - 160))
    sheet.dot(14 + length + 18, 29, 4, "bad" if failed else "select")
    sheet.text(14 + length + 28, 33, state, "bad" if failed else "muted", 12, width=right - length - 46)


def _height_of_map(shown: _Map) -> float:
    """Return the height of the map with what is around it."""
    if shown.plane is None:
        return 80
    _, down = _cell_size(shown.plane)
    return max(shown.plane.rows * down / SCALE, _LEAST_BAR) + 14 + 40


def _draw_map(sheet: Sheet, x: float, y: float, shown: _Map) -> None:
    """Draw the weights with their name at the left and their scale at the right."""
    if shown.layer is not None:
        sheet.text(x, y + 12, "weights", size=13, bold=True)
    if shown.plane is None or shown.bits is None:
        sheet.text(x + _LABEL, y + 12, shown.missing, "muted", 12, width=WIDTH - x - _LABEL - 14)
        return
    for index, words in enumerate([*shape_words(shown.plane), *_not_finite(shown.plane)]):
        sheet.text(x, y + 29 + 15 * index, words, "muted", 11, width=_LABEL - 8)
    across, down = _cell_size(shown.plane)
    size = _size(shown.plane)
    sheet.picture(x + _LABEL, y, colors_of(shown.bits, size), across, down)
    width, height = shown.plane.cols * across / SCALE, shown.plane.rows * down / SCALE
    if shown.plane.low is not None:
        _draw_bar(sheet, x + _LABEL + width + 12, y, max(height, _LEAST_BAR), size)
    sheet.text(x + _LABEL, y + max(height, _LEAST_BAR) + 20, _caption(shown), "muted", 11, width=_MAP_WIDTH + _BAR - 14)


def _caption(shown: _Map) -> str:
    layer, plane = shown.layer, shown.plane
    assert layer is not None
    assert plane is not None
    words = [layer.path, layer.summary, f"{layer.n_params:,} parameters", f"step {shown.step:,}"]
    labels = plane.row_axes[0].labels if plane.row_axes else []
    return "   ".join([*words, *([f"rows: {', '.join(labels)}"] if labels else [])])


def _not_finite(plane: Plane) -> list[str]:
    counts = ((plane.n_nan, "NaN"), (plane.n_posinf, "+Inf"), (plane.n_neginf, "−Inf"))
    return [f"{count:,} {name}" for count, name in counts if count]


def _cell_size(plane: Plane) -> tuple[int, int]:
    """Return the pixels of a cell across and down: whole ones, so that all are alike; square where there are tiles."""
    across = min(max(1, px(_MAP_WIDTH) // plane.cols), px(40))
    down = min(max(1, px(_MAP_HEIGHT) // plane.rows), px(40))
    return (min(across, down),) * 2 if plane.gutter else (across, down)


def _size(plane: Plane) -> float:
    """Return the value at the upper end of the colour bar: the percentiles, unless nearly all is zero."""
    clipped = max(abs(plane.clip_low or 0), abs(plane.clip_high or 0))
    return clipped or max(abs(plane.low or 0), abs(plane.high or 0)) or 1.0


def _draw_bar(sheet: Sheet, x: float, y: float, height: float, size: float) -> None:
    colors = ramp_colors()[np.linspace(LEVELS - 1, 0, px(height)).round().astype(int)]
    sheet.picture(x, y, colors[:, None], px(11), 1)
    for words, at in ((short(size), y + 9), ("0", y + height / 2 + 4), (short(-size), y + height)):
        sheet.text(x + 17, at, words, "muted", 11)
