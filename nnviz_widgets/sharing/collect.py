"""From what may go into a file and how much of it fits to the `Document` and its chunks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from nnviz_widgets.pictures.frames import MAX_LABEL, MAX_LABELS
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.sharing.chunks import Chunks
from nnviz_widgets.sharing.codec import base64_text, byte_planes, deflated, with_palette
from nnviz_widgets.sharing.document import DOCUMENT_VERSION, Document, Gather, StoredPicture
from nnviz_widgets.sharing.drawings import Drawn, draw_histogram, draw_subject, draw_words
from nnviz_widgets.sharing.gathers import gathers_of
from nnviz_widgets.sharing.headers import Headers, of_step
from nnviz_widgets.sharing.neurons import at_steps, fed_of, write_line
from nnviz_widgets.sharing.plan import apart, evenly
from nnviz_widgets.sharing.privacy import LEAST_SAMPLES
from nnviz_widgets.sharing.subjects import rows_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnviz_widgets.protocol import Series
    from nnviz_widgets.sharing.contents import Content
    from nnviz_widgets.sharing.document import Fed, NeuronLines
    from nnviz_widgets.sharing.material import Material
    from nnviz_widgets.sharing.plan import Choice
    from nnviz_widgets.sharing.subjects import Subject


@dataclass(frozen=True, slots=True)
class Written:
    """A file's data.

    Attributes:
        document: What is in it.
        index: The document as text.
        parts: The text of the chunks.
        content: For each kind of content what was written of it.
    """

    document: Document
    index: str
    parts: list[str]
    content: dict[Content, Tally]

    @property
    def n_chars(self) -> int:
        """How many characters all of it takes."""
        return len(self.index) + sum(map(len, self.parts))


@dataclass(slots=True)
class Tally:
    """What was written of one kind of content."""

    steps: set[int] = field(default_factory=set)
    chunks: set[int] = field(default_factory=set)
    sizes: Counter[tuple[int, int, int, int]] = field(default_factory=Counter)
    """How often a picture of so many full rows and columns was written with so many rows and columns."""
    n_histograms: int = 0
    n_palettes: int = 0


def steps_of(subject: Subject, choice: Choice) -> tuple[int, ...]:
    """Return at which steps a subject is drawn: of those chosen, or its last one if it has none of them."""
    chosen = frozenset(choice.steps)
    steps = [step for step in subject.steps if step in chosen] or list(subject.steps[-1:])
    steps = apart(steps, subject.least_apart)
    return evenly(steps, subject.most_steps) if subject.most_steps is not None else tuple(steps)


class Collector:
    """Draws and writes everything of a file."""

    def __init__(self, material: Material, choice: Choice, chunks: Chunks) -> None:
        """Write nothing yet.

        Args:
            material: What may go into it.
            choice: How much of that.
            chunks: Takes the arrays.
        """
        self._material = material
        self._choice = choice
        self._chunks = chunks
        self._headers = Headers()
        self._pictures: list[StoredPicture] = []
        self._gathers: list[Gather] = []
        self._gathered: set[tuple[str, int]] = set()
        self._content: dict[Content, Tally] = {}
        self._rows: dict[int, int] = {}
        self._weights_at: dict[str, set[int]] = {}

    def written(self) -> Written:
        """Draw and write everything."""
        for subject in self._material.subjects:
            self._draw(subject)
        document = self._document(list(self._lines()), list(self._fed()), self._series())
        chunks, parts = self._chunks.written()
        document = msgspec.structs.replace(document, chunks=chunks)
        return Written(document, base64_text(deflated(msgspec.json.encode(document))), parts, self._content)

    def _lines(self) -> Iterator[NeuronLines]:
        for line in self._material.lines:
            shown = at_steps(line, self._weights_at.get(line.layer, ())) if line.as_drawn else line
            if len(shown.steps):
                yield write_line(shown, self._choice.points, self._chunks)

    def _draw(self, subject: Subject) -> None:
        if subject.shown == "nothing":
            self._add(subject, subject.steps[0], draw_words(subject))
            return
        for step in steps_of(subject, self._choice):
            if subject.shown == "histogram":
                self._add_histogram(subject, step)
                continue
            for drawn in draw_subject(self._material.recording, subject, step, self._choice.room):
                if subject.stands and subject.key.kind == "weights":
                    self._weights_at.setdefault(subject.layer, set()).add(step)
                header = self._add(subject, step, drawn)
                self._gather(subject, step, header)

    def _add_histogram(self, subject: Subject, step: int) -> None:
        if self._n_rows(step) < LEAST_SAMPLES:
            return
        drawn = draw_histogram(self._material.recording, subject, step)
        if drawn is not None:
            self._add(subject, step, drawn)

    def _n_rows(self, step: int) -> int:
        if step not in self._rows:
            self._rows[step] = rows_at(self._material.recording, step)
        return self._rows[step]

    def _add(self, subject: Subject, step: int, drawn: Drawn) -> int:
        """Write one picture and return the index of its header."""
        header = self._headers.add(drawn.plane)
        cells, palette = (-1, -1) if drawn.cells is None else self._add_cells(drawn.cells)
        self._pictures.append(
            StoredPicture(
                header=header,
                layer=subject.layer,
                step=step,
                sample=drawn.sample,
                cells=cells,
                palette=palette,
                **of_step(drawn.plane),
            )
        )
        self._count(subject, step, drawn, cells, palette)
        return header

    def _add_cells(self, cells: bytes) -> tuple[int, int]:
        short = with_palette(cells) if self._choice.palette else None
        if short is None:
            return self._chunks.add(byte_planes(cells, 2)), -1
        return self._chunks.add(short[0]), self._chunks.add(short[1])

    def _count(self, subject: Subject, step: int, drawn: Drawn, cells: int, palette: int) -> None:
        tally = self._content.setdefault(subject.content, Tally())
        if cells >= 0:
            plane = drawn.plane
            tally.steps.add(step)
            tally.chunks |= {cells, palette} - {-1}
            tally.sizes[plane.full_rows, plane.full_cols, plane.rows, plane.cols] += 1
            tally.n_palettes += palette >= 0
        elif drawn.plane.histogram:
            tally.steps.add(step)
            tally.n_histograms += 1

    def _gather(self, subject: Subject, step: int, header: int) -> None:
        """Write where the parts of a neuron are in pictures with this header, once."""
        plane = self._headers.planes[header]
        if (subject.layer, header) in self._gathered or not _has_parts(subject) or plane.missing is not None:
            return
        self._gathered.add((subject.layer, header))
        if any(further.index for further in plane.further):
            return
        for part, places in gathers_of(self._material.recording, subject, step, plane):
            index = self._headers.add(part)
            if places is None:
                self._pictures.append(StoredPicture(index, subject.layer, step, None, cells=-1))
                continue
            self._gathers.append(
                Gather(
                    layer=subject.layer,
                    tensor=subject.key.kind,
                    part=part.part,  # type: ignore[arg-type]
                    picture=header,
                    header=index,
                    map=self._chunks.add_array(places, "<i4"),
                )
            )

    def _fed(self) -> Iterator[Fed]:
        """Write what may be multiplied; biases at the steps at which they are drawn."""
        biases = {
            subject.layer: steps_of(subject, self._choice)
            for subject in self._material.subjects
            if subject.key.kind == "weights" and subject.key.variable == "bias" and not subject.together
        }
        for subject in self._material.subjects:
            if subject.part == "input":
                allowed, steps = subject.shown == "cells", biases.get(subject.layer, ())
                yield fed_of(self._material.recording, subject.layer, steps, allowed=allowed, chunks=self._chunks)

    def _series(self) -> Series:
        """Write the lines over the steps; their columns name chunks."""
        series, buffers = self._material.series
        columns = [
            msgspec.structs.replace(
                column,
                x_buffer=self._chunks.add(buffers[column.x_buffer]),
                y_buffer=self._chunks.add(buffers[column.y_buffer]),
            )
            for column in series.columns
        ]
        return msgspec.structs.replace(series, columns=columns)

    def _document(self, lines: list[NeuronLines], fed: list[Fed], series: Series) -> Document:
        material = self._material
        n_samples = min(material.status.samples, self._choice.room.samples)
        return Document(
            version=DOCUMENT_VERSION,
            title=material.title,
            status=msgspec.structs.replace(material.status, samples=n_samples),
            layers=[msgspec.structs.replace(layer, n_samples=n_samples) for layer in material.layers],
            series=series,
            headers=self._headers.planes,
            pictures=self._pictures,
            gathers=self._gathers,
            lines=lines,
            fed=fed,
            withheld=material.withheld,
            labels=self._labels(),
            layer=material.layer,
            panels=list(material.panels),
            chunks=[],
        )

    def _labels(self) -> dict[str, list[str]]:
        if not self._material.privacy.allows("labels"):
            return {}
        read = {step: self._material.recording.labels(step)[:MAX_LABELS] for step in self._choice.steps}
        return {str(step): [cut(label, MAX_LABEL) for label in labels] for step, labels in read.items() if labels}


def _has_parts(subject: Subject) -> bool:
    return subject.part == "samples" or (subject.part == "map" and subject.stands)


def collect(material: Material, choice: Choice) -> Written:
    """Draw and write everything of a file, in two more threads.

    Args:
        material: What may go into it.
        choice: How much of that.
    """
    with Chunks() as chunks:
        return Collector(material, choice, chunks).written()
