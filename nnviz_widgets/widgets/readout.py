"""The exact value at one place of a picture, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.errors import TensorNotRecorded
from nnviz_widgets.widgets.frames import kept_at
from nnviz_widgets.widgets.layout import lay_out

if TYPE_CHECKING:
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.protocol import ReadValues


def value_text(recording: Recording, place: ReadValues) -> str:
    """Return the value in the shortest form that is exact in its own type, empty in a gap or outside the tensor.

    Raises:
        NnvizError: If there is no such tensor, or it is not kept at or before the step.
    """
    key = recording.resolve(place.layer, place.tensor, place.variable)
    frame = kept_at(recording, key, place.step)
    if frame is None:
        raise TensorNotRecorded(f"Nothing of `{place.layer}` is kept at or before step {place.step}. Take a step.")
    if frame.array.size == 0:
        return ""
    layout = lay_out(frame.array.shape, frame.axes, frame.neuron_axis, key.kind, place.sample)
    return layout.text(frame.array, place.row, place.column)
