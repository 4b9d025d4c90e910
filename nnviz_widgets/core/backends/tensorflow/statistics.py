"""Vitals inside the compiled step: sums along the columns of every probed tensor, everything else follows from them.

A column is what belongs to one neuron, so the statistics of the neurons come for free and those of the whole tensor
are sums over columns. Few and large operations are what is cheap here:

- Column sums are products with a row of ones: 19 microseconds for a 784 x 128 kernel where `reduce_sum` takes 92.
- Vectors are laid end to end, and small matrices with equally many rows side by side, and summarised as one.
- Non-finite values, overflow and cancellation are not guarded against in the graph. They show in the sums, and only
  then `core.stats` computes the tensor again, exactly, in numpy.

What was tried instead: XLA fuses all of it into one fast loop, but compiles for 4 to 20 seconds first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from nnviz_widgets.core import stats
from nnviz_widgets.core.frame import NEURON_STATISTICS, VITALS, VitalsReading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

_SMALL = 1 << 15
"""Matrices of at most so many values are laid side by side: copying them costs less than one more operation."""

_ROWS = ("sum", "squares", "low", "high", "zeros", "change")
"""What is computed for each column; `change` is the sum of the squared update of a weight."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A tensor to be summarised in the graph.

    Attributes:
        value: The tensor.
        neuron_axis: The axis that counts neurons, or `None`.
        before: For weights, the variable before the step.
    """

    value: Any
    neuron_axis: int | None
    before: Any = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How the columns of all subjects lie in the output; made while tracing.

    Attributes:
        order: For each column in the order of the subjects, its place in the output.
        starts: First column of each subject after ordering.
        n_columns: Columns of each subject.
        neuron_axes: The neuron axis of each subject, or `None` where columns are not neurons.
        weights: Whether a subject has an update ratio, shape `(n_subjects,)`.
        neurons: Where the statistics of the neurons lie in the `(4, n_columns)` matrix of all columns, laid end to
            end as `VitalsReading.neurons` wants them.
    """

    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    n_columns: npt.NDArray[np.intp]
    neuron_axes: tuple[int | None, ...]
    weights: npt.NDArray[np.bool_]
    neurons: npt.NDArray[np.intp]


def _make_layout(subjects: Sequence[Subject], matrices: Sequence[_Matrix], groups: list[list[int]]) -> Layout:
    n_columns = np.array([m.n_columns for m in matrices], np.intp)
    starts = np.cumsum(n_columns) - n_columns
    total = int(n_columns.sum())
    order = np.empty(total, np.intp)
    position = 0
    for i in (i for group in groups for i in group):
        order[starts[i] : starts[i] + n_columns[i]] = np.arange(position, position + n_columns[i])
        position += int(n_columns[i])
    places = np.arange(len(NEURON_STATISTICS) * total).reshape(len(NEURON_STATISTICS), total)
    neurons = [
        places[:, start : start + n].ravel()
        for subject, start, n in zip(subjects, starts, n_columns, strict=True)
        if subject.neuron_axis is not None
    ]
    return Layout(
        order=order,
        starts=starts,
        n_columns=n_columns,
        neuron_axes=tuple(subject.neuron_axis for subject in subjects),
        weights=np.array([subject.before is not None for subject in subjects], bool),
        neurons=np.concatenate(neurons) if neurons else np.zeros(0, np.intp),
    )


def column_sums(subjects: Sequence[Subject]) -> tuple[Any, Any, Layout]:
    """Return what the step must output so that `reading` can make vitals of it.

    Args:
        subjects: The tensors, in the order of the catalogue.

    Returns:
        The sums, float64 of shape `(6, n_columns)`; how many values each subject has in a column, int32 of shape
        `(n_subjects,)`; and the layout.
    """
    matrices = [_as_matrix(subject) for subject in subjects]
    groups = _groups(matrices)
    layout = _make_layout(subjects, matrices, groups)
    if not subjects:
        return tf.zeros((len(_ROWS), 0), tf.float64), tf.zeros((0,), tf.int32), layout
    pieces = [_sums_of_group([matrices[i] for i in group]) for group in groups]
    return tf.concat(pieces, 1), tf.stack([tf.shape(m.value)[0] for m in matrices]), layout


