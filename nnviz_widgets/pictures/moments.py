"""What of which run a page gets: the tensors of one, or of two the step at which both are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.pictures.branching import stands_at
from nnviz_widgets.pictures.comparison import Comparison
from nnviz_widgets.pictures.frames import shown_step, telling
from nnviz_widgets.pictures.kept import Beside, Twin, key_of
from nnviz_widgets.pictures.picture import joined
from nnviz_widgets.pictures.readout import value_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.source import Source
    from nnviz_widgets.protocol import Frame, ReadValues, Watch

    Keys = list[TensorKey | str]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is drawn for a page.

    Attributes:
        recording: Of which run.
        watch: What the page shows, in the steps of that run.
        keys: From `keys_of`.
        step: The step of that run; `None` if nothing is kept.
        shown: The same step as the page counts.
        beside: What it is drawn beside, where it is the second of two runs.
        note: What a reader must know of the step, or `None`.
        twin: Where the other of two runs keeps what is drawn of this one, if one of them is shown.
    """

    recording: Recording
    watch: Watch
    keys: Keys
    step: int | None
    shown: int | None
    beside: Beside | None = None
    note: str | None = None
    twin: Twin | None = None

    def as_the_page_counts(self, frame: Frame, page: Watch) -> Frame:
        """Return the frame that was drawn of it, with the steps that `page` counts.

        Args:
            frame: From `frame_message`.
            page: What the page asked for.
        """
        if self.watch is page:
            return frame
        planes = [
            msgspec.structs.replace(plane, note=joined(self.note, plane.note), **self._compared(plane.compared))
            if plane.missing is None
            else plane
            for plane in frame.planes
        ]
        step = max(0, page.step) if self.shown is None else self.shown
        return msgspec.structs.replace(frame, step=step, newest=page.step == -1, planes=planes)

    def _compared(self, compared: int | None) -> dict[str, int | None]:
        if compared is None or self.beside is None:
            return {"compared": compared}
        if self.beside.minus is not None:
            return {"compared": compared, "other": self.step}
        return {"compared": self.beside.alignment.to_own(compared)}


def moment_of(source: Source, watch: Watch, keys_of: Callable[[Recording], Keys]) -> Moment:
    """Return what is drawn of a source for a page.

    Args:
        source: What the Inspector shows.
        watch: What the page asks for.
        keys_of: Returns what `frames.keys_of` does of a recording and this watch.
    """
    if not isinstance(source, Comparison):
        keys = keys_of(source.recording)
        stands = stands_at(source) if watch.step == -1 else None
        at = watch if stands is None else msgspec.structs.replace(watch, step=stands)
        step = shown_step(source.recording, at, keys)
        return Moment(source.recording, at, keys, step, step)
    asked = source.newest if watch.step == -1 else watch.step
    match watch.run:
        case "first":
            return _first(source, watch, keys_of(source.recording), asked)
        case "second":
            return _second(source, watch, keys_of(source.other), asked)
        case _:
            return _difference(source, watch, keys_of(source.recording), keys_of(source.other), asked)


def _first(source: Comparison, watch: Watch, keys: Keys, asked: int) -> Moment:
    at = msgspec.structs.replace(watch, step=asked)
    step = shown_step(source.recording, at, keys)
    if step is None:
        return Moment(source.recording, watch, keys, None, None)
    return Moment(source.recording, at, keys, step, step, twin=_twin(source.other, source.alignment.to_other(step)))


def _twin(recording: Recording, step: int) -> Twin:
    def kept(key: TensorKey) -> tuple[Recording, int] | None:
        found = recording.kept_step(key, step)
        return None if found is None else (recording, found)

    return kept


def _second(source: Comparison, watch: Watch, keys: Keys, asked: int) -> Moment:
    alignment = source.alignment
    compare = None if watch.compare is None else alignment.to_other(watch.compare)
    at = msgspec.structs.replace(watch, step=alignment.to_other(asked), compare=compare)
    step = shown_step(source.other, at, keys)
    beside = Beside(source.recording, alignment)
    if step is None:
        return Moment(source.other, watch, keys, None, None, beside)
    shown = alignment.to_own(step)
    note = None if step == shown else f"step {step} of {source.names[1]}"
    return Moment(source.other, at, keys, step, shown, beside, note, _twin(source.recording, shown))


def _difference(source: Comparison, watch: Watch, own: Keys, other: Keys, asked: int) -> Moment:
    # What either cannot be read of has no difference.
    keys = [key if isinstance(mine, TensorKey) else mine for mine, key in zip(own, other, strict=True)]
    pairs = [pair for key in telling(watch, keys) if (pair := source.common_step(key, asked)) is not None]
    if not pairs:
        return Moment(source.other, watch, keys, None, None)
    shown, step = max(pairs)
    at = msgspec.structs.replace(watch, step=step, compare=None)
    note = None if step == shown else f"step {step} minus step {shown}"
    return Moment(source.other, at, keys, step, shown, Beside(source.recording, source.alignment, shown), note)


def read_value(source: Source, place: ReadValues) -> str:
    """Return the value at a place of what a source shows, as `value_text` does.

    Raises:
        NnvizError: As `value_text`.
    """
    if not isinstance(source, Comparison) or place.run == "first":
        return value_text(source.recording, place)
    alignment = source.alignment
    if place.run == "second":
        compare = None if place.compare is None else alignment.to_other(place.compare)
        at = msgspec.structs.replace(place, step=alignment.to_other(place.step), compare=compare)
        return value_text(source.other, at, Beside(source.recording, alignment))
    key = key_of(source.other, place.layer, place.tensor, place.variable, place.output)
    own, other = source.common_step(key, place.step) or (place.step, alignment.to_other(place.step))
    at = msgspec.structs.replace(place, step=other, compare=None)
    return value_text(source.other, at, Beside(source.recording, alignment, own))
