"""What plain Keras needs to make a model again: its configuration as JSON, where that names nothing but Keras' own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import keras

from nnviz_widgets.core.backends.tensorflow.of_keras import name_of_function, names_of_others, own_functions
from nnviz_widgets.core.capsule_contents import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def of_model(model: Any) -> Source:
    """Return the configuration of a model, without that of `compile`."""

    def config() -> Any:
        found = keras.saving.serialize_keras_object(model)
        return {name: value for name, value in found.items() if name != "compile_config"}

    return _source(config)


def of_compile(model: Any) -> Source:
    """Return what `model.compile_from_config` takes."""
    if type(model).compile is not keras.Model.compile:
        return Source(None, f"{type(model).__name__} has a `compile` of its own")
    return _source(model.get_compile_config, map(name_of_function, own_functions(model)))


def _source(config: Callable[[], Any], others: Iterable[str] = ()) -> Source:
    try:
        found = config()
        text = json.dumps(found, indent=1)
    except Exception as error:  # `get_config` is the user's code; without it there is no configuration
        return Source(None, f"it has no configuration ({type(error).__name__}: {str(error).strip():.200})")
    names = list(dict.fromkeys([*others, *names_of_others(found)]))
    return Source(None, f"it is made of {', '.join(names)}, which Keras does not know") if names else Source(text)