@dataclass(frozen=True, slots=True)
class _Matrix:
    value: Any
    before: Any
    n_columns: int


def _as_matrix(subject: Subject) -> _Matrix:
    """Bring a tensor into the shape `(values of a column, columns)` in float32, or float64 where it needs it."""
    wide = subject.value.dtype.name in ("float64", "int64", "uint64", "int32", "uint32", "complex128")
    dtype = tf.float64 if wide else tf.float32
    shape = tuple(subject.value.shape)
    axis = len(shape) - 1 if subject.neuron_axis is None else subject.neuron_axis
    n_columns = 1 if not shape or shape[axis] is None else int(shape[axis])

    def matrix(tensor: Any) -> Any:
        tensor = tf.cast(tf.abs(tensor) if tensor.dtype.is_complex else tensor, dtype)
        if shape and axis != len(shape) - 1 and n_columns > 1:
            tensor = tf.transpose(tensor, [*(i for i in range(len(shape)) if i != axis), axis])
        return tf.reshape(tensor, [-1, n_columns]) if len(shape) != 2 or n_columns == 1 else tensor

    return _Matrix(matrix(subject.value), None if subject.before is None else matrix(subject.before), max(n_columns, 1))


def _groups(matrices: Sequence[_Matrix]) -> list[list[int]]:
    """Put matrices together that can be laid side by side: same rows, same dtype, small."""
    groups: dict[Any, list[int]] = {}
    for i, matrix in enumerate(matrices):
        rows = matrix.value.shape[0]
        small = rows is not None and rows * matrix.n_columns <= _SMALL
        key = (rows, matrix.value.dtype, matrix.before is None) if small else i
        groups.setdefault(key, []).append(i)
    return list(groups.values())


def _sums_of_group(matrices: list[_Matrix]) -> Any:
    """Return the sums of the matrices laid side by side, float64 of shape `(6, n_columns)`."""
    x = _beside([m.value for m in matrices])
    befores = [m.before for m in matrices if m.before is not None]
    if x.shape[0] == 1:
        # One value a column: the sums are the values, and in float64 their squares are exact.
        x = tf.cast(x, tf.float64)
        change = tf.square(x - tf.cast(_beside(befores), tf.float64)) if befores else tf.zeros_like(x)
        return tf.concat([x, tf.square(x), x, x, tf.cast(tf.equal(x, 0.0), tf.float64), change], 0)
    ones = tf.ones((1, tf.shape(x)[0]), x.dtype)
    rows = [
        tf.matmul(ones, x),
        tf.matmul(ones, tf.square(x)),
        tf.reduce_min(x, 0, keepdims=True),
        tf.reduce_max(x, 0, keepdims=True),
        # Signs are computed twice as fast as comparisons are turned into numbers.
        tf.reduce_sum(ones) - tf.matmul(ones, tf.abs(tf.sign(x))),
        tf.matmul(ones, tf.math.squared_difference(x, _beside(befores)))
        if befores
        else tf.zeros((1, x.shape[1]), x.dtype),
    ]
    return tf.cast(tf.concat(rows, 0), tf.float64)


def _beside(matrices: list[Any]) -> Any:
    return matrices[0] if len(matrices) == 1 else tf.concat(matrices, 1)


def reading(
    sums: npt.NDArray[np.float64],
    n_values: npt.NDArray[np.int32],
    layout: Layout,
    fetch: Callable[[int], npt.NDArray[Any]],
) -> VitalsReading:
    """Make vitals of the sums that a step returned.

    Args:
        sums: As `column_sums` returned it.
        n_values: Likewise.
        layout: Likewise.
        fetch: Returns the whole tensor of a subject; called only where the sums cannot be trusted.
    """
    if not layout.starts.size:
        return VitalsReading(np.zeros((0, len(VITALS) + 1)), np.zeros(0, np.float32))
    columns = sums[:, layout.order]
    with np.errstate(all="ignore"):
        table, trusted = _whole(columns, n_values, layout)
        neurons = _per_neuron(columns, n_values, layout)
    for i in np.flatnonzero(~trusted):
        _compute_again(int(i), fetch(int(i)), table, neurons, layout)
    with np.errstate(all="ignore"):  # a bias of zeros that was not updated
        table[layout.weights, -1] /= table[layout.weights, VITALS.index("l2")]
    flat = neurons.ravel()[layout.neurons]
    with np.errstate(over="ignore"):
        narrow = flat.astype(np.float32)
    # Values beyond float32 are rare enough to look for them only where something was computed again.
    return VitalsReading(table, narrow if trusted.all() or not _overflowed(flat, narrow) else flat)


