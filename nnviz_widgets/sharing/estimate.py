"""How many bytes a file takes, before it is written: from its cells, and how far a few of them can be deflated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnviz_widgets.pictures.picture import Picture
from nnviz_widgets.sharing.codec import MOST_WITHOUT_PALETTE, base64_text, byte_planes, deflated, with_palette
from nnviz_widgets.sharing.collect import steps_of
from nnviz_widgets.sharing.drawings import EVERYTHING, Room, draw_subject, first_picture
from nnviz_widgets.sharing.plan import LEAST_STEPS
from nnviz_widgets.sharing.privacy import MOST_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnviz_widgets.sharing.material import Material
    from nnviz_widgets.sharing.neurons import Line
    from nnviz_widgets.sharing.plan import Choice
    from nnviz_widgets.sharing.subjects import Subject

BASE64 = 4 / 3
PICTURE_CHARS = 70
"""What one picture takes in the index."""
HISTOGRAM_CHARS = 170
PALETTE_CHARS = 700
LINE_CHARS = 3.2
"""What one point of one neuron takes in a line."""

MOST_MEASURED = 40
"""Subjects, the largest ones; of the others cells are taken to be as long as the longest of these."""
SAMPLE_SIDE = 512

MOST_PICTURES = 50_000
"""Of a file: as many take ten seconds to draw, and a page a quarter of a second to read their list."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """How large the pictures of a subject are.

    Attributes:
        subject: The subject.
        picture: Its first one.
        n_samples: How many samples have a picture of their own.
        per_cell: How many characters a cell takes as bfloat16, and as a byte.
    """

    subject: Subject
    picture: Picture
    n_samples: int
    per_cell: tuple[float, float]

    def n_pictures(self, room: Room) -> int:
        """Return how many there are of one step."""
        slices = math.prod(further.size for further in self.picture.layout.further)
        return min(self.n_samples, room.samples) * min(slices, room.slices)

    def chars(self, room: Room, *, palette: bool) -> float:
        """Return how many characters those of one step take."""
        side = min(room.side, self.subject.most_side or room.side)
        cells = self.picture.cells(side, side)
        one = cells * self.per_cell[palette] + PICTURE_CHARS
        if palette and cells > MOST_WITHOUT_PALETTE:
            one += PALETTE_CHARS
        return self.n_pictures(room) * one + HISTOGRAM_CHARS


class Estimator:
    """Says how long the data of a file are."""

    def __init__(self, material: Material) -> None:
        """Look at one picture of everything, and deflate a few."""
        self._lines = material.lines
        self._words = sum(
            HISTOGRAM_CHARS * (each.most_steps or 1) for each in material.subjects if each.shown != "cells"
        )
        # Most subjects are kept at the same steps: how many of them are chosen is counted once.
        self._groups: dict[tuple[tuple[int, ...], int | None, int], list[Sketch]] = {}
        for sketch in _sketches(material):
            subject = sketch.subject
            self._groups.setdefault((subject.steps, subject.most_steps, subject.least_apart), []).append(sketch)
        self._of_a_step: dict[tuple[bool, Room], list[float]] = {}

    @property
    def most_steps(self) -> int:
        """At how many steps there may be pictures, however small they are."""
        sketches = [sketch for group in self._groups.values() for sketch in group]
        of_a_step = sum(each.n_pictures(Room()) for each in sketches if each.subject.most_steps is None)
        others = sum((each.subject.most_steps or 0) * each.n_pictures(Room()) for each in sketches)
        return max(LEAST_STEPS, (MOST_PICTURES - others) // of_a_step) if of_a_step else EVERYTHING

    def chars(self, choice: Choice) -> float:
        """Return how many characters a choice takes, the page around the data aside."""
        points: int = sum(_n_points(line, choice) * line.values.shape[1] for line in self._lines)
        n_steps = [len(steps_of(group[0].subject, choice)) for group in self._groups.values()]
        pictures = sum(n * chars for n, chars in zip(n_steps, self._sums(choice), strict=True))
        return pictures + points * LINE_CHARS + self._words

    def _sums(self, choice: Choice) -> list[float]:
        """Return for each group how many characters the pictures of one step take."""
        of = choice.palette, choice.room
        if of not in self._of_a_step:
            self._of_a_step[of] = [
                sum(sketch.chars(choice.room, palette=choice.palette) for sketch in group)
                for group in self._groups.values()
            ]
        return self._of_a_step[of]


def _n_points(line: Line, choice: Choice) -> int:
    return min(choice.points, len(line.steps), MOST_STEPS if line.as_drawn else choice.points)


def _sketches(material: Material) -> Iterator[Sketch]:
    found: list[tuple[Subject, Picture]] = []
    for subject in material.subjects:
        if subject.shown != "cells":
            continue
        first = first_picture(material.recording, subject, subject.steps[-1])
        if isinstance(first, Picture):
            found.append((subject, first))
    found.sort(key=lambda each: each[1].values.size * len(each[0].steps), reverse=True)
    measured = [_measured(material, subject) for subject, _ in found[:MOST_MEASURED]]
    longest = max((each[0] for each in measured), default=0.0), max((each[1] for each in measured), default=0.0)
    for n, (subject, first) in enumerate(found):
        per_cell = measured[n] if n < MOST_MEASURED else longest
        yield Sketch(subject, first, _n_samples(material, subject, first), per_cell)


def _n_samples(material: Material, subject: Subject, first: Picture) -> int:
    if subject.part == "input":
        return material.status.samples
    layout = first.layout
    return 1 if layout.sample_axis is None else layout.view.shape[layout.sample_axis]


def _measured(material: Material, subject: Subject) -> tuple[float, float]:
    """Return how many characters a cell takes as bfloat16 and as a byte: the mean of two steps."""
    steps = {subject.steps[-1], subject.steps[len(subject.steps) // 2]}
    cells = long = short = 0
    for step in steps:
        for drawn in draw_subject(material.recording, subject, step, Room(SAMPLE_SIDE, 1, 1)):
            if drawn.cells is None:
                continue
            cells += len(drawn.cells) // 2
            long += _n_chars(byte_planes(drawn.cells, 2))
            packed = with_palette(drawn.cells)
            short += _n_chars(byte_planes(drawn.cells, 2) if packed is None else packed[0])
    return (long / cells, short / cells) if cells else (2 * BASE64, BASE64)


def _n_chars(data: bytes) -> int:
    return len(base64_text(deflated(data)))
