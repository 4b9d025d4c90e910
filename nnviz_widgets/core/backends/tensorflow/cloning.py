"""Another model like one that is being trained, and what of its `fit` can be given a second time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
from keras import tree
from keras.src import backend
from keras.src.trainers.data_adapters import data_adapter_utils

from nnviz_widgets.core.backends.tensorflow.callback_state import forgetful
from nnviz_widgets.core.backends.tensorflow.of_keras import (
    given_to_compile,
    is_in_keras,
    name_of_function,
    own_functions,
)
from nnviz_widgets.core.backends.tensorflow.position import epochs_stand_alone
from nnviz_widgets.core.backends.tensorflow.replicas import whole
from nnviz_widgets.core.backends.tensorflow.rewinding import only_writes
from nnviz_widgets.core.backends.tensorflow.setup import hyperparameters, is_number
from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers
from nnviz_widgets.errors import NotClonable

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.backends.tensorflow.feed import Feed


_GIVE_REBUILD = (
    "Give rebuild=, a function without arguments that makes and compiles it as the first: def make(): model = ...; "
    "model.compile(...); return model. Then session.fork(rebuild=make)."
)


def clone_of(model: Any, rebuild: Callable[[], Any] | None, batch: Any = None) -> Any:
    """Return another model, compiled, with the layers and settings of `model`.

    Args:
        model: The model.
        rebuild: Makes it; `None` if its configuration is to tell how.
        batch: One of the training, which tells a model that is not built its shapes; `None` leaves it unbuilt.

    Raises:
        NotClonable: If neither tells.
    """
    made = _from_config(model) if rebuild is None else _rebuilt(model, rebuild)
    if made is model or not isinstance(made, keras.Model) or not made.compiled:
        what = "the model itself" if made is model else f"a {type(made).__name__}, not compiled"
        raise NotClonable(
            f"`rebuild` must return another keras.Model, compiled as the first. Received: {what}. Make and compile it "
            "in the function."
        )
    if not made.built and batch is not None:
        _build(made, batch)
    _build_optimizers(made, model)
    _set_up(made, model)
    return made


def _build(model: Any, batch: Any) -> None:
    """Make the variables of a model that its first step would make, as `fit` does."""
    x, _, _ = data_adapter_utils.unpack_x_y_sample_weight(whole(batch))
    symbolic = tree.map_structure(lambda one: keras.KerasTensor(one.shape, one.dtype.name), x)
    backend.compute_output_spec(model, symbolic, training=False)


def _set_up(made: Any, model: Any) -> None:
    """Give another model, whose optimizers are built, what edits have changed of the first one."""
    for mine, theirs in zip(made._flatten_layers(), model._flatten_layers(), strict=False):
        if is_number(getattr(theirs, "rate", None)) and hasattr(mine, "rate"):
            mine.rate = theirs.rate
        mine._trainable = theirs._trainable
    if len(made.variables) == len(model.variables):  # else its first step makes the others
        for mine, theirs in zip(made.variables, model.variables, strict=True):
            mine.trainable = theirs.trainable
    for mine, theirs in _pairs(made, model):
        for name, value in hyperparameters(theirs).items():
            setattr(mine, name, value)


def _pairs(made: Any, model: Any) -> list[tuple[Any, Any]]:
    """Return the optimizers that update weights, each with that of the other model in its place."""
    both = [[getattr(one, "inner_optimizer", one) for one in find_optimizers(owner)] for owner in (made, model)]
    return [(mine, theirs) for mine, theirs in zip(*both, strict=False) if type(mine) is type(theirs)]


def _rebuilt(model: Any, rebuild: Callable[[], Any]) -> Any:
    if not callable(rebuild) or isinstance(rebuild, keras.Model):
        raise NotClonable(f"`rebuild` must be a function without arguments. Received: {rebuild!r:.100}.")
    return rebuild()


def _from_config(model: Any) -> Any:
    users = _known_by_nobody(model)
    if users:
        raise NotClonable(
            "A model must be compiled with what its configuration can name to be made a second time. Received: "
            f"{model.name!r}, compiled with {', '.join(users)}, which only your code has. {_GIVE_REBUILD}"
        )
    own = {type(layer).__name__: type(layer) for layer in model._flatten_layers()}
    try:
        with _as_it_was_made(model):
            config = config_of(model)
        made = keras.saving.deserialize_keras_object(config, custom_objects=own, safe_mode=False)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise NotClonable(
            f"A model must have a configuration to be made a second time. Received: {model.name!r}, a "
            f"{type(model).__name__} ({reason:.200}). {_GIVE_REBUILD}"
        ) from error
    if excludes_from_decay(model):
        _exclude_from_decay(made, model)
    return made


def _known_by_nobody(model: Any) -> list[str]:
    """Name the losses and metrics of a model that Keras cannot find again: functions and classes of the user's.

    One that is registered it finds. A function is not handed on as it is: it may compute with the first model.
    """
    functions = [(one, name_of_function(one)) for one in own_functions(model)]
    made = [type(one) for one in given_to_compile(model) if isinstance(one, (keras.losses.Loss, keras.metrics.Metric))]
    classes = [(one, one.__name__) for one in made if not is_in_keras(one)]
    saving = keras.saving
    return list(
        dict.fromkeys(
            name
            for one, name in (*functions, *classes)
            if saving.get_registered_object(saving.get_registered_name(one)) is not one
        )
    )


def config_of(model: Any) -> dict[str, Any]:
    """Return the configuration of a model, with the optimizer as it is now.

    Keras tells what `compile` was given: `"adam"`, whatever was set since, and no scaling of the loss around it.
    """
    config: dict[str, Any] = keras.saving.serialize_keras_object(model)
    if config.get("compile_config") and isinstance(model.optimizer, keras.optimizers.Optimizer):
        config["compile_config"]["optimizer"] = keras.saving.serialize_keras_object(model.optimizer)
    return config


def excludes_from_decay(model: Any) -> bool:
    """Whether some variables are left out of the weight decay, which no configuration tells."""
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return any(bool(getattr(inner, name, None)) for name in _EXCLUDED)


def shares_layers(model: Any) -> bool:
    """Whether two layers or models have the same one inside, which Keras makes twice from a configuration."""
    owners = model._flatten_layers()
    inside = [id(one) for owner in owners for one in owner._flatten_layers(include_self=False, recursive=False)]
    return len(inside) != len(set(inside))


_EXCLUDED = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")


def _exclude_from_decay(made: Any, model: Any) -> None:
    """Leave the same variables out of the weight decay."""
    mine, theirs = (getattr(one.optimizer, "inner_optimizer", one.optimizer) for one in (made, model))
    pairs = zip(made.variables, model.variables, strict=True)
    excluded = getattr(theirs, "_exclude_from_weight_decay", ())
    mine._exclude_from_weight_decay = {mine._var_key(one) for one, two in pairs if theirs._var_key(two) in excluded}
    mine._exclude_from_weight_decay_pattern = getattr(theirs, "_exclude_from_weight_decay_pattern", None)
    mine._exclude_from_weight_decay_cache = {}


@contextmanager
def _as_it_was_made(model: Any) -> Iterator[None]:
    """Within the block, edits do not show that would make another model.

    What is frozen would have no slots in the optimizer, and a dropout that was turned off no random generator.
    """
    known = {id(variable) for variable in _known(model)}
    now = []
    for layer in model._flatten_layers():
        now.append((layer, "_trainable", layer._trainable))
        layer._trainable = layer._trainable or any(id(one) in known for one in layer.variables)
        if getattr(layer, "rate", None) == 0 and getattr(layer, "seed_generator", None) is not None:
            now.append((layer, "rate", layer.rate))
            layer.rate = 0.5
    try:
        yield
    finally:
        for layer, name, value in now:
            setattr(layer, name, value)


def _known(model: Any) -> list[Any]:
    """Return the variables that the optimizers were built for."""
    inner = [getattr(one, "inner_optimizer", one) for one in find_optimizers(model)]
    return [variable for one in inner if one.built for variable in one._trainable_variables]


def _build_optimizers(made: Any, model: Any) -> None:
    """Build each optimizer for the variables that the other one knows, whichever of them learn now."""
    if not _known(model):
        return
    if len(made.variables) != len(model.variables):
        if not made.built:  # its first step makes them, and the optimizers for them
            return
        raise NotClonable(
            f"The other model must have the same variables. Received: {len(made.variables)}, where the first has "
            f"{len(model.variables)}. {_GIVE_REBUILD}"
        )
    place = {id(theirs): mine for mine, theirs in zip(made.variables, model.variables, strict=True)}
    for mine, theirs in zip(find_optimizers(made), find_optimizers(model), strict=False):
        known = getattr(theirs, "inner_optimizer", theirs)._trainable_variables if theirs.built else []
        if known and not mine.built:
            mine.build([place[id(variable)] for variable in known if id(variable) in place])


def copied_callbacks(callbacks: list[Any]) -> tuple[list[Any], list[str], list[str]]:
    """Return callbacks for another training: Keras' own that change it, and the user's, each at its place.

    Returns:
        Copies, the classes of which it is not known what they remember, and those left out since they write to where
        the first ones do.
    """
    made: list[Any] = []
    written: list[str] = []
    for callback in callbacks:
        if only_writes(callback) or type(callback) is keras.callbacks.ModelCheckpoint:
            written.append(type(callback).__name__)
        is_left_out = type(callback).__name__ in written or type(callback) is keras.callbacks.History
        made.append(keras.callbacks.Callback() if is_left_out else copy.copy(callback))
    while made and type(callbacks[len(made) - 1]).__name__ in ("History", "ProgbarLogger"):
        made.pop()  # `fit` adds these
    kept = [callback for callback in made if type(callback) is not keras.callbacks.Callback]
    return (
        made,
        list(dict.fromkeys(forgetful(kept))),
        [name for name in dict.fromkeys(written) if name != "ProgbarLogger"],
    )


def gives_the_same(feed: Feed) -> bool:
    """Whether another training that begins at a place of a feed is given the very batches: that of arrays is."""
    return epochs_stand_alone(feed.iterator)


def why_not_twice(x: Any) -> str | None:
    """Say why data cannot be read by two trainings, `None` if they can."""
    return f"a {type(x).__name__}, whose batches come once" if isinstance(x, Iterator) else None
