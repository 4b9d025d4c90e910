"""The `Frame` message: all heatmaps that a page shows, at one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.errors import InvalidArgumentError, NnvizError, TensorNotRecorded, TensorUnavailable
from nnviz_widgets.protocol import MAX_FRAME_BYTES, Frame
from nnviz_widgets.widgets.encoding import Encoding
from nnviz_widgets.widgets.picture import Picture, missing, picture, shrink
from nnviz_widgets.widgets.text import cut

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Frame as TensorFrame
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.protocol import MapRequest, Plane, Watch

HEADER_BYTES = 8 << 10
"""Room for a usual header; a larger one is measured, and the pictures made smaller."""
MAX_LABEL = 40
MAX_LABELS = 1024


def keys_of(recording: Recording, watch: Watch) -> list[TensorKey | str]:
    """Return for each map of `watch` the tensor's key, or the reason why there is none."""
    return [_key(recording, watch.layer, request) for request in watch.maps]


def _key(recording: Recording, layer: str, request: MapRequest) -> TensorKey | str:
    try:
        return recording.resolve(layer, request.tensor, request.variable)
    except TensorUnavailable as error:
        return recording.why(layer, request.tensor) or str(error)
    except InvalidArgumentError as error:
        # Several variables and none is a kernel, as in BatchNormalization: a picture of the first says more than words.
        main = recording.catalogue.main_specs().get((layer, request.tensor))
        return str(error) if main is None or request.variable is not None else main.key
    except NnvizError as error:
        return str(error)


def kept_at(recording: Recording, key: TensorKey, step: int) -> TensorFrame | None:
    """Return a tensor at the nearest kept step at or before `step` (-1: the newest), `None` if there is none."""
    try:
        return recording.frame(key, step)
    except TensorNotRecorded:
        if step == -1:
            return None
    try:
        steps = recording.tensor_steps(key.layer, key.kind, key.variable, output=key.output)
        index = int(np.searchsorted(steps, step, side="right"))
        return recording.frame(key, int(steps[index - 1])) if index else None
    except TensorNotRecorded:  # thinned out between the two calls
        return None


def shown_step(recording: Recording, keys: list[TensorKey | str], step: int) -> int | None:
    """Return the step that a page gets which asks for `step`: the newest at or before it with one of the tensors."""
    frames = [kept_at(recording, key, step) for key in keys if isinstance(key, TensorKey)]
    return max((frame.step for frame in frames if frame is not None), default=None)


def frame_message(
    recording: Recording, watch: Watch, keys: list[TensorKey | str], step: int | None, seq: int, *, exact: bool
) -> tuple[Frame, list[bytes]]:
    """Return a frame and its buffers, no more than `MAX_FRAME_BYTES` together.

    Args:
        recording: Where tensors are read.
        watch: What the page shows.
        keys: From `keys_of`.
        step: From `shown_step`; `None` if nothing is kept yet.
        seq: The frame's number.
        exact: Whether to send all 32 bits of each value, if they fit.
    """
    drawings = [_drawing(recording, watch, key, step) for key in keys]
    labels = recording.labels(step)[:MAX_LABELS] if step is not None else ()
    header = 2 * HEADER_BYTES
    while True:
        planes, buffers = _draw(watch, drawings, MAX_FRAME_BYTES - header, exact=exact)
        message = Frame(
            client=watch.client,
            seq=seq,
            layer=watch.layer,
            step=max(0, watch.step) if step is None else step,
            newest=watch.step == -1,
            sample=watch.sample,
            labels=[cut(label, MAX_LABEL) for label in labels],
            planes=planes,
        )
        needed = len(msgspec.json.encode(message)) + HEADER_BYTES
        if needed <= header:
            return message, buffers
        header = needed


def _drawing(recording: Recording, watch: Watch, key: TensorKey | str, step: int | None) -> Picture | str:
    if isinstance(key, str):
        return key
    if step is None:
        return (
            "nothing was read yet: take a step"
            if watch.step == -1
            else f"nothing is kept at or before step {watch.step}"
        )
    try:
        frame = recording.frame(key, step)
        spec = recording.spec(key)
    except NnvizError as error:
        return str(error)
    return picture(frame, spec.note, watch.sample)


def _draw(watch: Watch, drawings: list[Picture | str], n_bytes: int, *, exact: bool) -> tuple[list[Plane], list[bytes]]:
    wanted = [
        (drawing, request.max_rows, request.max_cols)
        for drawing, request in zip(drawings, watch.maps, strict=True)
        if isinstance(drawing, Picture)
    ]
    encoding: Encoding = "f32" if exact and shrink(wanted, "f32", n_bytes) is None else "bf16"
    sizes = iter(shrink(wanted, encoding, n_bytes) or [(rows, cols) for _, rows, cols in wanted])
    planes: list[Plane] = []
    buffers: list[bytes] = []
    for drawing, request in zip(drawings, watch.maps, strict=True):
        if isinstance(drawing, str):
            planes.append(missing(request.tensor, request.variable, drawing))
            continue
        plane, data = drawing.draw(*next(sizes), encoding)
        value = None if request.cell is None else drawing.value(request.cell)
        planes.append(msgspec.structs.replace(plane, buffer=len(buffers), value=value))
        buffers.append(data)
    return planes, buffers
