"""One change that a person makes to a training between two of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A change that was checked, as the backend makes it; the training thread applies it.

    Attributes:
        text: What it changes, in a few words: `"learning rate: 0.1 → 0.01"`.
        apply: Changes it.
        code: Lines of plain Keras that change the same; `None` if no lines can.
        values: Variables of the model that it sets, with what it sets them to.
        retraces: Whether the step was traced with what it changes, so that it must be built anew.
        layer: The path of the layer that it is about, `None` if it is about none.
    """

    text: str
    apply: Callable[[], None]
    code: tuple[str, ...] | None = ()
    values: tuple[tuple[Any, npt.NDArray[Any]], ...] = ()
    retraces: bool = False
    layer: str | None = None
    feed: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Arguments of `fit` that feed the data otherwise from the next epoch on: `batch_size`, `class_weight`."""
