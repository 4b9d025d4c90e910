"""Where a neuron's part is in the picture of all neurons: found by running the real functions on the cells' numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from nnviz_widgets.pictures.neuron import NeuronParts
from nnviz_widgets.pictures.neuron_arrays import Named, incoming, output_of, samples_of
from nnviz_widgets.pictures.neuron_layout import lay_out_part
from nnviz_widgets.pictures.picture import missing, picture
from nnviz_widgets.protocol import MapRequest, Plane, Watch
from nnviz_widgets.sharing.drawings import EVERYTHING, frame_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Frame
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.layout import Layout
    from nnviz_widgets.sharing.subjects import Subject

GatheredPart = Literal["incoming", "output", "samples"]

POOLED = "the picture of all neurons is pooled in this file, so the values of one are not in it"
ELSEWHERE = "its values are not all in one picture of this file"

GAP = -1


def gathers_of(
    recording: Recording, subject: Subject, step: int, drawn: Plane
) -> Iterator[tuple[Plane, npt.NDArray[np.int32] | None]]:
    """Yield for each part of a neuron that lies in a picture the part's header and, for each of its cells, its place.

    Without a place the header says why there is none.

    Args:
        recording: Where the tensor is read.
        subject: What the picture is of.
        step: The step at which it was drawn.
        drawn: Its header.
    """
    frame = frame_of(recording, subject, step)
    if frame is None:
        return
    for part in _parts(subject, frame):
        header = _header(recording, subject, step, part)
        if header is None:
            continue
        found = _map(recording, subject, frame, part, drawn) if header.missing is None else None
        if isinstance(found, np.ndarray) and found.size != header.rows * header.cols:
            found = ELSEWHERE
        if found is None or isinstance(found, str):
            request = MapRequest(tensor=subject.key.kind, max_rows=1, max_cols=1, part=part)
            yield missing(request, header.missing or str(found)), None
        else:
            yield header, found


def _parts(subject: Subject, frame: Frame) -> tuple[GatheredPart, ...]:
    if subject.part == "samples":
        return ("samples",)
    match subject.key.kind:
        case "weights" | "gradients":
            return ("incoming",)
        case "activations":
            return ("samples",) if frame.array.ndim <= 2 else ("output",)
        case _:
            return ()


def _header(recording: Recording, subject: Subject, step: int, part: GatheredPart) -> Plane | None:
    """Return the header that the live view has of the part of neuron 0; `None` where nobody would look for one."""
    request = MapRequest(tensor=subject.key.kind, max_rows=1, max_cols=1, part=part)
    watch = Watch(id=0, client="", layer=subject.layer, step=step, sample=0, maps=[request])
    drawing = NeuronParts(recording, watch, step).drawing(request, subject.key)
    if isinstance(drawing, str):
        return missing(request, drawing) if drawing else None
    plane, _ = drawing.draw(EVERYTHING, EVERYTHING, "bf16")
    return msgspec.structs.replace(plane, part=part)


def _map(
    recording: Recording, subject: Subject, frame: Frame, part: GatheredPart, drawn: Plane
) -> npt.NDArray[np.int32] | str:
    """Return the cell of the picture at each cell of the part of neuron 0, or why there is none."""
    if (drawn.row_factor, drawn.col_factor) != (1, 1):
        return POOLED
    if not drawn.neuron_cols:
        return "the columns of its picture are not the neurons"
    numbers = np.arange(frame.array.size, dtype=np.int64).reshape(frame.array.shape)
    numbered = replace(frame, array=numbers)
    whole = picture(numbered)
    if isinstance(whole, str):
        return whole
    places = np.full(numbers.size, GAP, np.int64)
    cells = _with_gaps(whole.layout, numbers)
    places[cells[cells != GAP]] = np.flatnonzero(cells != GAP)
    last = drawn.full_cols // drawn.neuron_cols - 1
    first = _of_neuron(recording, subject, numbered, part, 0, places)
    if first is None:
        return ELSEWHERE
    for neuron in {min(1, last), last}:
        moved = np.where(first == GAP, GAP, first + neuron * drawn.neuron_cols)
        other = _of_neuron(recording, subject, numbered, part, neuron, places)
        if other is None or not np.array_equal(other, moved):
            return ELSEWHERE
    return first.astype(np.int32)


def _of_neuron(
    recording: Recording,
    subject: Subject,
    numbered: Frame,
    part: GatheredPart,
    neuron: int,
    places: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64] | None:
    """Return the cell of the picture at each cell of a neuron's part, row by row; `None` if one is not on it."""
    made: Named | None
    match part:
        case "incoming":
            made = incoming(numbered, neuron, recording.catalogue.inputs.get(subject.layer))
        case "output":
            made = output_of(numbered, neuron, 0)
        case _:
            made = samples_of(numbered, neuron)
    if made is None:
        return None
    array, layout = lay_out_part(made)
    cells = _with_gaps(layout, array.astype(np.int64)).ravel()
    found = np.where(cells == GAP, GAP, places[cells])
    return None if (found[cells != GAP] == GAP).any() else found


def _with_gaps(layout: Layout, array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return an array as it lies on its picture, `(rows, columns)`, with `GAP` between tiles."""
    tiles = layout.arrange(array)
    row_tiles, rows, col_tiles, cols = tiles.shape
    spaced = np.full((row_tiles, layout.rows.pitch, col_tiles, layout.cols.pitch), GAP, np.int64)
    spaced[:, :rows, :, :cols] = tiles
    return spaced.reshape(row_tiles * layout.rows.pitch, col_tiles * layout.cols.pitch)
