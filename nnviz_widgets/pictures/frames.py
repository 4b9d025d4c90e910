"""The `Frame` message: all heatmaps that a page shows, at one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.pictures.encoding import Encoding
from nnviz_widgets.pictures.kept import batches_note, key_or_reason, taken_off
from nnviz_widgets.pictures.neuron import NeuronParts, part_key
from nnviz_widgets.pictures.neuron_lines import with_buffers_from
from nnviz_widgets.pictures.order import order_of
from nnviz_widgets.pictures.picture import Look, Picture, joined, missing, on_one_scale, picture, shrink
from nnviz_widgets.pictures.source import NOTHING_YET
from nnviz_widgets.pictures.stack import stacked
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import MAX_FRAME_BYTES, Frame

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.kept import Beside, Twin
    from nnviz_widgets.protocol import MapRequest, Plane, Watch

HEADER_BYTES = 8 << 10
"""Room for a usual header; a larger one is measured, and the pictures made smaller."""
MAX_LABEL = 40
MAX_LABELS = 1024


def keys_of(recording: Recording, watch: Watch) -> list[TensorKey | str]:
    """Return for each map of `watch` the tensor's key, or the reason why there is none."""
    return [
        key_or_reason(recording, watch.layer, request.tensor, request.variable, request.output)
        if request.part == "map"
        else part_key(recording, watch, request)
        for request in watch.maps
    ]


def shown_step(recording: Recording, watch: Watch, keys: list[TensorKey | str]) -> int | None:
    """Return the step that a page gets: the newest at or before the one that it asks for with one of its maps."""
    steps = [recording.kept_step(key, watch.step) for key in telling(watch, keys)]
    return max((step for step in steps if step is not None), default=None)


def telling(watch: Watch, keys: list[TensorKey | str]) -> list[TensorKey]:
    """Return those of `keys` that say which step is shown.

    What the neuron panel draws besides, such as the input of the layer, may be kept at steps at which the layer itself
    is not: it counts only where there are no maps.
    """
    tensors = [(request.part, key) for request, key in zip(watch.maps, keys, strict=True) if isinstance(key, TensorKey)]
    return [key for part, key in tensors if part == "map"] or [key for _, key in tensors]


def frame_message(
    recording: Recording,
    watch: Watch,
    keys: list[TensorKey | str],
    step: int | None,
    seq: int,
    *,
    exact: bool,
    lines: bool = True,
    why_nothing: str = NOTHING_YET,
    beside: Beside | None = None,
    twin: Twin | None = None,
) -> tuple[Frame, list[bytes]]:
    """Return a frame and its buffers, no more than `MAX_FRAME_BYTES` together.

    Args:
        recording: Where tensors are read.
        watch: What the page shows.
        keys: From `keys_of`.
        step: From `shown_step`; `None` if nothing is kept yet.
        seq: The frame's number.
        exact: Whether to send all 32 bits of each value, if they fit.
        lines: Whether to tell how the neuron changed over the steps, if parts of it are shown.
        why_nothing: Why there is no newest step of a tensor, in words for the page.
        beside: What it is drawn beside, where it is the second of two runs.
        twin: Where else a tensor is kept that is drawn on the same scale: returns a recording and a step, or `None`.
    """
    ordering = recording if beside is None else beside.first
    order = None if watch.order is None or step is None else order_of(ordering, watch.layer, watch.order)
    of_one = any(request.part != "map" for request in watch.maps)
    parts = NeuronParts(recording, watch, step, beside) if of_one and step is not None else None
    drawings = [
        parts.drawing(request, key)
        if parts is not None and request.part != "map" and isinstance(key, TensorKey)
        else _drawing(recording, watch, request, key, step, order, why_nothing, beside)
        for request, key in zip(watch.maps, keys, strict=True)
    ]
    # By how much both are greater than at another step is another scale.
    scaled = None if twin is None or watch.compare is not None else twin
    twins = [
        None if scaled is None or isinstance(drawing, str) else _twin(scaled, watch, request, key, order)
        for drawing, request, key in zip(drawings, watch.maps, keys, strict=True)
    ]
    neuron, line_bytes = (None, []) if parts is None else parts.facts(lines=lines)
    sorts = [drawing.places for drawing in drawings if isinstance(drawing, Picture) and drawing.places is not None]
    order_bytes = [sorts[0].astype("<i4", copy=False).tobytes()] if sorts else []
    labels = recording.labels(step)[:MAX_LABELS] if step is not None else ()
    extra_bytes = sum(map(len, (*order_bytes, *line_bytes)))
    header = 2 * HEADER_BYTES + extra_bytes
    while True:
        planes, buffers = _draw(watch, drawings, twins, MAX_FRAME_BYTES - header, exact=exact)
        message = Frame(
            client=watch.client,
            seq=seq,
            layer=watch.layer,
            step=max(0, watch.step) if step is None else step,
            newest=watch.step == -1,
            sample=watch.sample,
            labels=[cut(label, MAX_LABEL) for label in labels],
            planes=planes,
            order_buffer=len(buffers) if sorts else -1,
            neuron=None if neuron is None else with_buffers_from(neuron, len(buffers) + len(order_bytes)),
        )
        needed = len(msgspec.json.encode(message)) + HEADER_BYTES + extra_bytes
        if needed <= header:
            return message, [*buffers, *order_bytes, *line_bytes]
        header = needed


