"""From TensorFlow's tensors to arrays, with as few copies as can be.

On a CPU an array shares the tensor's memory, which is never written to while it is held: TensorFlow makes a new one
when a variable changes. From a device values must be copied, and those of a tensor of gigabytes are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow.composites import COMPOSITES, as_array, dtype_of_view, shape_of_view
from nnviz_widgets.core.deferred import MAX_COPY_BYTES, Deferred

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.core.tensor_store import Held


def read_now(tensor: Any, kind: Kind = "weights", *, cut: bool = False) -> Held:
    """Return the values of a tensor that will not stay: a copy of what is on a device, unless it is too large.

    Args:
        tensor: The tensor; may be ragged or sparse.
        kind: What it is.
        cut: Whether it is the first rows of another one, whose whole memory an array that shares it would keep.
    """
    if isinstance(tensor, COMPOSITES):
        later = _dense_later(tensor, kind, kept=False)
        return as_array(tensor, kind) if later.nbytes <= MAX_COPY_BYTES else later
    if _on_cpu(tensor):
        return np.array(tensor) if cut else np.asarray(tensor)
    deferred = _deferred(tensor, kept=False)
    return np.asarray(tensor) if deferred.nbytes <= MAX_COPY_BYTES else deferred


def read_when_asked(tensor: Any, kind: Kind = "weights") -> Held:
    """Return the values of a tensor that is kept: what is on a device, ragged or sparse is read when somebody asks."""
    if isinstance(tensor, COMPOSITES):
        return _dense_later(tensor, kind, kept=True)
    return np.asarray(tensor) if _on_cpu(tensor) else _deferred(tensor, kept=True)


def _on_cpu(tensor: Any) -> bool:
    return not isinstance(tensor, tf.IndexedSlices) and "CPU" in tensor.device


def _dense_later(tensor: Any, kind: Kind, *, kept: bool) -> Deferred:
    def fetch(index: Any) -> Any:
        return as_array(tensor, kind)[index]

    dtype = tf.as_dtype(dtype_of_view(tensor)).as_numpy_dtype
    return Deferred(shape_of_view(tensor), dtype, fetch if kept else None)


def _deferred(tensor: Any, *, kept: bool) -> Deferred:
    def fetch(index: Any) -> Any:
        return tf.convert_to_tensor(tensor)[index]

    return Deferred(tuple(tensor.shape), tensor.dtype.as_numpy_dtype, fetch if kept else None)
