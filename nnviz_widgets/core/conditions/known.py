"""What a condition may name in one model: its layers, the kinds that each has, and the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from nnviz_widgets.core.conditions.condition import Condition
from nnviz_widgets.core.conditions.tree import NAMES, Name, Statistic, quoted, walk
from nnviz_widgets.core.frame import first_call
from nnviz_widgets.errors import LayerNotFound, NotACondition, TensorUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnviz_widgets.core.conditions.condition import AnyCondition
    from nnviz_widgets.core.frame import Catalogue, Kind, TensorKey
    from nnviz_widgets.core.recording import Recording

_MAX_NAME = 60
"""Characters of a name that are compared with those that there are, and shown."""


class Tensors(Protocol):
    """Layers and their tensors: a `Recording` or a `Lookup`."""

    @property
    def catalogue(self) -> Catalogue:
        """All layers and tensors of the model."""
        ...

    def path(self, layer: str) -> str:
        """Find the path of a layer, or raise `LayerNotFound`."""
        ...

    def keys(self, layer: str, kind: str) -> Sequence[TensorKey]:
        """List the tensors of a kind of a layer, or raise `TensorUnavailable`."""
        ...


@dataclass(frozen=True)
class Known:
    """What there is to name.

    Attributes:
        tensors: Layers and their tensors; those of a model that is not built yet are none, and any is taken.
        metrics: Names of all metrics, also of those that only some steps have, such as `val_loss`; `None` if they are
            not known yet, and any is taken.
    """

    tensors: Tensors
    metrics: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names that are numbers of a step, and `nan`."""
        return tuple(dict.fromkeys((*NAMES, *(self.metrics or ()))))


def known_of(recording: Recording) -> Known:
    """Return what a condition may name that is asked of a recording. Of one without steps no metric is known yet."""
    return Known(recording, tuple(recording.metric_arrays()[1]) or None)


def check(condition: AnyCondition, known: Known) -> None:
    """Refuse a condition that names what there is not. What is not known yet, it may name.

    Raises:
        NotACondition: The message names the nearest name there is, or says why a tensor cannot be read; and the column.
    """
    for error in _errors(condition, known):
        raise error


def reason_against(condition: AnyCondition, known: Known) -> str | None:
    """Say why a condition names what there is not, `None` if all is there or not known yet."""
    return next((str(error) for error in _errors(condition, known)), None)


def _errors(condition: AnyCondition, known: Known) -> Iterator[NotACondition]:
    if not isinstance(condition, Condition):
        return
    for node in walk(condition.tree):
        if isinstance(node, Name) and known.metrics is not None and node.name not in known.names:
            yield NotACondition(unknown_name(node.name, known), node.column)
        elif isinstance(node, Statistic) and known.tensors.catalogue.layers:
            yield from _tensor_errors(node, known.tensors)


def unknown_name(name: str, known: Known) -> str:
    """Say that a name is not known, with the nearest one that is."""
    if name in {layer.path for layer in known.tensors.catalogue.layers}:
        return f"{_short(name)} is a layer; name a number of it, such as l2({quoted(name)}.weights)"
    near = get_close_matches(name[:_MAX_NAME], known.names, n=1)
    if near:
        return f"{_short(name)} is not known; did you mean {near[0]!r}?"
    listed = ", ".join(map(quoted, known.names[:12]))
    return f"{_short(name)} is not known; there are {listed}{', ...' if len(known.names) > 12 else ''}"


def _short(name: str) -> str:
    return repr(name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 3]}...")


def _tensor_errors(node: Statistic, tensors: Tensors) -> Iterator[NotACondition]:
    try:
        _find(tensors, node.layer, node.kind)
    except LayerNotFound as error:
        yield NotACondition(_unknown_layer(node.layer, tensors, error), node.column)
    except TensorUnavailable as error:
        yield NotACondition(str(error), node.column)


def has_kind(tensors: Tensors, layer: str, kind: Kind) -> bool:
    """Whether a layer has tensors of a kind, or may have them once the first step was taken."""
    try:
        _find(tensors, layer, kind)
    except (LayerNotFound, TensorUnavailable):
        return not tensors.catalogue.layers
    return True


def _find(tensors: Tensors, layer: str, kind: Kind) -> None:
    """Raise what is to be said if a layer has no tensors of a kind, and never will."""
    path = tensors.path(layer)
    try:
        tensors.keys(path, kind)
    except TensorUnavailable:
        if not _found_later(tensors.catalogue, path, kind):
            raise


def _unknown_layer(name: str, tensors: Tensors, error: LayerNotFound) -> str:
    layers = tensors.catalogue.layers
    if any(layer.name == name for layer in layers):  # Keras' name of more than one
        return str(error)
    paths = [layer.path for layer in layers]
    near = get_close_matches(name[:_MAX_NAME], paths, n=1, cutoff=0.4)
    meant = f"did you mean {quoted(near[0])}?" if near else f"the first one is {quoted(paths[0])}"
    return f"layer {_short(name)} is not known; {meant}"


def _found_later(catalogue: Catalogue, path: str, kind: Kind) -> bool:
    """Whether tensors of a kind may only not be known yet: all but weights are found when the first step is taken."""
    if any(spec.key.kind == kind for spec in catalogue.specs):
        return False
    if any((of, kind) in catalogue.reasons for of in (path, first_call(path))):
        return False
    has_variables = any(layer.variables for layer in catalogue.layers if layer.path == first_call(path))
    return kind not in ("weights", "gradients") or has_variables


def tensor_key(tensors: Tensors, layer: str, kind: str) -> TensorKey:
    """Find the tensor that a condition means by a layer and a kind: one that stands for them all.

    Of a layer's variables it is the kernel, or else the first; of its outputs the first, on the batch of the step. A
    condition cannot choose another one.

    Raises:
        LayerNotFound: There is no such layer; the message names the nearest.
        TensorUnavailable: There is no such tensor; the message is the reason.
    """
    keys = tensors.keys(layer, kind)
    return min(keys, key=_rank)


def _rank(key: TensorKey) -> tuple[Any, ...]:
    of_variable = key.kind in ("weights", "gradients")
    return (key.variable != "kernel" if of_variable else key.variable is not None, key.output)