_TRUSTED_LOW, _TRUSTED_HIGH = 1e-30, 1e30
"""Sums of squares beyond these may have lost digits to underflow or overflow in float32."""

_TRUSTED_SPREAD = 1e-5
"""Below this ratio of variance to squared mean, float32 sums have lost the variance."""


def _whole(
    columns: npt.NDArray[np.float64], n_values: npt.NDArray[np.int32], layout: Layout
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return vitals of whole tensors `(n_subjects, 9)`, the last column still a norm, and which can be trusted."""
    total, squares, _, _, zeros, change = np.add.reduceat(columns, layout.starts, axis=1)
    low = np.minimum.reduceat(columns[2], layout.starts)
    high = np.maximum.reduceat(columns[3], layout.starts)
    size = n_values * layout.n_columns
    mean = total / size
    variance = squares / size - mean * mean
    in_range = (squares > _TRUSTED_LOW) & (squares < _TRUSTED_HIGH)
    all_zero = (low == 0) & (high == 0)
    spread = (variance > _TRUSTED_SPREAD * mean * mean) & in_range
    trusted = np.isfinite(squares) & (size > 0) & (spread | all_zero | (n_values == 1))
    table = np.empty((len(layout.starts), len(VITALS) + 1))
    table[:, 0] = mean
    table[:, 1] = np.sqrt(np.maximum(variance, 0.0))
    table[:, 2] = low
    table[:, 3] = high
    table[:, 4] = np.sqrt(squares)
    table[:, 5] = zeros / size
    table[:, 6:8] = 0.0
    table[:, 8] = np.where(layout.weights, np.sqrt(change), np.nan)
    return table, trusted


def _per_neuron(
    columns: npt.NDArray[np.float64], n_values: npt.NDArray[np.int32], layout: Layout
) -> npt.NDArray[np.float64]:
    """Return the rows of `NEURON_STATISTICS` for every column, shape `(4, n_columns)`."""
    n = np.repeat(n_values, layout.n_columns)
    return np.stack([np.sqrt(columns[1]), columns[0] / n, columns[3], columns[4] / n])


def _compute_again(
    i: int,
    array: npt.NDArray[Any],
    table: npt.NDArray[np.float64],
    neurons: npt.NDArray[np.float64],
    layout: Layout,
) -> None:
    table[i, :-1] = stats.vitals(array)
    axis = layout.neuron_axes[i]
    if axis is not None:
        start = layout.starts[i]
        neurons[:, start : start + layout.n_columns[i]] = stats.neuron_statistics(array, axis)


def _overflowed(wide: npt.NDArray[np.float64], narrow: npt.NDArray[np.float32]) -> bool:
    return bool((np.isinf(narrow) & np.isfinite(wide)).any())


def squared_norm(gradients: Sequence[Any]) -> Any:
    """Return the summed squares of all gradients, a float32 scalar: the sentinel.

    It is not finite as soon as one gradient value is not. Sparse gradients of an embedding are summed over repeated
    tokens first, as the optimizer does.
    """
    parts = [tf.nn.l2_loss(tf.cast(_values(g), tf.float32)) for g in gradients]
    return 2.0 * tf.add_n(parts) if parts else tf.constant(float("nan"))


def _values(gradient: Any) -> Any:
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    tokens, positions = tf.unique(gradient.indices)
    return tf.math.unsorted_segment_sum(gradient.values, positions, tf.size(tokens))
