"""What a training is set to beside its variables: Python values that its step was traced with, and what feeds it.

TensorFlow bakes a dropout rate, a `trainable` flag or a hyperparameter of the optimizer into the step. So each setup
has the compiled functions that were made under it: going back to a step means its setup too, and takes the steps
after it with the very functions of then.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nnviz_widgets.core.backends.tensorflow.step import StepFunctions


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """One way in which a training is set up.

    Attributes:
        functions: The compiled step.
        feed: What feeds the data.
        next_feed: Arguments of `fit` with which the next epoch is fed otherwise; empty if it is not.
    """

    functions: StepFunctions
    feed: Any
    next_feed: Mapping[str, Any]
    _values: tuple[tuple[Any, str, Any], ...]

    @classmethod
    def of(cls, training: Any) -> Setup:
        """Take down how a training is set up."""
        values = [*_of_layers(training.model), *_of_optimizers(training.model)]
        return cls(training.functions, training.feed, training.next_feed, tuple(values))

    def put_back(self) -> None:
        """Give the model and its optimizers the values that they had."""
        for owner, name, value in self._values:
            if getattr(owner, name) is not value:
                setattr(owner, name, value)


class CompiledLately:
    """The compiled steps of the setups that were used last; older ones are let go, and made again when they are used.

    A graph takes megabytes, and whoever drags a dropout rate along makes one after another.
    """

    def __init__(self) -> None:
        self._lately: list[weakref.ref[StepFunctions]] = []

    def used(self, functions: StepFunctions) -> None:
        """Take note that a step was used, and let the oldest go."""
        others = [one for one in self._lately if one() is not None and one() is not functions]
        self._lately = [*others, weakref.ref(functions)]
        while len(self._lately) > _MOST_COMPILED:
            oldest = self._lately.pop(0)()
            if oldest is not None:
                oldest.release()


_MOST_COMPILED = 8


def _of_layers(model: Any) -> Iterator[tuple[Any, str, Any]]:
    for layer in model._flatten_layers():
        yield layer, "_trainable", layer._trainable
        for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
            yield variable, "trainable", variable.trainable
        if is_number(getattr(layer, "rate", None)):
            yield layer, "rate", layer.rate


def _of_optimizers(model: Any) -> Iterator[tuple[Any, str, Any]]:
    for optimizer in find_optimizers(model):
        for one in (optimizer, getattr(optimizer, "inner_optimizer", None)):
            for name, value in hyperparameters(one).items():
                yield one, name, value


_NOT_SET = ("name", "learning_rate", "use_ema", "ema_overwrite_frequency", "gradient_accumulation_steps")
MAY_BE_NONE = ("clipnorm", "global_clipnorm", "clipvalue", "weight_decay", "loss_scale_factor")


def hyperparameters(optimizer: Any) -> dict[str, Any]:
    """Return the numbers that an optimizer was made with but its learning rate; `None` is one that is turned off."""
    if optimizer is None:
        return {}
    found = {name: getattr(optimizer, name, "") for name in optimizer.get_config() if name not in _NOT_SET}
    return {name: value for name, value in found.items() if is_number(value) or (value is None and name in MAY_BE_NONE)}


def is_number(value: Any) -> bool:
    """Whether a value is a plain number of Python's, and no flag."""
    return isinstance(value, int | float) and not isinstance(value, bool)
