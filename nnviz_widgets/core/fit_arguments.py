"""The arguments of `keras.Model.fit`, kept as they were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.core.warn import warn
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_LEAST_0 = {
    "batch_size": "None for 32",
    "validation_batch_size": "None for `batch_size`",
    "steps_per_epoch": "None for all of the data",
    "validation_steps": "None for all of the data",
}
"""Arguments that count something, with what leaves them to Keras. It takes 0 for that too."""


class MakesSession:
    """Base of a callback that makes a session of the `fit` that it is given to."""


@dataclass(slots=True)
class FitArguments:
    """Every argument of `keras.Model.fit`, with its meaning and default there.

    Raises:
        InvalidArgumentError: If a number is one with which `fit` would fail only once it reads the data, or a callback
            makes a session by itself.
    """

    x: Any = None
    y: Any = None
    batch_size: int | None = None
    epochs: int = 1
    verbose: str | int = "auto"
    callbacks: Any = None
    validation_split: float = 0.0
    validation_data: Any = None
    shuffle: Any = True
    class_weight: Any = None
    sample_weight: Any = None
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    validation_steps: int | None = None
    validation_batch_size: int | None = None
    validation_freq: Any = 1

    def __post_init__(self) -> None:
        for name, unset in _AT_LEAST_0.items():
            value = getattr(self, name)
            number = whole_number(value)
            if value is not None and (number is None or number < 0):
                raise InvalidArgumentError(
                    f"`{name}` must be a whole number of at least 1, or {unset}. Received: {name}={value!r}. "
                    "Use one of them."
                )
        if any(map(_makes_session, _each(getattr(self.callbacks, "callbacks", self.callbacks)))):
            raise InvalidArgumentError(
                "`callbacks` must hold no nnviz.InspectCallback: a session shows itself. Received: one, which is for "
                "model.fit. Leave the callback out, and give its `record` and `probe` to the session."
            )
        for name in ("epochs", "initial_epoch"):
            value = getattr(self, name)
            if whole_number(value) is None:
                raise InvalidArgumentError(
                    f"`{name}` must be a whole number. Received: {name}={value!r}. Use, for example, {name}=5."
                )
        if self.epochs <= self.initial_epoch:
            warn(
                "`epochs` must be more than `initial_epoch` for anything to be trained. Received: "
                f"epochs={self.epochs!r}, initial_epoch={self.initial_epoch!r}: as in `fit`, there will be no step. "
                f"Use epochs={self.initial_epoch + 1} or more."
            )


def _each(callbacks: Any) -> Iterator[Any]:
    """Go through callbacks, in lists within lists as Keras takes them."""
    if isinstance(callbacks, list | tuple):
        for one in callbacks:
            yield from _each(one)
    else:
        yield callbacks


def _makes_session(callback: Any) -> bool:
    return issubclass(callback if isinstance(callback, type) else type(callback), MakesSession)
