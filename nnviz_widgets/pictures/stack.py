"""Several small variables of a layer as one picture: what stands for a layer that has no single kernel.

Vectors of one length, such as those of a normalization, lie above each other as rows with their names. The kernels of
both halves of a `Bidirectional` lie side by side as its outputs do, so that a column is the same neuron in all maps.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.grammar import Grammar, view_of
from nnviz_widgets.errors import NnvizError, TensorNotRecorded
from nnviz_widgets.pictures.joined import joined_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Frame, TensorKey, TensorSpec
    from nnviz_widgets.core.recording import Recording

MOST_BYTES = 64 << 20
"""More are not copied for a picture: then one of the variables stands for the layer."""


def companions(recording: Recording, key: TensorKey) -> tuple[TensorKey, ...]:
    """Return the tensors that are drawn in one picture where `key` stands for its layer, `key` among them.

    In the order in which they are drawn; only `key` if it is drawn alone.
    """
    if key.kind not in ("weights", "gradients"):
        return (key,)
    try:
        spec = recording.spec(key)
        specs = [recording.spec(other) for other in recording.keys(key.layer, key.kind)]
    except NnvizError:
        return (key,)
    same = [other for other in specs if _belongs(spec, other)]
    return tuple(other.key for other in same) if len(same) > 1 else (key,)


def _belongs(spec: TensorSpec, other: TensorSpec) -> bool:
    if (other.shape, other.axes) != (spec.shape, spec.axes):
        return False
    return len(spec.shape) == 1 or _is_other_half(spec, other)


def _is_other_half(spec: TensorSpec, other: TensorSpec) -> bool:
    """Whether both are the same variable of the halves of a layer whose neurons lie one half after the other."""
    one, two = (str(each.key.variable).rpartition("/")[2] for each in (spec, other))
    halves = {spec.grammar.first_neuron, other.grammar.first_neuron}
    return one == two and (other is spec or halves == {0, spec.n_neurons})


def every_key(recording: Recording, keys: Iterable[TensorKey]) -> set[TensorKey]:
    """Return what must be read of a step so that these keys can stand for their layers."""
    return {companion for key in keys for companion in companions(recording, key)}


def stacked(recording: Recording, frame: Frame) -> Frame:
    """Return the picture of all tensors that are drawn together with `frame`, which stands for its layer.

    It is `frame` itself if it is drawn alone, or if not all are kept at its step.
    """
    keys = companions(recording, frame.key)
    if len(keys) < 2 or len(keys) * frame.array.nbytes > MOST_BYTES:
        return frame
    try:
        frames = [recording.frame(key, frame.step) for key in keys]
    except TensorNotRecorded:
        return frame
    if any((each.array.shape, each.array.dtype.kind) != (frame.array.shape, frame.array.dtype.kind) for each in frames):
        return frame
    return _above_each_other(frames) if frame.array.ndim == 1 else _side_by_side(frames)


def _above_each_other(frames: Sequence[Frame]) -> Frame:
    """Return vectors as the rows of a matrix."""
    first = frames[0]
    names = tuple(str(frame.key.variable) for frame in frames)
    return replace(
        first,
        key=replace(first.key, variable=None),
        array=_read_only(np.stack([frame.array for frame in frames])),
        axes=("variable", *first.axes),
        neuron_axis=None if first.neuron_axis is None else first.neuron_axis + 1,
        grammar=Grammar(labels=MappingProxyType({"variable": names})),
    )


def _side_by_side(frames: Sequence[Frame]) -> Frame:
    """Return the kernels of two halves as one of all neurons, gate by gate."""
    first, second = sorted(frames, key=lambda frame: frame.grammar.first_neuron)
    view = view_of(first.array.shape, first.axes, first.neuron_axis, first.grammar)
    assert first.neuron_axis is not None
    shape = tuple(n * 2 if axis == first.neuron_axis else n for axis, n in enumerate(first.array.shape))

    def join(*halves: npt.NDArray[Any]) -> npt.NDArray[Any]:
        both = np.concatenate([half.reshape(view.shape) for half in halves], axis=view.neuron_axis)
        return _read_only(both.reshape(shape))

    return replace(first, key=replace(first.key, variable=None), array=joined_once(join, first.array, second.array))


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array
