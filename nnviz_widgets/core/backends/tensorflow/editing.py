"""The edits that a person may make between two steps: each is checked here, and described so that Keras repeats it.

Every function returns an `Edit` for a training that is prepared, or says why there is none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.core.backends.tensorflow.setup import MAY_BE_NONE, hyperparameters, is_number
from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers
from nnviz_widgets.core.backends.tensorflow.tree import Entry, walk
from nnviz_widgets.core.backends.tensorflow.weight_edits import entry_of, reinitialize, weights
from nnviz_widgets.core.edit import Edit
from nnviz_widgets.core.names import nearest
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnviz_widgets.core.frame import LayerInfo


__all__ = [
    "batch_size",
    "class_weight",
    "dropout",
    "hyperparameter",
    "learning_rate",
    "reinitialize",
    "trainable",
    "weights",
]


# --- the optimizer ---


def learning_rate(training: Any, value: float) -> Edit:
    """Set the learning rate."""
    optimizer = _optimizer(training.model)
    if isinstance(_inner(optimizer)._learning_rate, LearningRateSchedule):
        raise InvalidArgumentError(
            "The optimizer must have a learning rate of its own to be given another one. Received: one that follows a "
            f"{type(_inner(optimizer)._learning_rate).__name__}. Make the optimizer with a number."
        )
    number = _number("value", value, least=0.0)
    before = float(optimizer.learning_rate)

    def apply() -> None:
        optimizer.learning_rate = number

    text = f"learning rate: {before:g} → {number:g}"
    rate = _inner(optimizer)._learning_rate
    values = ((rate, np.asarray(number, rate.dtype)),) if isinstance(rate, keras.Variable) else ()
    return Edit(text, apply, (f"model.optimizer.learning_rate = {number!r}",), values)


def hyperparameter(training: Any, name: str, value: float | None) -> Edit:
    """Set another number of the optimizer, such as `beta_1`, `momentum`, `weight_decay` or `clipnorm`."""
    if name == "learning_rate":
        return learning_rate(training, value)  # type: ignore[arg-type]
    outer = _optimizer(training.model)
    optimizer, where = (
        (_inner(outer), "model.optimizer.inner_optimizer")
        if outer is not _inner(outer)
        else (
            outer,
            "model.optimizer",
        )
    )
    known = hyperparameters(optimizer)
    if name not in known:
        raise InvalidArgumentError(
            f"`name` must be a hyperparameter of {type(optimizer).__name__}. Received: {name!r:.100}. "
            f"Nearest: {', '.join(nearest(str(name), ['learning_rate', *known]))}."
        )
    before = known[name]
    number = _hyperparameter(optimizer, name, value, before)
    if name == "momentum" and not before and number:
        raise InvalidArgumentError(
            f"`momentum` must not have been 0 to become {number!r}: the optimizer keeps no velocities. Received: "
            f"{type(optimizer).__name__} with momentum={before!r}. Compile the model with a momentum."
        )
    clips = [clip for clip in ("clipnorm", "global_clipnorm", "clipvalue") if known.get(clip) is not None]
    if number is not None and name in ("clipnorm", "global_clipnorm", "clipvalue") and clips not in ([], [name]):
        raise InvalidArgumentError(
            f"Only one clipping must be set at a time. Received: {name}={number!r} beside {clips[0]}="
            f"{known[clips[0]]!r}. Set {clips[0]} to None first."
        )

    def apply() -> None:
        setattr(optimizer, name, number)

    return Edit(f"{name}: {_shown(before)} → {_shown(number)}", apply, (f"{where}.{name} = {number!r}",), retraces=True)


def _hyperparameter(optimizer: Any, name: str, value: Any, before: float | None) -> float | None:
    if value is None and name == "weight_decay" and isinstance(optimizer, keras.optimizers.AdamW):
        return 0.0  # it cannot be made with `None`
    if value is None and name in MAY_BE_NONE:
        return None
    if before is not None and before < 0:  # a power, as of Ftrl's learning rate or Adafactor's decay
        return -_number("-value", -value if is_number(value) else value, least=0.0)
    number = _number("value", value, least=0.0, above="clip" in name or name == "loss_scale_factor")
    if name in _SHARES and number > 1:
        raise InvalidArgumentError(f"`value` must be a number from 0 to 1. Received: {name}={value!r}.")
    return number


_SHARES = ("beta_1", "beta_2", "rho", "momentum", "ema_momentum")


def _optimizer(model: Any) -> Any:
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.Optimizer):
        _refuse_unused(model, optimizer)
        return optimizer
    raise InvalidArgumentError(
        "The model must be compiled with one optimizer to edit it. Received: "
        f"{'none' if optimizer is None else type(optimizer).__name__} as model.optimizer. Set what your own "
        "`train_step` uses by hand while the session is paused."
    )


def _refuse_unused(model: Any, optimizer: Any) -> None:
    """Refuse the optimizer that `compile` makes by itself beside those that a `train_step` of the user's works with."""
    others = [type(one).__name__ for one in find_optimizers(model) if one is not optimizer and _n_updates(one)]
    if others and not _n_updates(optimizer):
        raise InvalidArgumentError(
            "model.optimizer must be the one that trains the model to edit it. Received: "
            f"{type(optimizer).__name__}, which has made no update; those were made by {', '.join(others)}. Set what "
            "your own `train_step` uses by hand while the session is paused."
        )


