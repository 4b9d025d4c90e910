"""The exact value at one place of a picture, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.errors import InvalidArgumentError, TensorNotRecorded
from nnviz_widgets.pictures.compare import difference_at, why_no_difference
from nnviz_widgets.pictures.kept import kept_at, key_of, taken_off
from nnviz_widgets.pictures.order import order_of
from nnviz_widgets.pictures.picture import Look, picture
from nnviz_widgets.pictures.stack import stacked

if TYPE_CHECKING:
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.kept import Beside
    from nnviz_widgets.protocol import ReadValues


def value_text(recording: Recording, place: ReadValues, beside: Beside | None = None) -> str:
    """Return the value in the shortest form that is exact in its own type, empty in a gap or outside the tensor.

    Args:
        recording: Where the tensors are read.
        place: Which value.
        beside: What it is drawn beside, where it is the second of two runs.

    Raises:
        NnvizError: If there is no such tensor, it is not kept at or before the step, or cannot be compared.
    """
    key = key_of(recording, place.layer, place.tensor, place.variable, place.output)
    frame = kept_at(recording, key, place.step)
    if frame is None:
        at = "" if place.step == -1 else f" at or before step {place.step}"
        raise TensorNotRecorded(f"Nothing of `{place.layer}` is kept{at}.")
    if frame.array.size == 0:
        return ""
    earlier = taken_off(recording, key, place.compare, beside, together=place.variable is None)
    if place.variable is None:
        frame = stacked(recording, frame)
    ordering = recording if beside is None else beside.first
    order = None if place.order is None else order_of(ordering, place.layer, place.order)
    look = Look(place.sample, place.at, part=place.complex, order=None if isinstance(order, str) else order)
    drawn = picture(frame, None, look)
    if isinstance(drawn, str):
        raise InvalidArgumentError(drawn)
    index = drawn.index(place.row, place.column)
    if index is None:
        return ""
    if earlier is None:
        return str(frame.array[index])
    why = why_no_difference(frame, earlier)
    if why is not None:
        raise InvalidArgumentError(why)
    return str(difference_at(frame, earlier, index))
