"""The timeline of the still picture: losses at the left axis, other metrics at the right one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from nnviz_widgets.sharing.still_words import short

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.protocol import Status
    from nnviz_widgets.sharing.sheet import Box, Ink, Sheet

NOT_DRAWN = ("gradient_l2", "learning_rate", "lr")
"""Metrics that say how the run is made, not how it goes."""

MOST_EPOCHS = 500
_INTERVALS = 4
_FONT = 11

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its name, the layer that it is of (`None`: a metric), its steps and values."""

    name: str
    layer: str | None
    steps: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line as it is drawn."""

    line: Line
    side: Side
    ink: Ink
    label: str | None


@dataclass(frozen=True, slots=True)
class Axis:
    """From round number to round number."""

    low: float
    high: float
    step: float

    def ticks(self) -> list[float]:
        """Return the numbers that are written beside it."""
        return [self.low + i * self.step for i in range(round((self.high - self.low) / self.step) + 1)]


def smooth(values: npt.NDArray[np.float64], window: float) -> npt.NDArray[np.float64]:
    """Return the mean over a window around each value, cut at the ends; what is not finite is left out."""
    half = int(window / 2)
    finite = np.isfinite(values)
    sums = np.concatenate([[0], np.cumsum(np.where(finite, values, 0))])
    counts = np.concatenate([[0], np.cumsum(finite)])
    at = np.arange(len(values))
    low, high = np.maximum(0, at - half), np.minimum(len(values), at + half + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (sums[high] - sums[low]) / (counts[high] - counts[low])
    return np.where(finite, means, np.nan)


def range_of(values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the smallest and the largest finite value, `None` if there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else None


def axis_of(lowest: float, highest: float) -> Axis:
    """Return an axis from zero, or from below it, to beyond the extremes in a few equal steps."""
    low, high = min(0.0, lowest), max(0.0, highest)
    step = _nice((high - low) / _INTERVALS) if high > low else 1.0
    while True:
        first, last = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
        if last - first <= _INTERVALS:
            return Axis(first * step, max(last, first + 1) * step, step)
        step = _nice(step * 1.5)


def _nice(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return power * next((each for each in (1, 2, 5) if each * power >= least * 0.999_999), 10)


def is_loss(name: str) -> bool:
    """Whether a metric is a loss."""
    return name == "loss" or name.endswith("_loss")


def curves_of(lines: list[Line]) -> list[Curve]:
    """Return what is drawn of the metrics: the loss of each batch in grey, smoothed over it."""
    metrics = [line for line in lines if line.layer is None and line.name not in NOT_DRAWN]
    drawn = [line for line in metrics if range_of(line.values) is not None]
    losses = [line for line in drawn if is_loss(line.name)]
    of_batches = any(line.name == "batch_loss" for line in drawn)
    curves: list[Curve] = []
    for line in drawn:
        side: Side = "left" if is_loss(line.name) or not losses else "right"
        if line.name == "batch_loss":
            mean = Line("loss", None, line.steps, smooth(line.values, len(line.values) / 24))
            curves += [Curve(line, side, "raw", None), Curve(mean, side, "accent", "loss")]
        elif line.name != "loss" or not of_batches:  # Keras' own is a mean that starts anew in each epoch
            ink: Ink = "accent" if is_loss(line.name) else "second" if line.name.endswith("accuracy") else "muted"
            curves.append(Curve(line, side, ink, line.name))
    return curves


def draw_timeline(sheet: Sheet, box: Box, lines: list[Line], status: Status) -> None:
    """Draw the metrics over the whole length of the run into a box of left, top, width and height."""
    left, top, width, height = box
    curves = curves_of(lines)
    axes = {side: _axis(curves, side) for side in ("left", "right")}
    frame = (left + 44, top + 12, width - 44 - (52 if axes["right"] else 16), height - 32)
    last = max(status.total_steps or 0, status.step, *(int(curve.line.steps[-1]) for curve in curves), 1)
    _draw_frame(sheet, frame, last, status)
    for side, axis in axes.items():
        if axis is not None:
            _draw_axis(sheet, frame, axis, left=side == "left")
    for curve in curves:
        axis = axes[curve.side]
        assert axis is not None
        y = (curve.line.values - axis.low) / (axis.high - axis.low)
        dashed = curve.line.name.startswith("val_")
        sheet.curve(frame, curve.line.steps / last, y, curve.ink, width=1 if curve.ink == "raw" else 1.5, dashed=dashed)
    _draw_names(sheet, frame, curves, axes, last)
    if not curves:
        sheet.text(frame[0] + 10, top + height / 2, "loss and metrics appear with the first step", "muted", _FONT)


def _axis(curves: list[Curve], side: str) -> Axis | None:
    values = [curve.line.values for curve in curves if curve.side == side]
    found = range_of(np.concatenate(values)) if values else None
    if found is None:
        return None
    low, high = found
    share = not any(is_loss(curve.line.name) for curve in curves if curve.side == side) and low >= 0 and high <= 1
    return axis_of(low, 1 if share else high)


def _draw_frame(sheet: Sheet, frame: Box, last: int, status: Status) -> None:
    x, y, width, height = frame
    each = status.steps_per_epoch
    epochs = math.ceil(last / each) if each else 0
    for place in {0, last} if not 0 < epochs <= MOST_EPOCHS else {*range(0, last, each or 1), last}:
        sheet.rect(x + width * place / last, y, 0.5, height, "line")
    if not each or not 0 < epochs <= MOST_EPOCHS:
        sheet.text(x + width, y + height + 15, f"step {last:,}", "muted", _FONT, anchor="end")
        return
    before = 0 if status.total_steps is None else max(0, status.epochs - epochs)
    room = width * each / last
    for index in range(epochs) if room > 18 else ():
        end = min((index + 1) * each, last)
        words = f"epoch {index + 1 + before}" if room > 60 else f"{index + 1 + before}"
        middle = x + width * (index * each + end) / 2 / last
        sheet.text(middle, y + height + 15, words, "muted", _FONT, anchor="middle")


def _draw_axis(sheet: Sheet, frame: Box, axis: Axis, *, left: bool) -> None:
    x, y, width, height = frame
    for tick in axis.ticks():
        at = y + height * (1 - (tick - axis.low) / (axis.high - axis.low))
        if left:  # two sets of lines would be a mesh
            sheet.rect(x, at, width, 0.5, "line")
        place = x - 7 if left else x + width + 7
        sheet.text(place, at + 4, short(round(tick, 12)), "muted", _FONT, anchor="end" if left else "start")


def _draw_names(
    sheet: Sheet,
    frame: Box,
    curves: list[Curve],
    axes: dict[str, Axis | None],
    last: int,
) -> None:
    """Write the names behind the newest end of all lines, or before it where there is no room."""
    x, y, width, height = frame
    ends: list[tuple[float, float, Curve]] = []
    for curve in curves:
        finite = np.flatnonzero(np.isfinite(curve.line.values))
        axis = axes[curve.side]
        if curve.label is not None and axis is not None and finite.size:
            share = (curve.line.values[finite[-1]] - axis.low) / (axis.high - axis.low)
            ends.append((y + height * (1 - share), x + width * curve.line.steps[finite[-1]] / last, curve))
    if not ends:
        return
    newest = max(end for _, end, _ in ends)
    behind = newest + 14 + 110 < x + width
    both = axes["left"] is not None and axes["right"] is not None
    places = _spread([at if behind else at + (-14 if at - 14 > y + 7 else 14) for at, _, _ in ends], y + 7, y + height)
    for place, (_, _, curve) in zip(places, ends, strict=True):
        words = f"{curve.label} ({curve.side})" if both else f"{curve.label}"
        at = newest + (14 if behind else -14)
        sheet.text(at, place + 4, words, curve.ink, _FONT, anchor="start" if behind else "end", width=160, rim=True)


def _spread(wished: list[float], low: float, high: float, gap: float = 14) -> list[float]:
    """Return places near those wished for, a gap apart and within the range as far as they fit."""
    order = sorted(range(len(wished)), key=wished.__getitem__)
    places = list(wished)
    floor = low
    for index in order:
        places[index] = max(places[index], floor)
        floor = places[index] + gap
    ceiling = high
    for index in reversed(order):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - gap
    return places