def _n_updates(optimizer: Any) -> int:
    return int(optimizer.iterations.numpy()) if optimizer.built else 0


def _inner(optimizer: Any) -> Any:
    return getattr(optimizer, "inner_optimizer", optimizer)


# --- layers ---


def trainable(training: Any, layer: str | LayerInfo, flag: bool) -> Edit:
    """Let a layer learn, or stop it from learning; as in Keras, all layers inside it too."""
    entry = entry_of(training, layer)
    if not isinstance(flag, bool):
        raise InvalidArgumentError(f"`flag` must be True or False. Received: flag={flag!r:.100}.")
    _refuse_new_variables(training.model, entry, flag)

    def apply() -> None:
        entry.layer.trainable = flag

    code = f"{_expression(training.model, entry.layer)}.trainable = {flag!r}"
    text = f"{entry.path}: {'trainable' if flag else 'frozen'}"
    return Edit(text, apply, (code,), retraces=True, layer=entry.path)


def _refuse_new_variables(model: Any, entry: Entry, flag: bool) -> None:
    """Refuse to let learn what the optimizer was not built for: it has no slots of it."""
    optimizer = model.optimizer
    if not flag or not isinstance(optimizer, keras.optimizers.Optimizer) or not optimizer.built:
        return
    known = {id(variable) for variable in _inner(optimizer)._trainable_variables}
    found = [layer._trainable_variables for layer in entry.layer._flatten_layers()]
    unknown = [variable.path for variables in found for variable in variables if id(variable) not in known]
    if unknown:
        raise InvalidArgumentError(
            "A layer must have been trainable when the optimizer was built to become trainable. Received: "
            f"{entry.path!r}, whose {unknown[0]} the optimizer has never seen. Compile the model anew with it."
        )


def dropout(training: Any, layer: str | LayerInfo, rate: float) -> Edit:
    """Set the share of values that a dropout layer drops."""
    entry = entry_of(training, layer)
    before = getattr(entry.layer, "rate", None)
    if not is_number(before):
        with_rate = [one.path for one in walk(training.model) if is_number(getattr(one.layer, "rate", None))]
        raise InvalidArgumentError(
            f"`layer` must be a layer with a dropout rate. Received: {entry.path!r}, a {type(entry.layer).__name__}. "
            + (f"Those that have one: {', '.join(with_rate)}." if with_rate else "The model has none.")
        )
    number = _number("rate", rate, least=0.0)
    if number >= 1:
        raise InvalidArgumentError(f"`rate` must be a number from 0 to below 1. Received: rate={rate!r}.")
    if number and getattr(entry.layer, "seed_generator", None) is None:
        raise InvalidArgumentError(
            f"`layer` must have been made with a rate above 0 to drop anything: it has no random generator. Received: "
            f"{entry.path!r}, made with rate={before!r}. Make it with the smallest rate, such as 1e-9."
        )

    def apply() -> None:
        entry.layer.rate = number

    code = f"{_expression(training.model, entry.layer)}.rate = {number!r}"
    return Edit(f"{entry.path}: rate {before:g} → {number:g}", apply, (code,), retraces=True, layer=entry.path)


