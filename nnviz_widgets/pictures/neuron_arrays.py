"""What belongs to one neuron, as arrays with named axes: incoming weights, input, product, output, samples.

Pure functions of what was read; every one is checked against numpy in its test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.grammar import BLOCK_AXIS, view_of
from nnviz_widgets.pictures.compare import wide

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Frame, LayerInput

CHANNEL = "channel"

OUTER_CHANNEL = "outer channel"
"""A channel that counts before the places: a page finds an input among flattened ones by the names of the axes."""

_IMAGE_AXES = {2: ("y", "x"), 3: ("y", "x", CHANNEL)}
_CHANNELS_FIRST = {**_IMAGE_AXES, 3: (OUTER_CHANNEL, "y", "x")}


@dataclass(frozen=True, slots=True)
class Named:
    """An array and the names of its axes.

    Attributes:
        array: The values.
        names: A name for each axis.
        labels: Name of an axis to the names of its indices, where they have any.
    """

    array: npt.NDArray[Any]
    names: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def without(self, axis: int, index: int) -> Named:
        """Return it at one index of an axis."""
        return Named(self.array.take(index, axis), (*self.names[:axis], *self.names[axis + 1 :]), self.labels)


def of_neuron(frame: Frame, neuron: int) -> Named | None:
    """Return what a tensor holds of a neuron, `None` if no axis of it counts the layer's neurons or not this one.

    Args:
        frame: Weights, their gradients, or activations `(sample, …)`.
        neuron: Counted in the layer.
    """
    view = view_of(frame.array.shape, frame.axes, frame.neuron_axis, frame.grammar)
    index = neuron - frame.grammar.first_neuron
    if view.neuron_axis is None or not frame.grammar.own or not 0 <= index < view.shape[view.neuron_axis]:
        return None
    labels = {name: given for name, given in zip(view.names, view.labels, strict=True) if given}
    return Named(frame.array.reshape(view.shape), view.names, labels).without(view.neuron_axis, index)


def incoming(frame: Frame, neuron: int, fed: LayerInput | None) -> Named | None:
    """Return the incoming weights of a neuron, or their gradients: of the shape that their inputs had as an image.

    Args:
        frame: The weights.
        neuron: Counted in the layer.
        fed: What the layer is fed, if that is known.
    """
    weights = of_neuron(frame, neuron)
    if weights is None:
        return None
    if weights.names == ("in",):
        return unflattened(weights, fed)
    if BLOCK_AXIS in weights.names:  # a gate is a row
        axis = weights.names.index(BLOCK_AXIS)
        order = (axis, *(i for i in range(weights.array.ndim) if i != axis))
        names = tuple(weights.names[i] for i in order)
        return Named(weights.array.transpose(order), names, weights.labels)
    return weights


def unflattened(values: Named, fed: LayerInput | None) -> Named:
    """Return one row of values, one for each input, as the image that the inputs were, if they were one."""
    shape = None if fed is None else fed.unflattened
    if shape is None or None in shape or values.array.ndim != 1:
        return values
    sizes = tuple(int(size) for size in shape if size is not None)
    if math.prod(sizes) != values.array.size:
        return values
    names = _image_axes(fed).get(len(sizes), _numbered(len(sizes)))
    return Named(values.array.reshape(sizes), names)


def input_of(rows: Frame, fed: LayerInput, sample: int) -> Named:
    """Return what a layer is fed of a sample, one row of values also where that was an image.

    Args:
        rows: The tensor that holds it, of `fed.key`.
        fed: What the layer is fed.
        sample: Which row; cut to those that there are, at least one.
    """
    values = rows.array[max(0, min(sample, len(rows.array) - 1))]
    known = len(rows.axes) == rows.array.ndim and not rows.axes[0].startswith("axis")
    if None not in fed.shape and math.prod(size or 1 for size in fed.shape) == values.size:
        known = known and values.shape == fed.shape
        values = values.reshape([size or 1 for size in fed.shape])
    if values.ndim == 1:
        return Named(values, ("in",))
    names = tuple(rows.axes[1:]) if known else _image_axes(fed).get(values.ndim, _numbered(values.ndim))
    return Named(values, tuple(CHANNEL if name in ("filter", "neuron") else name for name in names))


def _image_axes(fed: LayerInput | None) -> Mapping[int, tuple[str, ...]]:
    return _CHANNELS_FIRST if fed is not None and fed.channels_first else _IMAGE_AXES


def _numbered(ndim: int) -> tuple[str, ...]:
    return tuple(f"axis {i}" for i in range(ndim))


def product(weights: Named, given: Named) -> Named | None:
    """Return weight x input of a neuron, input by input; `None` where its sum is not what the neuron computes.

    Args:
        weights: From `of_neuron`, not made an image.
        given: From `input_of`. With more axes, such as time, each of its rows is multiplied.
    """
    if weights.names == ("token",):
        return _looked_up(weights, given)
    if weights.names != ("in",) or given.array.shape[-1:] != weights.array.shape:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        return Named(wide(given.array) * wide(weights.array), given.names)


def _looked_up(weights: Named, given: Named) -> Named | None:
    """Return the weight of each token of a sample."""
    tokens = given.array.astype(np.int64)
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < weights.array.size:
        return None
    names = ("place",) if given.array.ndim == 1 else given.names
    return Named(weights.array[tokens], names)


def output_of(frame: Frame, neuron: int, sample: int) -> Named | None:
    """Return a neuron's own output for a sample, `None` where that is one number or there is no sample.

    Args:
        frame: Activations `(sample, …)`.
        neuron: Which one.
        sample: Which row; cut to those that there are.
    """
    outputs = of_neuron(frame, neuron)
    if outputs is None or outputs.array.ndim < 2 or "sample" not in outputs.names:
        return None
    axis = outputs.names.index("sample")
    n_samples = outputs.array.shape[axis]
    return outputs.without(axis, max(0, min(sample, n_samples - 1))) if n_samples else None


def samples_of(frame: Frame, neuron: int) -> Named | None:
    """Return the activation of a neuron for each sample: of several places the mean.

    Args:
        frame: Activations `(sample, …)`.
        neuron: Which one.
    """
    outputs = of_neuron(frame, neuron)
    if outputs is None or "sample" not in outputs.names:
        return None
    axis = outputs.names.index("sample")
    others = tuple(i for i in range(outputs.array.ndim) if i != axis)
    if not others:
        return Named(outputs.array, ("sample",))
    with np.errstate(over="ignore", invalid="ignore"):
        return Named(wide(outputs.array).mean(axis=others), ("sample",))
