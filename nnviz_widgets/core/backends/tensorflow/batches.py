"""One batch that a user gives by hand, as tensors."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from keras.src import backend

from nnviz_widgets.errors import InvalidArgumentError

_TENSORS = (tf.Tensor, tf.RaggedTensor, tf.SparseTensor)


def as_batch(name: str, value: Any) -> Any:
    """Return arrays, or a structure of arrays, as tensors; floating arrays in Keras' own type, as `fit` has them.

    Args:
        name: What the user calls it.
        value: Arrays, tensors, data frames or lists of numbers, alone or in lists, tuples and dicts; or `None`.

    Raises:
        InvalidArgumentError: If it is something else, such as a data set.
    """
    if isinstance(value, (list, tuple)) and all(isinstance(leaf, (int, float)) for leaf in tree.flatten(value)):
        value = np.asarray(value)
    return tree.map_structure(lambda leaf: _as_tensor(name, leaf), value)


def _as_tensor(name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, tf.Tensor):
        return _with_mask_of(value, tf.identity(value))  # Keras may set attributes on what it is given
    if isinstance(value, _TENSORS):
        return value
    if not hasattr(value, "__array__") or callable(getattr(value, "batch", None)):
        raise InvalidArgumentError(
            f"`{name}` must be one batch: an array, or a structure of arrays. Received: {value!r:.80} of type "
            f"{type(value).__name__}. Of a data set, take one: next(iter(dataset))."
        )
    array = np.asarray(value)
    return tf.convert_to_tensor(array, dtype=keras.config.floatx() if array.dtype.kind == "f" else None)


def _with_mask_of(tensor: Any, copy: Any) -> Any:
    mask = backend.get_keras_mask(tensor)
    if mask is not None:
        backend.set_keras_mask(copy, mask)
    return copy


def n_rows(x: Any, **others: Any) -> int:
    """Return how many samples a batch has.

    Args:
        x: The inputs.
        **others: What belongs to the same samples, by the user's name for it.

    Raises:
        InvalidArgumentError: If it has none, is no batch, or its parts differ in length.
    """
    shapes = [tuple(leaf.shape) for leaf in tree.flatten(x)]
    if not shapes or not all(shapes):
        received = "a value of shape ()" if shapes else "no array at all"
        raise InvalidArgumentError(
            f"`x` must be a batch, whose first axis counts samples. Received: {received}. Give x[None] for one sample."
        )
    n = shapes[0][0]
    if not n:
        raise InvalidArgumentError(
            f"`x` must have at least one row. Received: an empty batch of shape {shapes[0]}. Give some samples."
        )
    for name, value in {"x": x, **others}.items():
        lengths = [leaf.shape[0] for leaf in tree.flatten(value) if leaf is not None and leaf.shape.rank]
        if any(length not in (None, n) for length in lengths):
            raise InvalidArgumentError(
                f"`{name}` must have a row for each of the {n} samples of `x`. Received: {lengths} rows. "
                "Cut them from the same place."
            )
    return int(n)
