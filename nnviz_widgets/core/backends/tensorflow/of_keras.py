"""Whether a thing is Keras' own, so that plain Keras has it too where the user's code is missing."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

import keras
from keras import tree
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.metrics.reduction_metrics import MeanMetricWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def is_in_keras(thing: Any) -> bool:
    """Whether a class or a function is defined in Keras itself."""
    return str(getattr(thing, "__module__", None)).partition(".")[0] == "keras"


def given_to_compile(model: Any) -> list[Any]:
    """Return the losses and metrics that `compile` was given, one by one: texts, functions and objects."""
    metrics = getattr(model, "_compile_metrics", None)
    given = [getattr(metrics, name, None) for name in ("_user_metrics", "_user_weighted_metrics")]
    return [one for one in tree.flatten([getattr(model, "loss", None), given]) if one is not None]


def own_functions(model: Any) -> list[Callable[..., Any]]:
    """Return the losses and metrics of a model that are the user's functions, also those that an object of Keras calls.

    A configuration has of them the name alone, which may be that of a function of Keras, too.
    """
    given = [_called_by(one) for one in given_to_compile(model)]
    return [one for one in given if isinstance(one, FunctionType) and not is_in_keras(one)]


def _called_by(thing: Any) -> Any:
    if isinstance(thing, LossFunctionWrapper):
        return thing.fn
    return thing._fn if isinstance(thing, MeanMetricWrapper) else thing


def name_of_function(function: Callable[..., Any]) -> str:
    """Call a function as a person would."""
    return "a lambda" if function.__name__ == "<lambda>" else f"{function.__name__}()"


def names_of_others(config: Any) -> Iterator[str]:
    """Yield the names of all that is not Keras' own in what `serialize_keras_object` returns, as a person would say it.

    Args:
        config: A configuration: dictionaries, lists and plain values.
    """
    if isinstance(config, (list, tuple)):
        for value in config:
            yield from names_of_others(value)
    elif isinstance(config, dict):
        name = _name_of_other(config)
        if name is not None:
            yield name
        if config.get("class_name") != "Lambda":
            yield from names_of_others(list(config.values()))


def _name_of_other(config: dict[str, Any]) -> str | None:
    """Name what a dictionary itself stands for, `None` if it is Keras' own or no object at all."""
    name = config.get("class_name")
    if name == "__lambda__":
        return "a lambda"
    if name == "function":
        return None if _is_function_of_keras(config) else f"{config['config']}()"
    if name is None or not {"module", "registered_name"} & config.keys():
        return None
    if name == "Lambda":  # of a function of the user's it holds the bare name, like one of Keras' own
        return "a Lambda layer"
    # An object of a class that nobody has registered has no module.
    is_known = str(config.get("module")).partition(".")[0] in ("keras", "builtins")
    return None if is_known and config.get("registered_name") in (None, name, "Functional") else str(name)


def _is_function_of_keras(config: dict[str, Any]) -> bool:
    """Whether plain Keras finds a function by its name, which is all that a configuration has of it."""
    try:
        return is_in_keras(keras.saving.deserialize_keras_object(config))
    except (TypeError, ValueError):
        return False
