"""What is left out of a reading when memory runs short: the largest first, a layer's outputs or its variables."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers
from nnviz_widgets.core.byte_size import byte_size
from nnviz_widgets.core.frame import Kind, first_call

if TYPE_CHECKING:
    from collections.abc import Collection

    from nnviz_widgets.core.frame import Catalogue, TensorSpec

_WITH: dict[Kind, tuple[Kind, Kind]] = {
    "activations": ("activations", "activation_gradients"),
    "weights": ("weights", "gradients"),
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One side of a layer that is not read, since it does not fit into memory.

    Attributes:
        path: The layer.
        kind: `"activations"` or `"weights"`; their gradients, as large, go with them.
        n_bytes: Size of the tensors of that kind.
    """

    path: str
    kind: Kind
    n_bytes: int

    @property
    def reason(self) -> str:
        """Why it cannot be read, in words."""
        return f"not enough memory for {self.kind} of {self.path!r} ({byte_size(self.n_bytes)})"

    def holds(self, path: str, kind: Kind) -> bool:
        """Whether a tensor of the call `path` is among what is left out."""
        return first_call(path) == self.path and kind in _WITH[self.kind]


def largest(catalogue: Catalogue, n_rows: int) -> LeftOut | None:
    """Return what takes most memory of all that `catalogue` reads from a batch of `n_rows`; `None` if it reads none."""
    sizes: Counter[tuple[str, Kind]] = Counter()
    for spec in catalogue.specs:
        if spec.key.kind in _WITH:
            sizes[first_call(spec.key.layer), spec.key.kind] += _n_bytes(spec, n_rows)
    if not sizes:
        return None
    (path, kind), n_bytes = sizes.most_common(1)[0]
    return LeftOut(path, kind, n_bytes)


def without(catalogue: Catalogue, left_out: Collection[LeftOut]) -> Catalogue:
    """Return the catalogue without what is left out, with the reasons."""
    if not left_out:
        return catalogue
    reasons = dict(catalogue.reasons)
    for one in left_out:
        reasons |= {(one.path, kind): one.reason for kind in _WITH[one.kind]}
    specs = tuple(s for s in catalogue.specs if not any(one.holds(s.key.layer, s.key.kind) for one in left_out))
    return replace(catalogue, specs=specs, reasons=MappingProxyType(reasons))


_SMALL = 1 << 20
"""Bytes of a variable that is copied before a step that may fail."""


class State:
    """The variables that a step may have changed before it failed, as they were: all of a small model.

    Of a large one those that count most: running means of the metrics, random streams and moving statistics. Kernels
    change last in a step, and copies of them would take the memory that is short.
    """

    def __init__(self, model: Any) -> None:
        """Copy the state of `model`, of its metrics and of its optimizers."""
        found = [*model.variables, *model.metrics_variables]
        found += [variable for optimizer in find_optimizers(model) for variable in optimizer.variables]
        small = [v for v in found if math.prod(v.shape) * tf.as_dtype(v.dtype).size <= _SMALL]
        self._before = [(variable, variable.numpy()) for variable in {id(v): v for v in small}.values()]

    def put_back(self) -> None:
        """Undo what the failed step did to them."""
        for variable, value in self._before:
            variable.assign(value)


def most_rows(batch: Any) -> int:
    """Return the length of the longest leaf of a batch, whatever it is; 1 if none tells."""
    shapes: list[Any] = [getattr(leaf, "shape", ()) for leaf in tf.nest.flatten(batch)]
    return max((int(shape[0]) for shape in shapes if len(shape) and shape[0] is not None), default=1)


def n_values(batch: Any) -> int:
    """Return how many values a batch has, lengths of ragged rows included."""
    leaves = tf.nest.flatten(batch, expand_composites=True)
    return sum(leaf._num_elements() for leaf in leaves if isinstance(leaf, tf.Tensor))


def _n_bytes(spec: TensorSpec, n_rows: int) -> int:
    """Return the size of a tensor, of an output with all the rows of a batch: the probe's are cut from those."""
    shape = (n_rows, *spec.shape[1:]) if spec.key.kind == "activations" and spec.shape else spec.shape
    return math.prod(n or 1 for n in shape) * int(tf.as_dtype(spec.dtype).size)
