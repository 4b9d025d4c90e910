"""What may go into a file, picked by name from a session, a recording or an inspection: nothing else ever does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from nnviz_widgets.core.frame import KINDS
from nnviz_widgets.pictures.layer_list import layers_message
from nnviz_widgets.pictures.series import series_message
from nnviz_widgets.pictures.status import status_of
from nnviz_widgets.protocol import Event, LayerEntry, Series, Status
from nnviz_widgets.sharing.contents import Contents, is_open
from nnviz_widgets.sharing.document import Withheld
from nnviz_widgets.sharing.neurons import Line, lines_of
from nnviz_widgets.sharing.reasons import shared_reason
from nnviz_widgets.sharing.still_words import state_words
from nnviz_widgets.sharing.subjects import Subject, subjects_of, withheld_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.frame import Kind, LayerInfo
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.source import Source
    from nnviz_widgets.sharing.privacy import Privacy

_OUR_NOTICE = re.compile(r"step \d+: (?:not finite|the first tensor that is not finite is) [^\n]*")
"""Notices that name a step, numbers and tensors only. Others may quote what went wrong in the user's own code."""

_NOTICE = "a notice of the session, left out of this file"


@dataclass(frozen=True, slots=True)
class Material:
    """What may go into a file.

    Attributes:
        recording: Where tensors are read.
        title: What the page is called.
        status: How the run stands, as something that nobody can run on.
        layers: Rows of the layer list.
        kinds: The kinds of tensors that are asked for.
        steps: The steps at which one of the pictures is kept, ascending.
        subjects: What can be drawn.
        lines: How neurons changed.
        series: The run over the steps, and its buffers.
        withheld: What is left out on purpose.
        privacy: What may be shown.
        layer: The layer that is shown first.
        panels: The panels that are shown.
    """

    recording: Recording
    title: str
    status: Status
    layers: list[LayerEntry]
    kinds: tuple[Kind, ...]
    steps: tuple[int, ...]
    subjects: list[Subject]
    lines: list[Line]
    series: tuple[Series, list[bytes]]
    withheld: list[Withheld]
    privacy: Privacy
    layer: str
    panels: tuple[str, ...]


def material_of(
    source: Source,
    layers: Sequence[LayerInfo],
    kinds: Sequence[Kind],
    steps: Sequence[int],
    privacy: Privacy,
    *,
    title: str | None,
    layer: str,
    panels: Sequence[str],
) -> Material:
    """Pick what may go into a file.

    Args:
        source: What is shared.
        layers: Of which layers.
        kinds: Of which kinds.
        steps: Of which steps.
        privacy: What may be shown.
        title: What the page is called; the run's own name if `None`.
        layer: The layer that is shown first; the first one with weights if it is none of `layers`.
        panels: The panels that are shown.
    """
    recording = source.recording
    status = shared_status(source)
    contents = Contents(recording.catalogue)
    subjects = [each for each in subjects_of(recording, layers, kinds, steps, privacy, contents) if each.steps]
    paths = {each.path for each in layers}
    entries = [_entry(each) for each in layers_message(recording, status.samples).layers if each.path in paths]
    return Material(
        recording=recording,
        title=title if title is not None else status.name or "a model",
        status=status,
        layers=entries,
        kinds=tuple(kinds),
        steps=tuple(sorted({step for each in subjects for step in each.steps})),
        subjects=subjects,
        lines=list(lines_of(recording, layers, kinds, privacy, contents)),
        series=_series(recording, paths),
        withheld=withheld_of(kinds, privacy),
        privacy=privacy,
        layer=layer if layer in paths else _first_layer(entries),
        panels=tuple(panels),
    )


def _standing(now: Status) -> str | None:
    """Say how a session stood when it was written down; `None` of anything else."""
    if now.source != "session":
        return None
    if now.state in ("idle", "running"):
        return f"recorded up to step {now.step:,}"
    return state_words(now)


def shared_status(source: Source) -> Status:
    """Return how a run stands, without what went wrong in its own words, and as something that has ended."""
    now = status_of(source)
    return Status(
        name=now.name,
        source="inspection" if now.source == "inspection" else "recording",
        state="failed" if now.state == "failed" else "finished",
        step=now.step,
        total_steps=now.total_steps if now.source == "session" else now.step,
        epoch=now.epoch,
        epochs=now.epochs,
        batch=now.batch,
        steps_per_epoch=now.steps_per_epoch,
        logs=now.logs,
        steps_per_second=None,
        watch_cost=None,
        speed=None,
        activity=_standing(now),
        failure=None,
        samples=now.samples,
        stopped=now.stopped,
        controls=False,
    )


def withheld_of(kinds: Sequence[Kind], privacy: Privacy) -> list[Withheld]:
    """Return what is left out on purpose, with words for where it would be."""
    found = [Withheld(kind, withheld_words(kind)) for kind in KINDS if kind in kinds and not is_open(kind, privacy)]
    if not privacy.allows("inputs"):
        found.append(Withheld("inputs", withheld_words("inputs")))
    if not privacy.allows("labels"):
        found.append(Withheld("labels", "left out of this file: the targets of the samples"))
    return found


def _series(recording: Recording, paths: set[str]) -> tuple[Series, list[bytes]]:
    """Return the run over the steps with the figures of these layers only."""
    series, buffers = series_message(recording)
    return (
        msgspec.structs.replace(
            series,
            columns=[column for column in series.columns if column.layer is None or column.layer in paths],
            events=[_event(event) for event in series.events],
            health=[each for each in series.health if each.layer in paths],
        ),
        buffers,
    )


def _entry(layer: LayerEntry) -> LayerEntry:
    """Return a row of the list with reasons that may be shared."""
    reasons = {kind: shared_reason(reason) for kind, reason in layer.reasons.items()}
    return msgspec.structs.replace(layer, reasons=reasons)


def _event(event: Event) -> Event:
    if event.name != "notice" or _OUR_NOTICE.fullmatch(event.text):
        return event
    return msgspec.structs.replace(event, text=_NOTICE)


def _first_layer(layers: Sequence[LayerEntry]) -> str:
    named = [layer for layer in layers if layer.variables] or list(layers)
    return named[0].path if named else ""
