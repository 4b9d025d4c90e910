"""The pictures of one subject at one step, drawn by the code that draws the live view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from nnviz_widgets.core.frame import Frame
from nnviz_widgets.core.numeric import as_real
from nnviz_widgets.core.pooling import pool
from nnviz_widgets.core.stats import limits
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.pictures.encoding import encode
from nnviz_widgets.pictures.neuron import NeuronParts
from nnviz_widgets.pictures.picture import REDUCE, Look, Picture, missing, picture
from nnviz_widgets.pictures.stack import stacked
from nnviz_widgets.protocol import MapRequest, Plane, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.sharing.subjects import Subject

EVERYTHING = 1 << 30
"""As many rows, columns, samples or indices as there are."""

N_BINS = 64
"""Of a histogram. One of fewer values would tell nearly all of them, and is not made."""

MEAN = "mean over all places"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture.

    Attributes:
        plane: Its header.
        cells: bfloat16 patterns; `None` where there are none.
        sample: Which sample it is of, `None` if it is the same for all.
    """

    plane: Plane
    cells: bytes | None
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a subject is drawn.

    Attributes:
        side: The most rows and columns.
        samples: The most samples, where each has a picture of its own.
        slices: The most indices along all axes that do not lie on the picture.
    """

    side: int = EVERYTHING
    samples: int = EVERYTHING
    slices: int = EVERYTHING


def first_picture(recording: Recording, subject: Subject, step: int) -> Picture | str | None:
    """Return the picture of the first sample and slice of a subject, or why there is none; `None` if it is not kept."""
    if subject.part == "input":
        return _input(recording, subject, step, 0)
    frame = frame_of(recording, subject, step)
    return None if frame is None else picture(frame, _note(recording, subject))


def _note(recording: Recording, subject: Subject) -> str | None:
    return MEAN if subject.part == "samples" else recording.spec(subject.key).note


def _input(recording: Recording, subject: Subject, step: int, sample: int) -> Picture | str:
    """Return what a layer is fed of one sample."""
    request = _request(subject)
    watch = Watch(id=0, client="", layer=subject.layer, step=step, sample=sample, maps=[request])
    return NeuronParts(recording, watch, step).drawing(request, subject.key)


def draw_subject(recording: Recording, subject: Subject, step: int, room: Room) -> Iterator[Drawn]:
    """Yield the pictures of a subject that may be shown whole, at one step; none if it is not kept any more.

    Args:
        recording: Where it is read.
        subject: What.
        step: One of its steps.
        room: How much of it.
    """
    side = room.side if subject.most_side is None else min(room.side, subject.most_side)
    if subject.part == "input":
        yield from _inputs(recording, subject, step, side, room.samples)
        return
    first = first_picture(recording, subject, step)
    if isinstance(first, str):
        yield Drawn(missing(_request(subject), first), None)
    elif first is not None:
        yield from _slices(first, _note(recording, subject), subject, side, room)


def frame_of(recording: Recording, subject: Subject, step: int) -> Frame | None:
    """Return the tensor that a subject is drawn of; `None` if it is not kept, or not together with its companions."""
    try:
        frame = recording.frame(subject.key, step)
        if subject.together:
            frame = stacked(recording, frame)
            return frame if frame.key.variable is None else None
    except NnvizError:
        return None  # thinned out meanwhile, or too large for its device: as for the live view, there is no such step
    return _mean_over_places(frame) if subject.part == "samples" else frame


def _mean_over_places(frame: Frame) -> Frame | None:
    """Return the activation of each neuron for each sample, `(sample, neuron)`."""
    if frame.neuron_axis is None or frame.axes[:1] != ("sample",) or frame.array.ndim < 3:
        return None
    places = tuple(axis for axis in range(1, frame.array.ndim) if axis != frame.neuron_axis)
    with np.errstate(over="ignore", invalid="ignore"):
        means = (frame.array if frame.array.dtype.kind == "c" else as_real(frame.array)).mean(axis=places)
    return Frame(frame.key, frame.step, means, ("sample", frame.axes[frame.neuron_axis]), 1)


def _slices(first: Picture, note: str | None, subject: Subject, side: int, room: Room) -> Iterator[Drawn]:
    """Yield a picture for each sample and for each index along the axes that do not lie on it."""
    layout = first.layout
    plane, cells = first.draw(side, side, "bf16", thorough=subject.part == "map")
    plane = msgspec.structs.replace(plane, part=subject.part)
    n_samples = 1 if layout.sample_axis is None else min(room.samples, layout.view.shape[layout.sample_axis])
    places = product(*(range(further.size) for further in layout.further))
    for at in islice(places, room.slices):
        for sample in range(n_samples):
            if sample or any(at):
                named = {each.name: index for each, index in zip(layout.further, at, strict=True)}
                other = picture(first.frame, note, Look(sample, named))
                assert isinstance(other, Picture)  # as the first one is
                now, cells = _again(other, plane, side)
            else:
                now = plane
            yield Drawn(now, cells, None if layout.sample_axis is None else sample)


def _again(other: Picture, plane: Plane, side: int) -> tuple[Plane, bytes]:
    """Draw another slice of a tensor; what is told of the whole tensor is that of `plane`, and not looked for again."""
    if plane.n_nan or plane.n_posinf or plane.n_neginf:
        drawn, cells = other.draw(side, side, "bf16")
        return msgspec.structs.replace(drawn, part=plane.part, histogram=plane.histogram), cells
    rows, cols = other.rows.fit(side), other.cols.fit(side)
    tiles = other.layout.arrange(other.values)[(*other.rows.slices, *other.cols.slices)]
    values = pool(tiles, rows, cols, REDUCE[other.frame.key.kind], negative_infinity=False)
    changed: dict[str, Any] = {"further": list(other.layout.further)}
    if plane.reduce != "none":
        drawn_limits = limits(values)
        changed |= {"clip_low": drawn_limits.clip_low, "clip_high": drawn_limits.clip_high}
    cells = encode(values, "bf16", row_gaps=rows.gaps, col_gaps=cols.gaps)
    return msgspec.structs.replace(plane, **changed), cells


def _inputs(recording: Recording, subject: Subject, step: int, side: int, samples: int) -> Iterator[Drawn]:
    """Yield what a layer is fed of each sample."""
    try:
        n_samples = len(recording.frame(subject.key, step).array)
    except NnvizError:
        return  # as in `frame_of`
    for sample in range(min(n_samples, samples)):
        drawn = _input(recording, subject, step, sample)
        if isinstance(drawn, str):
            yield Drawn(missing(_request(subject), drawn), None)
            return
        plane, cells = drawn.draw(side, side, "bf16")
        yield Drawn(msgspec.structs.replace(plane, part="input"), cells, sample)


def draw_histogram(recording: Recording, subject: Subject, step: int) -> Drawn | None:
    """Return the header of a subject that may not be shown, with the histogram of all its values.

    Its ends are rounded away from the values: the least and the greatest are each a value of one sample.
    """
    frame = frame_of(recording, subject, step)
    assert subject.why_not is not None
    if frame is None or isinstance(drawn := picture(frame), str):
        return None
    plane = msgspec.structs.replace(
        missing(_request(subject), subject.why_not), variable=frame.key.variable, dtype=frame.array.dtype.name
    )
    values = as_real(drawn.values)
    found = limits(values)
    if found.low is None or found.high is None or values.size < N_BINS:
        return Drawn(plane, None)
    low, high = rounded_outward(found.low, found.high)
    return Drawn(msgspec.structs.replace(plane, low=low, high=high, histogram=_counts(values, low, high)), None)


def _counts(values: npt.NDArray[np.float64], low: float, high: float) -> list[int]:
    """Count the finite values in bins of equal width."""
    finite = values[np.isfinite(values)]
    if low == high:
        return [finite.size] + [0] * (N_BINS - 1)
    # By halves, as the difference of the largest float64 and the least one is none.
    bins = ((finite / 2 - low / 2) * (N_BINS / (high / 2 - low / 2))).astype(np.intp)
    found: list[int] = np.bincount(np.minimum(bins, N_BINS - 1), minlength=N_BINS).tolist()
    return found


def rounded_outward(low: float, high: float) -> tuple[float, float]:
    """Return a range with ends of one digit, in units of its own size, that holds `low` to `high`."""
    size = max(abs(low), abs(high))
    if size == 0 or not math.isfinite(size):
        return low, high
    unit = 10.0 ** math.floor(math.log10(size)) / 2
    return math.floor(low / unit) * unit, math.ceil(high / unit) * unit


def draw_words(subject: Subject) -> Drawn:
    """Return the header of a subject of which nothing may be shown, which says so."""
    assert subject.why_not is not None
    return Drawn(missing(_request(subject), subject.why_not), None)


def _request(subject: Subject) -> MapRequest:
    return MapRequest(
        tensor="activations" if subject.part == "input" else subject.key.kind,
        max_rows=1,
        max_cols=1,
        variable=None if subject.together or subject.part == "input" else subject.key.variable,
        output=0 if subject.part == "input" else subject.key.output,
        part=subject.part,
    )
