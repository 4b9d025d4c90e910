"""How often each label is there: classes, several labels at once, or numbers to be predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nnviz_widgets.core.data_summary import Histogram, histogram
from nnviz_widgets.core.numeric import is_numeric
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy.typing as npt

_MAX_CLASSES = 200
"""Whole numbers with more values than this, which are mostly different, are quantities and no classes."""

_MAX_FLOAT_CLASSES = 20
"""Floats are classes if they are whole and have no more values than this."""


@dataclass(frozen=True, eq=False, slots=True)
class LabelSummary:
    """How often each label is there.

    Attributes:
        kind: `"classes"`, of which each sample has one; `"flags"`, of which a sample may have several; `"numbers"`.
        n: How many labels were counted; for flags, how many samples.
        names: Of the classes or flags, in their order; empty for numbers.
        counts: How many samples have each.
        numbers: The distribution of numbers.
        n_missing: How many are NaN or infinite.
    """

    kind: Literal["classes", "flags", "numbers"]
    n: int
    names: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    numbers: Histogram | None
    n_missing: int


def summarize_labels(y: Any, n_samples: int) -> LabelSummary:
    """Count labels: names, whole numbers, one-hot rows, rows of flags, or numbers.

    Raises:
        InvalidArgumentError: If there is not a label for each sample.
    """
    labels = np.asarray(y)
    if labels.ndim == 0 or len(labels) != n_samples:
        raise InvalidArgumentError(
            f"`y` must have a label for each of the {n_samples:,} samples of `x`. Received: shape {labels.shape}. "
            "Give `x` and `y` of the same length."
        )
    if labels.ndim == 2 and labels.shape[1] > 1 and is_numeric(labels.dtype) and np.isin(labels, (0, 1)).all():
        return _of_columns(labels)
    labels = labels.ravel()
    if labels.dtype.kind not in "fc":
        return _of_values(labels, 0)
    real = labels.real.astype(np.float64)
    finite = real[np.isfinite(real)]
    n_missing = real.size - finite.size
    whole = bool((finite == np.rint(finite)).all())
    if whole and finite.size and np.unique(finite).size <= _MAX_FLOAT_CLASSES:
        return _of_values(finite.astype(np.int64) if np.abs(finite).max() < 2**53 else finite, n_missing)
    return LabelSummary("numbers", finite.size, (), np.zeros(0, np.int64), histogram(finite), n_missing)


def _of_columns(labels: npt.NDArray[Any]) -> LabelSummary:
    """Count the ones in each column of rows that hold zeros and ones."""
    ones = labels.astype(np.int64)
    one_each = bool((ones.sum(axis=1) == 1).all())
    names = tuple(str(column) for column in range(labels.shape[1]))
    return LabelSummary("classes" if one_each else "flags", len(labels), names, ones.sum(axis=0), None, 0)


def _of_values(labels: npt.NDArray[Any], n_missing: int) -> LabelSummary:
    """Count equal labels; whole numbers that are mostly different are numbers."""
    if labels.dtype.kind == "O":
        labels = np.array([str(label) for label in labels])
    values, counts = np.unique(labels, return_counts=True)
    if labels.dtype.kind in "iu" and len(values) > _MAX_CLASSES and len(values) > labels.size / 10:
        return LabelSummary("numbers", labels.size, (), np.zeros(0, np.int64), histogram(labels), n_missing)
    names = tuple(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values)
    return LabelSummary("classes", labels.size, names, counts.astype(np.int64), None, n_missing)
