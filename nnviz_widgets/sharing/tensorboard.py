"""A recording as an event file for TensorBoard: metrics and vitals, histograms, and images of the maps."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.arguments import index_of, whole_number
from nnviz_widgets.core.atomic import write_whole
from nnviz_widgets.core.frame import VITALS, first_call
from nnviz_widgets.core.metric_log import present
from nnviz_widgets.core.warn import warn
from nnviz_widgets.errors import InvalidArgumentError, NnvizError
from nnviz_widgets.pictures.encoding import to_float32
from nnviz_widgets.pictures.picture import picture
from nnviz_widgets.pictures.stack import stacked
from nnviz_widgets.sharing.event_file import Tag, doubles, event, first_event, framed, strings
from nnviz_widgets.sharing.histograms import finite_values, histogram
from nnviz_widgets.sharing.map_images import MOST_SIDE, colors_of, png, scale_of, size_of_cells, words_of
from nnviz_widgets.sharing.progress import Progress
from nnviz_widgets.sharing.select import chosen_kinds, chosen_layers
from nnviz_widgets.sharing.subjects import kept_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import LayerInfo, TensorKey, TensorSpec
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.protocol import Plane

_STATISTICS = (*VITALS, "update_ratio")

_ROWS = 4096
"""Steps whose numbers are Python objects at once."""

_NUMBER, _HISTOGRAM, _IMAGE = 1, 30, 1000
"""How long each takes, of small tensors and measured by a number: for the line that tells how far it is."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A line: what a tag has at some of the steps.

    Attributes:
        tag: Its tag.
        steps: Shape `(n,)`, ascending.
        values: Shape `(n,)`; in 32 bits, which is all that TensorBoard reads.
    """

    tag: Tag
    steps: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]


def write_tensorboard(
    recording: Recording,
    logdir: str | os.PathLike[str],
    layers: Any,
    kinds: Any,
    histograms: int | None,
    images: int | None,
    vitals: Sequence[str],
) -> Path:
    """Do what `Recording.to_tensorboard` says."""
    folder = _folder(logdir)
    specs = _specs(recording, chosen_layers(recording, layers), chosen_kinds(kinds))
    most = _most("histograms", histograms), _most("images", images)
    statistics = _statistics(vitals)
    writing = _Writing(recording, specs, most, statistics)
    now = time.time()
    # TensorBoard reads files in the order of their names, and opens each whose name has "tfevents" in it.
    path = folder / f"events.out.tfevents.{int(now):010d}.nnviz.{secrets.token_hex(4)}"
    folder.mkdir(parents=True, exist_ok=True)
    with Progress(f"Writing {path.name}", writing.n_pieces) as progress:
        write_whole(path, framed(writing.events(now, progress)))
    writing.tell_left_out()
    return path


def _folder(logdir: Any) -> Path:
    if not isinstance(logdir, str | os.PathLike) or not str(logdir):
        raise InvalidArgumentError(
            f'`logdir` must be a folder for the run. Received: logdir={logdir!r:.200}. Give, for example, "logs/first".'
        )
    folder = Path(logdir)
    if folder.exists() and not folder.is_dir():
        raise InvalidArgumentError(
            f"`logdir` must be a folder. Received: the file {str(logdir)!r}. Give the name of a folder, new or not."
        )
    return folder


def _most(name: str, value: Any) -> int | None:
    number = None if value is None else whole_number(value)
    if value is not None and (number is None or number < 0):
        raise InvalidArgumentError(
            f"`{name}` must be a whole number from 0, or None for every kept step. Received: {name}={value!r:.200}. "
            "Leave it out for as many as TensorBoard shows."
        )
    return number


def _statistics(vitals: Any) -> tuple[str, ...]:
    names = (vitals,) if isinstance(vitals, str) else tuple(vitals)
    return tuple(_STATISTICS[index_of("vitals", name, _STATISTICS)] for name in names)


def _specs(recording: Recording, layers: Sequence[LayerInfo], kinds: Sequence[str]) -> list[TensorSpec]:
    """Return the tensors of some layers; the variables of a layer that is called again are its first call's."""
    paths = {layer.path for layer in layers}
    owners = {first_call(path) for path in paths}
    return [
        spec
        for spec in recording.catalogue.specs
        if spec.key.kind in kinds and spec.key.layer in (owners if spec.key.kind in ("weights", "gradients") else paths)
    ]