def _drawing(
    recording: Recording,
    watch: Watch,
    request: MapRequest,
    key: TensorKey | str,
    step: int | None,
    order: npt.NDArray[np.int32] | str | None,
    why_nothing: str,
    beside: Beside | None,
) -> Picture | str:
    if isinstance(key, str):
        return key
    if step is None:
        return why_nothing if watch.step == -1 else f"nothing is kept at or before step {watch.step}"
    if recording.kept_step(key, step) != step:
        return why_nothing if recording.kept_step(key) is None else f"not kept at step {step}"
    try:
        frame = recording.frame(key, step)
        spec = recording.spec(key)
        earlier = taken_off(recording, key, watch.compare, beside, together=request.variable is None)
        if request.variable is None:
            frame = stacked(recording, frame)
    except NnvizError as error:
        return str(error)
    unsorted = order if isinstance(order, str) else None
    batches = None if earlier is None else batches_note(recording, key, step, beside)
    look = Look(watch.sample, request.at, request.window, request.complex, None if isinstance(order, str) else order)
    return picture(frame, joined(spec.note, batches, unsorted), look, earlier)


def _twin(
    twin: Twin, watch: Watch, request: MapRequest, key: TensorKey | str, order: npt.NDArray[np.int32] | str | None
) -> Picture | None:
    """Return the same picture of the other run, `None` if there is none."""
    found = twin(key) if isinstance(key, TensorKey) and request.part == "map" else None
    drawing = None if found is None else _drawing(found[0], watch, request, key, found[1], order, "", None)
    return drawing if isinstance(drawing, Picture) else None


def _draw(
    watch: Watch, drawings: list[Picture | str], twins: list[Picture | None], n_bytes: int, *, exact: bool
) -> tuple[list[Plane], list[bytes]]:
    wanted = [
        (drawing, request.max_rows, request.max_cols)
        for drawing, request in zip(drawings, watch.maps, strict=True)
        if isinstance(drawing, Picture)
    ]
    encoding: Encoding = "f32" if exact and shrink(wanted, "f32", n_bytes) is None else "bf16"
    sizes = iter(shrink(wanted, encoding, n_bytes) or [(rows, cols) for _, rows, cols in wanted])
    planes: list[Plane] = []
    buffers: list[bytes] = []
    for drawing, twin, request in zip(drawings, twins, watch.maps, strict=True):
        if isinstance(drawing, str):
            planes.append(missing(request, drawing))
            continue
        size = next(sizes)
        plane, data = drawing.draw(*size, encoding, thorough=exact and request.part == "map")
        if twin is not None:
            plane = on_one_scale(plane, twin.draw(*size, encoding)[0])
        value = None if request.cell is None else drawing.value(request.cell)
        planes.append(msgspec.structs.replace(plane, buffer=len(buffers), value=value, part=request.part))
        buffers.append(data)
    return planes, buffers
