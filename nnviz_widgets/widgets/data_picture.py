"""What data look like, drawn in Python: histograms, profiles over the features, maps, counts of classes.

Each function returns inline SVG without a script. Its colours are classes of the sheet `STYLE`, which takes them from
JupyterLab's theme, so that a picture changes with it. No sample is in a picture, only counts and statistics.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.figure_style import number
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.widgets.data_words import near_zero
from nnviz_widgets.widgets.svg import line, picture, rect, text, ticks

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from nnviz_widgets.core.data_summary import DataSummary, Histogram
    from nnviz_widgets.core.label_summary import LabelSummary

WIDTH = 440
_LEVELS = 16
_MAX_CELLS = 56
_MAX_BARS = 110
_MAX_CLASSES = 20


def histogram_picture(found: Histogram, label: str, selected: bool = False) -> str:
    """Draw a histogram; a bar that would dwarf all others is cut, and has its share written beside it."""
    height, top, base = 112, 16, 88
    total = int(found.counts.sum())
    if total == 0:
        return picture(WIDTH, height, f"{label}: no finite value", text(WIDTH / 2, 56, "no finite value", "middle"))
    tallest = int(found.counts.argmax())
    others = np.delete(found.counts, tallest)
    limit = max(
        1, others.max() * 1.3 if others.any() and found.counts[tallest] > 3 * others.max() else found.counts.max()
    )
    low, high = float(found.edges[0]), float(found.edges[-1])
    if len(found.counts) == 1:
        return _one_bar((low + high) / 2, total, label, "nnv-bar nnv-selected" if selected else "nnv-bar")
    step = WIDTH / len(found.counts)
    of = "nnv-bar nnv-selected" if selected else "nnv-bar"
    bars = []
    for i, count in enumerate(found.counts):
        # A bin that is not empty is seen.
        tall = 0 if count == 0 else max(1.0, min(count / limit, 1.0) * (base - top))
        where = f"{number(found.edges[i])} to {number(found.edges[i + 1])}: {count:,}"
        bars.append(rect(i * step + 0.5, base - tall, step - 1, tall, of, where))
    share = found.counts[tallest] / total
    fullest = f"{share:.0%} from {number(found.edges[tallest])} to {number(found.edges[tallest + 1])}"
    if found.counts[tallest] > limit:
        x = tallest * step
        bars.append(f'<path d="M{x - 1:.1f} {top + 9} l{step + 2:.1f} -5 v4 l{-step - 2:.1f} 5z" class="nnv-cut"/>')
        before = x > WIDTH / 2
        bars.append(text(x - 4 if before else x + step + 4, top + 9, f"{share:.0%}", "end" if before else "start"))
    axis = line(0, base, WIDTH, base, "nnv-hair") + ticks(low, high, 0, WIDTH, base)
    spoken = f"{label}: histogram of {total:,} values from {number(low)} to {number(high)}, {fullest}"
    return picture(WIDTH, height, spoken, "".join(bars) + axis)


def _one_bar(value: float, total: int, label: str, of: str) -> str:
    bar = rect(WIDTH / 2 - 5, 16, 10, 72, of, f"{number(value)}: {total:,}")
    axis = line(0, 88, WIDTH, 88, "nnv-hair") + text(WIDTH / 2, 102, number(value), "middle")
    return picture(WIDTH, 112, f"{label}: all {total:,} values are {number(value)}", bar + axis)


def profile_picture(data: DataSummary, selected: int, name: Callable[[int], str], label: str) -> str:
    """Draw range (thin) and mean ± deviation (thick) of each feature, on one scale for all of them."""
    height, top, base, left = 150, 8, 128, 52
    low, high, mean, deviation = (values.ravel() for values in (data.low, data.high, data.mean, data.deviation))
    if not np.isfinite(low).any():
        return picture(WIDTH, height, f"{label}: no finite value", text(WIDTH / 2, 70, "no finite value", "middle"))
    least, most = float(np.nanmin(low)), float(np.nanmax(high))
    least, most = (least, most) if most > least else (least - 0.5, most + 0.5)

    def y(value: float) -> float:
        return base - (base - top) * (value / (most - least) - least / (most - least))

    n_joined = math.ceil(data.n_features / _MAX_BARS)
    n_bars = math.ceil(data.n_features / n_joined)
    step = (WIDTH - left) / n_bars
    chosen = selected // n_joined
    band = max(3.0, min(step, 34))
    marks = [rect(left + (chosen + 0.5) * step - band / 2, top - 4, band, base - top + 8, "nnv-chosen")]
    with np.errstate(over="ignore"):
        floor, ceiling = np.maximum(mean - deviation, low), np.minimum(mean + deviation, high)
    for i in range(n_bars):
        part = slice(i * n_joined, (i + 1) * n_joined)
        if np.isnan(low[part]).all():
            continue
        x, of = left + i * step, " nnv-selected" if i == chosen else ""
        ends = (np.nanmin(low[part]), np.nanmax(high[part]), np.nanmin(floor[part]), np.nanmax(ceiling[part]))
        words = f"{name(i * n_joined)}: {number(ends[0])} to {number(ends[1])}"
        words += f", mean {number(mean[i])}, deviation {number(deviation[i])}" if n_joined == 1 else " and neighbours"
        middle, wide = x + step / 2, max(1.0, min(step * 0.6, 14))
        marks.append(rect(middle - 0.5, y(ends[1]), 1, y(ends[0]) - y(ends[1]), "nnv-range" + of))
        marks.append(
            rect(middle - wide / 2, y(ends[3]), wide, max(1.5, y(ends[2]) - y(ends[3])), "nnv-bar" + of, words)
        )
    sides = text(left - 6, top + 8, number(most), "end") + text(left - 6, base, number(least), "end")
    if least < 0 < most:
        marks.insert(0, line(left, y(0), WIDTH, y(0), "nnv-hair"))
        if min(y(0) - top, base - y(0)) > 22:
            sides += text(left - 6, y(0) + 4, "0", "end")
    names = _names_beneath(
        left, step, height - 6, [name(i * n_joined) for i in range(n_bars - 1)] + [name(data.n_features - 1)]
    )
    widest = int(np.nanargmax(deviation))
    spoken = (
        f"{label}: mean and deviation of {data.n_features:,} features, all values from {number(least)} to "
        f"{number(most)}; {name(widest)} varies most, by {number(deviation[widest])}"
    )
    return picture(WIDTH, height, spoken, "".join(marks) + sides + names)


def _names_beneath(left: float, step: float, y: float, names: list[str]) -> str:
    """Write the name of each feature where there is room, else those of the first and the last."""
    if max(map(len, names)) * 6.2 <= step:
        return "".join(text(left + (i + 0.5) * step, y, words, "middle") for i, words in enumerate(names))
    return text(left, y, cut(names[0], 30)) + text(WIDTH, y, cut(names[-1], 30), "end")


def maps_picture(data: DataSummary, selected: int, label: str) -> str:
    """Draw mean and deviation of each feature where it lies in a sample, both on one scale."""
    side, top, gap = 168, 18, 22
    mean, place = _as_map(data.mean, selected)
    deviation, _ = _as_map(data.deviation, selected)
    if not np.isfinite(mean).any():
        return picture(WIDTH, 60, f"{label}: no finite value", text(WIDTH / 2, 34, "no finite value", "middle"))
    high = max(float(np.nanmax(mean)), float(np.nanmax(deviation)))
    low = float(np.nanmin(mean))
    low = 0.0 if low > -1e-6 * high else low
    high = high if high > low else low + 1
    rows, columns = mean.shape
    by = max(1, math.ceil(max(rows, columns) / _MAX_CELLS))
    cell = side / max(math.ceil(rows / by), math.ceil(columns / by))
    tall = cell * math.ceil(rows / by)
    drawn = []
    for i, (values, what) in enumerate(((mean, "mean"), (deviation, "deviation"))):
        x = i * (side + gap)
        cells = _cells(_pooled(values, by), low, high)
        where = f'x="{place[1] // by}" y="{place[0] // by}" width="1" height="1"'
        mark = f'<rect {where} class="nnv-halo"/><rect {where} class="nnv-cross"/>'
        drawn.append(text(x, 11, what))
        drawn.append(f'<g transform="translate({x} {top}) scale({cell:.3f})" class="nnv-cells">{cells}{mark}</g>')
    x = 2 * (side + gap) - 4
    for level in range(_LEVELS):
        part = tall / _LEVELS
        drawn.append(rect(x, top + tall - (level + 1) * part, 9, part + 0.5, f"nnv-l{level}"))
    drawn += [text(x + 13, top + 9, number(high)), text(x + 13, top + tall, number(low))]
    if by > 1:
        drawn.append(text(0, top + tall + 14, f"mean of {by} × {by} features"))
    steady = int(np.sum(np.nan_to_num(data.deviation) == 0))
    spoken = (
        f"{label}: maps of mean ({near_zero(float(np.nanmin(mean)), high)} to "
        f"{near_zero(float(np.nanmax(mean)), high)}) and deviation "
        f"({number(float(np.nanmin(deviation)))} to {number(float(np.nanmax(deviation)))}) of "
        f"{data.n_features:,} features; {steady:,} do not vary"
    )
    return picture(WIDTH, top + tall + (20 if by > 1 else 4), spoken, "".join(drawn))


def labels_picture(labels: LabelSummary) -> str:
    """Draw how often each class is there, with a dashed line at equal shares; or the distribution of numbers."""
    if labels.numbers is not None:
        return histogram_picture(labels.numbers, "Labels")
    order = np.arange(len(labels.names))
    if len(order) > _MAX_CLASSES:
        order = np.argsort(-labels.counts, kind="stable")[:_MAX_CLASSES]
    name_width = min(110, 12 + 6.5 * max(len(cut(labels.names[i], 16)) for i in order))
    most, row, room = max(1, int(labels.counts.max())), 17, WIDTH - name_width - 112
    bars, words = [], []
    for place, i in enumerate(order):
        y, count = place * row, int(labels.counts[i])
        words.append(text(name_width - 6, y + 12, cut(labels.names[i], 16), "end", "nnv-name"))
        bars.append(rect(name_width, y + 2, room * count / most, row - 4, "nnv-bar"))
        share = count / max(1, labels.n)
        words.append(text(WIDTH - 60, y + 12, f"{count:,}", "end"))
        words.append(text(WIDTH, y + 12, f"{share:.1%}", "end"))
    if labels.kind == "classes":
        x = name_width + room * labels.n / len(labels.names) / most
        bars.append(line(x, 0, x, len(order) * row, "nnv-dash"))
    height = len(order) * row + 2
    if len(order) < len(labels.names):
        rest = np.delete(labels.counts, order)
        words.append(text(name_width, height + 12, f"and {rest.size:,} more, {rest.min():,} to {rest.max():,} each"))
        height += 18
    listed = ", ".join(f"{labels.names[i]} {labels.counts[i]:,}" for i in order)
    return picture(WIDTH, height, f"Labels: {listed}", "".join([*bars, *words]))


def is_map(shape: tuple[int, ...]) -> bool:
    """Return whether features have a place on a map: pixels, or channels over time."""
    return len(shape) >= 2 and min(shape[0], shape[1]) > 1


def _as_map(values: npt.NDArray[Any], selected: int) -> tuple[npt.NDArray[Any], tuple[int, int]]:
    """Return a statistic as rows and columns, and where a feature is: colours are averaged, other axes follow."""
    index = np.unravel_index(selected, values.shape)
    if values.ndim == 3 and values.shape[2] <= 4:
        seen = ~np.isnan(values)
        total = np.where(seen, values, 0).sum(axis=2)
        n = seen.sum(axis=2)
        return np.where(n > 0, total / np.maximum(n, 1), np.nan), (int(index[0]), int(index[1]))
    columns = values.shape[-1]
    return values.reshape(-1, columns), divmod(selected, columns)


def _pooled(values: npt.NDArray[Any], by: int) -> npt.NDArray[Any]:
    """Return the means of tiles of `by` times `by` values; NaN where a tile has none."""
    if by == 1:
        return values
    seen = ~np.isnan(values)
    starts = [np.arange(0, size, by) for size in values.shape]

    def sums(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(np.add.reduceat(np.add.reduceat(array, starts[0], axis=0), starts[1], axis=1))

    n = sums(seen.astype(np.int64))
    return np.where(n > 0, sums(np.where(seen, values, 0)) / np.maximum(n, 1), np.nan)


def _cells(values: npt.NDArray[Any], low: float, high: float) -> str:
    """Return a map as one path for each level, cells of 1 by 1, equal neighbours joined."""
    share = np.nan_to_num((values / (high - low) - low / (high - low)) * (_LEVELS - 1), nan=-1)
    levels = np.clip(np.rint(share), -1, _LEVELS - 1).astype(int)
    paths: dict[int, list[str]] = {}
    for y, row in enumerate(levels):
        starts = np.flatnonzero(np.diff(row, prepend=-2))
        for start, end in zip(starts, [*starts[1:], len(row)], strict=True):
            paths.setdefault(int(row[start]), []).append(f"M{start} {y}h{end - start}v1H{start}z")
    return "".join(
        f'<path class="{"nnv-nan" if level < 0 else f"nnv-l{level}"}" d="{"".join(path)}"/>'
        for level, path in sorted(paths.items())
    )