# --- what feeds the data ---


def batch_size(training: Any, n: int) -> Edit:
    """Feed batches of another size from the next epoch on."""
    number = whole_number(n)
    if number is None or number < 1:
        raise InvalidArgumentError(f"`n` must be a whole number of at least 1. Received: n={n!r:.100}.")
    _require_arrays(training, "batches of another size")
    before = training.feed.batch_size or 32
    return _feeding(training, f"batch size: {before} → {number}", {"batch_size": number})


def class_weight(training: Any, mapping: Mapping[int, float] | None) -> Edit:
    """Weigh the samples by their class from the next epoch on."""
    _require_arrays(training, "weights of classes")
    if training.arguments.sample_weight is not None:
        raise InvalidArgumentError("`class_weight` must not be given beside `sample_weight`. Received: both.")
    y = training.arguments.y
    if y is None or keras.tree.is_nested(y):
        raise InvalidArgumentError(
            f"`y` must be one array for its classes to be weighed. Received: {'none' if y is None else 'several'}."
        )
    given = None if mapping is None else _class_weights(mapping)
    return _feeding(training, f"class weights: {given or 'none'}", {"class_weight": given})


def _class_weights(mapping: Any) -> dict[int, float]:
    try:
        given = {int(key): float(value) for key, value in mapping.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"`mapping` must map numbers of classes to weights, such as {{0: 1.0, 1: 5.0}}. Received: {mapping!r:.100}."
        ) from error
    if not given or not all(math.isfinite(value) and value >= 0 for value in given.values()):
        raise InvalidArgumentError(f"`mapping` must hold weights of at least 0. Received: {mapping!r:.100}.")
    return given


def _require_arrays(training: Any, what: str) -> None:
    why = training.why_no_other_feed()
    if why is not None:
        raise InvalidArgumentError(f"The data must be arrays to be fed as {what}. Received: {why}.")


def _feeding(training: Any, text: str, feed: dict[str, Any]) -> Edit:
    epoch = training.next_new_epoch

    def apply() -> None:
        training.next_feed = {**training.next_feed, **feed}

    return Edit(f"{text}, from epoch {epoch + 1} on", apply, (), feed=feed)


# --- what is meant ---


def _number(name: str, value: Any, *, least: float, above: bool = False) -> float:
    number = float(value) if is_number(value) or isinstance(value, np.number) else math.nan
    if not math.isfinite(number) or number < least or (above and number == least):
        must = f"above {least:g}" if above else f"of at least {least:g}"
        raise InvalidArgumentError(f"`{name}` must be a number {must}. Received: {name}={value!r:.100}.")
    return number


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _expression(model: Any, layer: Any) -> str:
    """Return how plain Keras calls a layer of `model`."""
    found = _by_names(model, layer, "model")
    if found is not None:
        return found
    everyone = list(model._flatten_layers())
    index = next(i for i, one in enumerate(everyone) if one is layer)
    return f"[*model._flatten_layers()][{index}]"


def _by_names(model: Any, layer: Any, so_far: str) -> str | None:
    for one in getattr(model, "layers", ()):
        name = f"{so_far}.get_layer({one.name!r})"
        if one is layer:
            return name
        if isinstance(one, keras.Model) and (found := _by_names(one, layer, name)) is not None:
            return found
    return None