def tag_of(spec: TensorSpec) -> str:
    """Return where TensorBoard lists a tensor, such as `layers/block/dense/weights/kernel`."""
    key = spec.key
    parts = ["layers", key.layer, key.kind]
    if key.variable is not None:
        parts.append(key.variable)
    if key.output or spec.output_name:
        parts.append(spec.output_name or str(key.output))
    return "/".join(parts)


def spread(steps: Sequence[int], most: int | None) -> tuple[int, ...]:
    """Return at most so many of some steps, evenly spread, the first and the last among them; one is the last."""
    if most is None or len(steps) <= most:
        return tuple(steps)
    if most < 2:
        return tuple(steps[-1:]) * most
    places = np.linspace(0, len(steps) - 1, most).round().astype(int)
    return tuple(steps[place] for place in places)


class _Writing:
    """What is written of a recording, found before the first byte is; tensors are read one after the other."""

    def __init__(
        self,
        recording: Recording,
        specs: Sequence[TensorSpec],
        most: tuple[int | None, int | None],
        statistics: Sequence[str],
    ) -> None:
        self._recording = recording
        self._specs = {spec.key: spec for spec in specs}
        self._left_out: dict[TensorKey, str] = {}
        kept = {spec.key: sorted(kept_steps(recording, spec.key)) for spec in specs}
        self._steps: dict[int, list[TensorKey]] = {}
        for key, steps in kept.items():
            for step in spread(steps, most[0]):
                self._steps.setdefault(step, []).append(key)
        main = {spec.key for spec in recording.catalogue.main_specs().values()}
        self._maps = {key: spread(steps, most[1]) for key, steps in kept.items() if key in main}
        self._lines = [_metric_lines(recording), _vital_lines(recording, specs, statistics)]

    @property
    def n_pieces(self) -> int:
        """How many pieces `events` counts, in the time of a number."""
        n_numbers = sum(line.steps.size for lines in self._lines for line in lines)
        n_histograms, n_images = (sum(map(len, of.values())) for of in (self._steps, self._maps))
        return n_numbers * _NUMBER + n_histograms * _HISTOGRAM + n_images * _IMAGE

    def events(self, now: float, progress: Progress) -> Iterator[bytes]:
        """Yield all events, encoded, with one time for all: a recording does not know when each step was."""
        yield first_event(now)
        for lines in self._lines:
            for steps in _blocks(lines):
                yield from _events_of(lines, steps, now, progress)
        tags = {key: Tag(tag_of(spec), "histograms", spec.note or "") for key, spec in self._specs.items()}
        sick = {key: Tag(f"{tag_of(spec)}/not_finite", "scalars") for key, spec in self._specs.items()}
        for step, keys in sorted(self._steps.items()):
            values = [value for key in keys for value in self._histogram(key, step, tags[key], sick[key])]
            yield event(now, step, values)
            progress.advance(_HISTOGRAM * len(keys))
        for key, kept in self._maps.items():
            yield from self._images(key, kept, now)
            progress.advance(_IMAGE * len(kept))

    def tell_left_out(self) -> None:
        """Warn of the tensors that could not be read."""
        if self._left_out:
            key, why = next(iter(self._left_out.items()))
            n = len(self._left_out)
            some = f"{n} tensors have steps" if n > 1 else "1 tensor has steps"
            warn(f"{some} that are not in TensorBoard's file. The first is {tag_of(self._specs[key])}: {why}")

    def _histogram(self, key: TensorKey, step: int, tag: Tag, sick: Tag) -> Iterator[bytes]:
        try:
            array = self._recording.frame(key, step).array
            values = finite_values(array)
        except NnvizError as error:
            self._left_out.setdefault(key, str(error))
            return
        if values.size:
            yield tag.value(doubles(histogram(values)))
        if values.size < array.size:
            yield sick.scalar(float(array.size - values.size))

    def _images(self, key: TensorKey, steps: Sequence[int], now: float) -> Iterator[bytes]:
        """Yield the map of a tensor at some steps; all are drawn before the first is coloured, on one scale."""
        drawn = [(step, *found) for step in steps if (found := self._plane(key, step)) is not None]
        if not drawn:
            return
        scale = scale_of([plane for _, plane, _ in drawn])
        tag = Tag(self._name_of_map(key), "images", words_of(drawn[0][1], scale))
        for step, plane, cells in drawn:
            colors = colors_of(np.frombuffer(cells, "<u4").reshape(plane.rows, plane.cols), scale)
            width, height, image = png(colors, size_of_cells(plane))
            yield event(now, step, [tag.value(strings([b"%d" % width, b"%d" % height, image]))])

    def _name_of_map(self, key: TensorKey) -> str:
        """Return a name that no tensor has, such as a variable `map`: TensorBoard shows one thing under a name."""
        name = f"layers/{key.layer}/{key.kind}/map"
        taken = set(map(tag_of, self._specs.values()))
        while name in taken:
            name += " drawn"
        return name

    def _plane(self, key: TensorKey, step: int) -> tuple[Plane, bytes] | None:
        try:
            frame = stacked(self._recording, self._recording.frame(key, step))
        except NnvizError as error:
            self._left_out.setdefault(key, str(error))
            return None
        drawn = picture(frame, self._specs[key].note)
        if isinstance(drawn, str):
            self._left_out.setdefault(key, drawn)
            return None
        return drawn.draw(MOST_SIDE, MOST_SIDE, "f32")


