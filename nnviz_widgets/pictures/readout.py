"""The exact value at one place of a picture, as text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.errors import InvalidArgumentError, TensorNotRecorded
from nnviz_widgets.pictures.compare import difference
from nnviz_widgets.pictures.kept import earlier_of, kept_at, key_of
from nnviz_widgets.pictures.order import order_of
from nnviz_widgets.pictures.picture import Look, picture
from nnviz_widgets.pictures.stack import stacked

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Frame
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.protocol import ReadValues


def value_text(recording: Recording, place: ReadValues) -> str:
    """Return the value in the shortest form that is exact in its own type, empty in a gap or outside the tensor.

    Raises:
        NnvizError: If there is no such tensor, it is not kept at or before the step, or cannot be compared.
    """
    key = key_of(recording, place.layer, place.tensor, place.variable, place.output)
    frame = kept_at(recording, key, place.step)
    if frame is None:
        raise TensorNotRecorded(f"Nothing of `{place.layer}` is kept at or before step {place.step}. Take a step.")
    if frame.array.size == 0:
        return ""
    earlier = None if place.compare is None else earlier_of(recording, key, place.compare)
    if place.variable is None:
        frame = stacked(recording, frame)
        earlier = None if earlier is None else stacked(recording, earlier)
    order = None if place.order is None else order_of(recording, place.layer, place.order)
    look = Look(place.sample, place.at, part=place.complex, order=None if isinstance(order, str) else order)
    drawn = picture(frame, None, look)
    if isinstance(drawn, str):
        raise InvalidArgumentError(drawn)
    index = drawn.index(place.row, place.column)
    if earlier is not None:
        return _difference_at(frame, earlier, index)
    return "" if index is None else str(frame.array[index])


def _difference_at(frame: Frame, earlier: Frame, index: tuple[int, ...] | None) -> str:
    """Return the difference at one place: that of all of a large kernel takes as long as many frames."""
    if index is None:
        return ""
    if frame.array.shape == earlier.array.shape:
        frame, earlier = (replace(each, array=np.asarray(each.array[index])) for each in (frame, earlier))
    found = difference(frame, earlier)
    if isinstance(found, str):
        raise InvalidArgumentError(found)
    return str(found[()])
