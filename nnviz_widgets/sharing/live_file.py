"""A run as the text of one HTML page that fits the size asked for."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import msgspec

from nnviz_widgets.core.arguments import checked_bytes
from nnviz_widgets.core.byte_size import byte_size
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.pictures.panels import PANELS
from nnviz_widgets.pictures.source import as_source
from nnviz_widgets.sharing.collect import collect
from nnviz_widgets.sharing.estimate import Estimator
from nnviz_widgets.sharing.manifest import Manifest, manifest_of
from nnviz_widgets.sharing.material import Material, material_of
from nnviz_widgets.sharing.page import page
from nnviz_widgets.sharing.plan import choose, evenly, least, whole
from nnviz_widgets.sharing.privacy import checked_privacy
from nnviz_widgets.sharing.select import chosen_kinds, chosen_layers, chosen_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnviz_widgets.core.frame import LayerInfo
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.sharing.collect import Written
    from nnviz_widgets.sharing.page import Page
    from nnviz_widgets.sharing.plan import Choice

MOST_TRIES = 6

SPARE = 0.98
"""The share of the size that is planned for: an estimate is never exact."""

TRIAL_STEPS, STEPS_WORTH_A_TRIAL, MOST_TRIALS = 4, 24, 3
"""Steps that are written to see how good the estimate is, for files of how many steps, and how often."""

ROOM_FOR_SIZE = 48
"""More characters than a number of bytes takes, twice."""

MUCH_LEFT = 0.8
"""A file of a smaller share of the size than this is planned once more, if something was left out."""


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A page, ready to be written.

    Attributes:
        manifest: What is in it.
        parts: Its text.
    """

    manifest: Manifest
    parts: list[str]

    @property
    def n_bytes(self) -> int:
        """How large it is, in UTF-8."""
        return self.manifest.n_bytes

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.parts)


def live_file(
    source: Any,
    *,
    layers: Any = None,
    steps: Any = None,
    kinds: Any = None,
    max_bytes: int | str = "20 MB",
    title: Any = None,
    privacy: Any = None,
) -> LiveFile:
    """Make the page of a run; arguments and errors as of `export_html`."""
    most = checked_bytes("max_bytes", max_bytes)
    around = page()
    with _opened(source) as run:
        return _fitted(_material(run, layers, steps, kinds, title, privacy), around, most)


@contextmanager
def _opened(source: Any) -> Iterator[Any]:
    """Open the recording at a path for as long as it is read; anything else is what it is."""
    if not isinstance(source, str | PathLike):
        yield source
        return
    recording = open_recording(source)
    try:
        yield recording
    finally:
        recording.close()


def _material(source: Any, layers: Any, steps: Any, kinds: Any, title: Any, privacy: Any) -> Material:
    allowed = checked_privacy(privacy)
    if title is not None and not isinstance(title, str):
        raise InvalidArgumentError(
            f"`title` must be a text. Received: title={title!r:.200}. Leave it out for the run's own name."
        )
    shows = hasattr(source, "source") and hasattr(source, "cursor")  # it is an Inspector
    view = as_source(source.source if shows else source)
    if view.kind == "comparison":
        raise InvalidArgumentError(
            f"`source` must be one run. Received: {view!r:.200}. Write a file of each of them with its own call."
        )
    recording = view.recording
    return material_of(
        view,
        _some_layers(recording, layers),
        chosen_kinds(kinds),
        chosen_steps(recording, steps, view.last_step),
        allowed,
        title=None if title is None else title.encode(errors="replace").decode(),  # half a character is no text
        layer=source.cursor.layer if shows else "",
        panels=source._panels if shows else PANELS,
    )


def _some_layers(recording: Recording, layers: Any) -> tuple[LayerInfo, ...]:
    found = chosen_layers(recording, layers)
    if layers is not None and not found:
        raise InvalidArgumentError(
            f"`layers` must name at least one layer. Received: layers={layers!r}. Leave it out for all of them."
        )
    return found


def _fitted(material: Material, around: Page, most: int) -> LiveFile:
    """Return as much of the material as fits.

    Raises:
        InvalidArgumentError: If not even the least does; the message says how large it would be.
    """
    estimator = Estimator(material)
    palette = not material.privacy.include  # a public file is small; 8 bits show as much on a screen
    steps = evenly(material.steps, estimator.most_steps)
    everything = whole(steps, palette=palette)
    best: LiveFile | None = None
    tried: list[Choice] = []
    room = most * SPARE - around.n_bytes
    scale = _scale(material, estimator, steps, room)
    while len(tried) < MOST_TRIES:
        choice = choose(steps, lambda each: estimator.chars(each) * scale, room, palette=palette)  # noqa: B023
        if choice is None or choice in tried:
            break
        tried.append(choice)
        written = collect(material, choice)
        made = _laid_out(material, choice, written, around)
        scale = written.n_chars / max(estimator.chars(choice), 1)
        if made.n_bytes <= most:
            if choice == everything or made.n_bytes >= most * MUCH_LEFT or best is not None:
                return made
            best = made
        elif best is not None:
            break
    if best is None:
        raise InvalidArgumentError(_too_large(material, estimator, around, most))
    return best


def _scale(material: Material, estimator: Estimator, steps: Sequence[int], room: float) -> float:
    """Return how much longer data are than estimated: of what is likely to be chosen, a few steps are written.

    That spares drawing a file twice.
    """
    scale = 1.0
    tried: list[Choice] = []
    palette = not material.privacy.include
    for _ in range(MOST_TRIALS):
        choice = choose(steps, lambda each: estimator.chars(each) * scale, room, palette=palette)  # noqa: B023
        if choice is None or len(choice.steps) < STEPS_WORTH_A_TRIAL:
            break
        trial = replace(choice, steps=evenly(choice.steps, TRIAL_STEPS))
        if trial in tried or choice == whole(steps, palette=palette):
            break
        tried.append(trial)
        scale = collect(material, trial).n_chars / max(estimator.chars(trial), 1)
    return scale


def _laid_out(material: Material, choice: Choice, written: Written, around: Page) -> LiveFile:
    """Return the page, whose manifest tells its own size: there is room for that number, and what is left is blank."""

    def laid_out(manifest: Manifest) -> tuple[list[str], int]:
        parts = list(around.parts(manifest, material.status.logs, written.index, written.parts))
        return parts, sum(len(part) if part.isascii() else len(part.encode()) for part in parts)

    manifest = manifest_of(material, choice, written)
    _, without = laid_out(manifest)
    manifest = msgspec.structs.replace(manifest, n_bytes=without + ROOM_FOR_SIZE)
    parts, n_bytes = laid_out(manifest)
    return LiveFile(manifest, [*parts, "\n" * (manifest.n_bytes - n_bytes)])


def _too_large(material: Material, estimator: Estimator, around: Page, most: int) -> str:
    palette = not material.privacy.include
    of_all, at_least = (
        byte_size(around.n_bytes + round(estimator.chars(choice)))
        for choice in (whole(material.steps, palette=palette), least(material.steps))
    )
    return (
        f"`max_bytes` must be enough for the page and its data. Received: {byte_size(most)}; with all that was asked "
        f"for it would be {of_all}, and {at_least} at the least. Choose fewer layers or steps, or give it more."
    )