def _metric_lines(recording: Recording) -> list[_Numbers]:
    """Return every metric at every step that had it, also where it was NaN or infinite."""
    steps, columns = recording.metric_arrays()
    found = []
    for name, column in columns.items():
        had = present(column)
        found.append(_Numbers(Tag(f"metrics/{name}", "scalars"), steps[had], to_float32(column[had])))
    return found


def _vital_lines(recording: Recording, specs: Sequence[TensorSpec], statistics: Sequence[str]) -> list[_Numbers]:
    """Return statistics of tensors at the steps at which they mean something."""
    readings = recording.readings()
    found = []
    for spec in specs:
        for name in statistics:
            steps, values = readings.column(spec.key, _STATISTICS.index(name))
            some = ~np.isnan(values)
            if some.any():
                found.append(_Numbers(Tag(f"{tag_of(spec)}/{name}", "scalars"), steps[some], to_float32(values[some])))
    return found


def _blocks(lines: Sequence[_Numbers]) -> list[npt.NDArray[np.int64]]:
    """Return the steps of any of the lines, thousands at a time."""
    if not lines:
        return []
    steps = np.unique(np.concatenate([line.steps for line in lines]))
    return [steps[start : start + _ROWS] for start in range(0, len(steps), _ROWS)]


def _events_of(
    lines: Sequence[_Numbers], steps: npt.NDArray[np.int64], now: float, progress: Progress
) -> Iterator[bytes]:
    """Yield an event for each of some steps, with the numbers that the lines have there."""
    values: dict[int, list[bytes]] = {step: [] for step in steps.tolist()}
    for line in lines:
        start, stop = np.searchsorted(line.steps, (steps[0], steps[-1] + 1))
        scalar = line.tag.scalar
        for step, number in zip(line.steps[start:stop].tolist(), line.values[start:stop].tolist(), strict=True):
            values[step].append(scalar(number))
        progress.advance(_NUMBER * int(stop - start))
    for step, some in values.items():
        yield event(now, step, some)
