"""Where what a layer is fed comes from: the output of another layer, or the batch.

Found while a step is traced, from the tensors themselves; nothing is added to the graph. A tensor is followed back
through operations that leave each value at its place, such as a cast or a reshape, to one that is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from keras import layers, tree
from keras.src.trainers.data_adapters import data_adapter_utils

from nnviz_widgets.core.frame import LayerInput, TensorKey, batch_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shape = tuple[int | None, ...]

_SAME_VALUES = frozenset(("Cast", "ExpandDims", "Identity", "Reshape", "Squeeze", "StopGradient"))
"""Operations whose result is their first input, value by value in the same order."""

_KEEPS_PLACES = (
    layers.Activation,
    layers.BatchNormalization,
    layers.Dropout,
    layers.ELU,
    layers.Flatten,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.LayerNormalization,
    layers.LeakyReLU,
    layers.Normalization,
    layers.PReLU,
    layers.ReLU,
    layers.Rescaling,
    layers.Reshape,
)
"""Layers whose output has at each place what became of the input there: what was an image still is one."""

_LEAST_SIDE, _LEAST_SIDE_OF_COLORS = 8, 16
"""The least side of a flat row of the batch that is taken for a square image, in grey and in three colours."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A tensor that can be read.

    Attributes:
        key: What it is.
        shape: Of one sample.
        unflattened: Of one sample before it was flattened, if it was.
        guessed: Whether that is taken from the number of values alone.
        channels_first: Whether its channels come before its places, flattened or not.
        tensor: Kept, so that no other tensor gets its identity.
    """

    key: TensorKey
    shape: Shape
    unflattened: Shape | None
    guessed: bool
    tensor: Any
    channels_first: bool = False


class Inputs:
    """Notes what each call of a layer is fed, while a step is traced."""

    def __init__(self) -> None:
        self._known: dict[object, _Known] = {}
        self._found: dict[str, LayerInput] = {}

    def note_batch(self, data: Any) -> None:
        """Note the batch: the leaves of its `x` are known."""
        x, _, _ = data_adapter_utils.unpack_x_y_sample_weight(data)
        for i, leaf in enumerate(tree.flatten(x)):
            shape = _of_sample(leaf)
            if shape is not None:
                image = _square(shape)
                self._add(leaf, _Known(batch_key(i), shape, image, image is not None, leaf))

    def note_call(self, path: str, layer: Any, fed: Any, outputs: Sequence[Any]) -> None:
        """Note a call of a layer.

        Args:
            path: Of the call, `"d#1"`.
            layer: The layer.
            fed: Its first argument. Where that is several tensors, none of them is *the* input.
            outputs: Its outputs, as the catalogue numbers them.
        """
        leaves = tree.flatten(fed)
        source = self._find(leaves[0]) if len(leaves) == 1 else None
        if source is not None:
            first = source.channels_first or (len(source.shape) > 1 and _has_channels_first(layer))
            self._found[path] = LayerInput(
                source.key, source.shape, source.unflattened, guessed=source.guessed, channels_first=first
            )
        passes_on = source if isinstance(layer, _KEEPS_PLACES) else None
        for i, output in enumerate(outputs):
            shape = _of_sample(output)
            if shape is not None:
                key = TensorKey(path, "activations", output=i)
                self._add(output, _known_output(key, layer, passes_on, shape, output))

    def found(self) -> Mapping[str, LayerInput]:
        """Return for each call, by path, what it is fed, where that can be read."""
        return MappingProxyType(dict(self._found))

    def _add(self, tensor: Any, known: _Known) -> None:
        # A layer that hands its input on, such as a dropout at rate 0, does not become its source.
        self._known.setdefault(_identity(tensor), known)

    def _find(self, tensor: Any) -> _Known | None:
        """Return the known tensor that holds the values of `tensor`, with the shape that `tensor` has now."""
        fed = _of_sample(tensor)
        if fed is None:
            return None
        image: Shape | None = None
        while tensor is not None:
            shape = _of_sample(tensor)
            if shape is None or not _same_size(shape, fed):
                return None
            if image is None and _is_flat_of(fed, shape):
                image = shape
            known = self._known.get(_identity(tensor))
            if known is not None:
                unflattened = known.unflattened if image is None and len(fed) == 1 else image
                guessed = image is None and known.guessed and len(fed) == 1
                return _Known(known.key, fed, unflattened, guessed, tensor, known.channels_first)
            tensor = _before(tensor)
        return None


def _known_output(key: TensorKey, layer: Any, passes_on: _Known | None, shape: Shape, output: Any) -> _Known:
    """Return what is known of an output of `layer`, which keeps the places of `passes_on`, if of anything."""
    if passes_on is None:
        return _Known(key, shape, None, False, output, len(shape) > 1 and _has_channels_first(layer))
    image, first = passes_on.unflattened or passes_on.shape, passes_on.channels_first
    if isinstance(layer, layers.Flatten) and _has_channels_first(layer) and len(passes_on.shape) > 1:
        image, first = (*image[1:], image[0]), False  # it puts channels last before it flattens
    unflattened = image if _is_flat_of(shape, image) else None
    return _Known(key, shape, unflattened, unflattened is not None and passes_on.guessed, output, first)


def _has_channels_first(layer: Any) -> bool:
    return getattr(layer, "data_format", None) == "channels_first"


def _identity(tensor: Any) -> object:
    """Return what tells tensors apart. In a graph several objects may stand for one tensor, and names are unique."""
    return id(tensor) if not hasattr(tensor, "graph") else (id(tensor.graph), tensor.name)


def _of_sample(tensor: Any) -> Shape | None:
    """Return the shape without the samples', or `None` if it is no tensor of numbers with samples."""
    if not isinstance(tensor, tf.Tensor) or not tensor.shape.rank or tensor.dtype == tf.string:
        return None
    return tuple(tensor.shape[1:])


def _before(tensor: Any) -> Any:
    """Return the tensor that `tensor` was made of without moving any value, or `None`."""
    if not hasattr(tensor, "graph") or tensor.op.type not in _SAME_VALUES:
        return None
    return tensor.op.inputs[0]


def _size(shape: Shape) -> int | None:
    n = 1
    for length in shape:
        if length is None:
            return None
        n *= length
    return n


def _same_size(a: Shape, b: Shape) -> bool:
    return a == b or (_size(a) is not None and _size(a) == _size(b))


def _is_flat_of(flat: Shape, shape: Shape) -> bool:
    """Whether `flat` has the values of `shape` in one row."""
    return len(flat) == 1 and len(shape) > 1 and _size(flat) is not None and _size(flat) == _size(shape)


def _square(shape: Shape) -> Shape | None:
    """Return the shape of the image that a flat row of the batch may well be, or `None`."""
    if len(shape) != 1 or shape[0] is None:
        return None
    for channels, least in ((), _LEAST_SIDE), ((3,), _LEAST_SIDE_OF_COLORS):
        n_pixels, rest = divmod(shape[0], 3 if channels else 1)
        side = isqrt(n_pixels)
        if not rest and side * side == n_pixels and side >= least:
            return side, side, *channels
    return None
