"""Ragged and sparse tensors: the numbers in them, and the arrays as which they are looked at.

A picture needs rows of one length. What fills a ragged row up is NaN: a 0 is a value like any other, and rows of zeros
would look like neurons that are dead, while NaN is a number that no layer means and that pictures draw as none. Whole
numbers become floating for it, each of up to 2**53 exactly. In a sparse tensor what is not stored is 0 by definition,
so its array has zeros there; only of its gradient nothing is known there, and that is NaN. Statistics see none of it:
they are of the numbers themselves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Catalogue, Kind, TensorKey, TensorSpec

COMPOSITES = (tf.RaggedTensor, tf.SparseTensor)

_PADDED = "padded with NaN for the view"

RAGGED_NOTE = f"ragged: {_PADDED}"
SPARSE_NOTE = "sparse: made dense for the view"
SPARSE_GRADIENT_NOTE = "sparse: only stored values have a gradient, the rest is NaN for the view"


def why_unread(tensor: Any) -> str | None:
    """Return why a tensor, ragged and sparse ones included, has no picture at all, `None` if it has one."""
    if tensor.shape.rank is None:
        return "has a shape of which not even the number of axes is known before it is computed"
    if isinstance(tensor, tf.RaggedTensor) and tensor.ragged_rank > 1:
        return f"is ragged along {tensor.ragged_rank} axes, of which one can be padded for a view"
    return None


def values_of(tensor: Any) -> Any:
    """Return the numbers that a ragged or sparse tensor stores, as one tensor; any other tensor as it is."""
    if isinstance(tensor, tf.RaggedTensor):
        return tensor.flat_values
    return tensor.values if isinstance(tensor, tf.SparseTensor) else tensor


def with_values(tensor: Any, values: Any) -> Any:
    """Return a tensor of the form of `tensor` that stores other numbers."""
    if isinstance(tensor, tf.RaggedTensor):
        return tensor.with_flat_values(values)
    if isinstance(tensor, tf.SparseTensor):
        return tf.SparseTensor(tensor.indices, values, tensor.dense_shape)
    return values


def mapped(tensor: Any, function: Callable[[Any], Any]) -> Any:
    """Apply a function to the numbers of a tensor, value by value."""
    return with_values(tensor, function(values_of(tensor)))


def first_rows(tensor: Any, n: int) -> Any:
    """Return the first `n` rows of a tensor of any form, or all if there are fewer."""
    if not isinstance(tensor, tf.SparseTensor):
        return tensor[:n] if tensor.shape.rank else tensor
    rows = tf.sparse.retain(tensor, tensor.indices[:, 0] < n)
    shape = tf.concat([tf.minimum(rows.dense_shape[:1], n), rows.dense_shape[1:]], 0)
    return tf.SparseTensor(rows.indices, rows.values, shape)


def numbers(tensor: Any, kind: Kind, shape: Sequence[int | None]) -> Any:
    """Return what statistics are made of: without what fills rows up, but with the zeros of a sparse tensor.

    Args:
        tensor: The tensor.
        kind: What it is: of the gradient of a sparse tensor nothing is known where nothing is stored.
        shape: Its shape as far as it is known, the first axis aside.
    """
    if not isinstance(tensor, tf.SparseTensor) or kind == "activation_gradients":
        return values_of(tensor)
    # Indices in any order: whether they are good ones, the user's own operations say.
    return tf.ensure_shape(tf.sparse.to_dense(tensor, validate_indices=False), (None, *shape[1:]))


def dtype_of_view(tensor: Any) -> str:
    """Return the name of the dtype of `as_array`."""
    if not isinstance(tensor, tf.RaggedTensor) or tensor.dtype.is_floating or tensor.dtype.is_complex:
        return str(tensor.dtype.name)
    return "float32" if tensor.dtype.size <= 2 else "float64"


def shape_of_view(tensor: Any) -> tuple[int, ...]:
    """Return the shape of `as_array`, of a tensor that has been computed."""
    if isinstance(tensor, tf.SparseTensor):
        return tuple(np.asarray(tensor.dense_shape).tolist())
    lengths = np.asarray(tensor.row_lengths())
    return (lengths.size, int(lengths.max(initial=0)), *tensor.flat_values.shape[1:])


def as_array(tensor: Any, kind: Kind) -> npt.NDArray[Any]:
    """Return a ragged or sparse tensor as an array, filled up as this module says."""
    shape, values = shape_of_view(tensor), np.asarray(values_of(tensor))
    dtype = tf.as_dtype(dtype_of_view(tensor)).as_numpy_dtype
    if isinstance(tensor, tf.RaggedTensor):
        array = np.full(shape, np.nan, dtype)
        array[np.arange(shape[1]) < np.asarray(tensor.row_lengths())[:, None]] = values
        return array
    array = np.full(shape, np.nan if kind == "activation_gradients" else 0, dtype)
    array[tuple(np.asarray(tensor.indices).T)] = values
    return array


RowLengths = tuple[int, int]
"""The shortest and the longest row of a ragged tensor."""


def row_lengths(tensors: Iterable[tuple[TensorKey, Any]]) -> dict[TensorKey, RowLengths]:
    """Return the range of the row lengths of those tensors that are ragged and have rows."""
    ragged = ((key, tensor) for key, tensor in tensors if isinstance(tensor, tf.RaggedTensor))
    lengths = {key: np.asarray(tensor.row_lengths()) for key, tensor in ragged}
    return {key: (int(rows.min()), int(rows.max())) for key, rows in lengths.items() if rows.size}


def with_row_lengths(catalogue: Catalogue, found: Mapping[TensorKey, RowLengths], *, so_far: bool) -> Catalogue:
    """Return the catalogue with notes that say how long ragged rows are.

    Args:
        catalogue: The catalogue.
        found: From `row_lengths`.
        so_far: Whether more batches will come.
    """
    if not found:
        return catalogue
    when = " so far" if so_far else ""
    rows = {key: f"{low} to {high}" if high > low else str(low) for key, (low, high) in found.items()}
    specs = tuple(
        replace(spec, note=f"ragged: rows of {rows[spec.key]}{when}, {_PADDED}{_after_padded(spec)}")
        if spec.key in rows
        else spec
        for spec in catalogue.specs
    )
    return replace(catalogue, specs=specs)


def _after_padded(spec: TensorSpec) -> str:
    """Return what the note says after that it is ragged, such as on which replica it was read."""
    return (spec.note or "").partition(_PADDED)[2]
