"""What a session reads: which layers, which kinds, how often, at what cost."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.core.attributes import NamedAttributes
from nnviz_widgets.core.frame import KINDS, Kind
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound

Every = int | Callable[[int], bool] | None


class Probe(NamedAttributes):
    """What to read from a model while it trains, and how much that may cost.

    Args:
        layers: Names, paths or glob patterns (`"block/*"`) of the layers to read. `None` is all of them, `()` none:
            then the session takes the plain step.
        kinds: Which kinds of tensors are kept whole at the steps that are read. `()` keeps vitals only.
        every: Read at every n-th step (an int), or when a function of the step answers true. Always obeyed; the
            cost is shown. `None`: as often as `budget` allows, and always when a visible view needs it.
        samples: How many rows of the batch, the first ones, keep their activations.
        data: A fixed batch of inputs that is also run through the model, in inference mode, at each step that is read,
            so that a neuron's answer to the same inputs can be followed. Its activations are read with
            `recording.tensor(layer, "activations", variable="data")`.
        budget: The share of the step time that reading may cost when `every` is `None`; 0.05 is 5 %. `None` is
            unlimited: every step is read in full.
        replica: Of a model on several replicas (`tf.distribute.MirroredStrategy`) the one whose layers are read, with
            its share of each batch. `None` is none: then only weights are read.

    Raises:
        InvalidArgumentError: If an argument is not one of the above.
    """

    layers: tuple[str, ...] | None
    kinds: tuple[Kind, ...]
    every: Every
    samples: int
    data: Any
    budget: float | None
    replica: int | None

    def __init__(
        self,
        layers: str | Sequence[str] | None = None,
        kinds: Sequence[Kind] | Kind = KINDS,
        every: Every = None,
        samples: int = 16,
        data: Any = None,
        budget: float | None = 0.05,
        replica: int | None = None,
    ) -> None:
        self.layers = _checked_layers(layers)
        self.kinds = _checked_kinds(kinds)
        self.every = _checked_every(every)
        self.samples = _positive_int("samples", samples)
        self.data = data
        if budget is not None and not (isinstance(budget, (int, float)) and budget >= 0):
            raise InvalidArgumentError(
                f"`budget` must be a share of the step time, 0 or more, or None. Received: budget={budget!r}. "
                "0.05 is 5 %, None is unlimited."
            )
        self.budget = budget
        self.replica = _checked_replica(replica)

    def __repr__(self) -> str:
        layers = (
            "all layers" if self.layers is None else f"{len(self.layers)} layer patterns" if self.layers else "none"
        )
        every = self._how_often()
        where = "" if self.replica is None else f", replica {self.replica}"
        return f"<Probe {layers}, {', '.join(self.kinds) or 'vitals only'}, {every}, {self.samples} samples{where}>"

    def _how_often(self) -> str:
        if callable(self.every):
            return f"every step that {getattr(self.every, '__name__', 'a function')} chooses"
        if self.every is not None:
            return "every step" if self.every == 1 else f"every {self.every} steps"
        return "unlimited" if self.budget is None else f"budget {self.budget:.0%}"

    def selects(self, path: str, name: str) -> bool:
        """Whether the layer with this path and Keras name is read."""
        return self.layers is None or any(_matches(pattern, path, name) for pattern in self.layers)

    def check_layers(self, paths: Sequence[str], names: Sequence[str]) -> None:
        """Raise `LayerNotFound` if a pattern in `layers` selects nothing among these layers."""
        import difflib

        for pattern in self.layers or ():
            if not any(_matches(pattern, path, name) for path, name in zip(paths, names, strict=True)):
                near = difflib.get_close_matches(pattern, paths, n=3, cutoff=0.4) or list(paths[:3])
                raise LayerNotFound(
                    f"`layers` of the probe must name layers of the model. Received: {pattern!r}, which matches none. "
                    f"Nearest: {', '.join(map(repr, near))}."
                )


def _matches(pattern: str, path: str, name: str) -> bool:
    return pattern in (path, name) or fnmatch.fnmatchcase(path, pattern)


def _checked_layers(layers: Any) -> tuple[str, ...] | None:
    if layers is None or isinstance(layers, str):
        return None if layers is None else (layers,)
    patterns = tuple(layers) if isinstance(layers, Iterable) else (layers,)
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise InvalidArgumentError(
            f"`layers` must be None, a name or a sequence of names, paths and patterns. Received: layers={layers!r}."
        )
    return patterns


def _checked_kinds(kinds: Sequence[Kind] | Kind) -> tuple[Kind, ...]:
    if isinstance(kinds, str):
        kinds = (kinds,)
    if not isinstance(kinds, (list, tuple, set, frozenset)):
        raise InvalidArgumentError(
            f"`kinds` must be a list of kinds. Received: kinds={kinds!r}. Use () to keep vitals only."
        )
    kinds = tuple(kinds)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise InvalidArgumentError(
            f"`kinds` must be among {', '.join(map(repr, KINDS))}. Received: {', '.join(map(repr, unknown))}. "
            "Use one of them."
        )
    return kinds


def _checked_every(every: Every) -> Every:
    if every is None or (callable(every) and not isinstance(every, type)):
        return every
    return _positive_int("every", cast("int", every))


def _checked_replica(replica: Any) -> int | None:
    number = None if replica is None else whole_number(replica)
    if (replica is not None and number is None) or (number is not None and number < 0):
        raise InvalidArgumentError(
            f"`replica` must be the number of a replica, counted from 0, or None. Received: replica={replica!r}. "
            "Use 0, or None to read weights only."
        )
    return number


def _positive_int(name: str, value: Any) -> int:
    number = whole_number(value)
    if number is None or number < 1:
        raise InvalidArgumentError(
            f"`{name}` must be an integer of at least 1. Received: {name}={value!r}. Use 1 or more."
        )
    return number
