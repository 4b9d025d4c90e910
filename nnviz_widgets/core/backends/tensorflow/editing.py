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
from nnviz_widgets.core.backends.tensorflow.state import of_tensorflow, variables_of
from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers
from nnviz_widgets.core.backends.tensorflow.tree import Entry, main_variable, walk
from nnviz_widgets.core.edit import Edit
from nnviz_widgets.core.frame import TensorKey, first_call
from nnviz_widgets.core.grammar import view_of
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.core.names import nearest
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import LayerInfo, TensorSpec


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
    entry = _entry(training, layer)
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
    entry = _entry(training, layer)
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


# --- values ---


def weights(
    training: Any,
    layer: str | LayerInfo,
    value: Any,
    variable: str | None = None,
    neuron: int | None = None,
    index: tuple[int, ...] | None = None,
) -> Edit:
    """Set a variable of a layer, what of it belongs to one neuron, or a single value."""
    entry = _entry(training, layer)
    name = _variable_name(entry, variable)
    kept = entry.variables[name]
    of = f"{entry.path} {name}" + ("" if neuron is None else f", neuron {neuron}")
    if index is not None:
        if neuron is not None:
            raise InvalidArgumentError("Only one of `neuron` and `index` must be given. Received: both.")
        of = f"{entry.path} {name}[{', '.join(map(str, np.atleast_1d(index)))}]"
        new = _with_one(kept, index, _as_array(value, kept), of)
    else:
        new = _with(training, entry, name, neuron, _as_array(value, kept), of)
    shown = f"{float(np.asarray(value)):g}" if np.ndim(value) == 0 else f"values of shape {np.shape(value)}"
    return _setting(f"{of} → {shown}", ((kept, new),), entry.path)


def reinitialize(training: Any, layer: str | LayerInfo, neuron: int | None = None, seed: int | None = None) -> Edit:
    """Draw the variables of a layer, or what of them belongs to one neuron, anew with the layer's own initializers."""
    entry = _entry(training, layer)
    if not entry.variables:
        raise InvalidArgumentError(
            f"`layer` must have variables to be re-initialised. Received: {entry.path!r}, which has none."
        )
    random = np.random.default_rng(_seed(seed))
    drawn: dict[str, npt.NDArray[Any]] = {name: _drawn(entry, name, random) for name in entry.variables}
    if neuron is not None:
        drawn = {
            name: _of_neuron(training, entry, name, neuron, values)
            for name, values in drawn.items()
            if _spec(training, entry, name) is not None
        }
    values = tuple((entry.variables[name], array) for name, array in drawn.items())
    of = entry.path + ("" if neuron is None else f", neuron {neuron}")
    return _setting(f"{of}: re-initialised ({', '.join(drawn)})", values, entry.path)


def _seed(seed: Any) -> int | None:
    number = None if seed is None else whole_number(seed)
    if seed is not None and (number is None or number < 0):
        raise InvalidArgumentError(f"`seed` must be a whole number from 0, or None. Received: seed={seed!r:.100}.")
    return number


def _setting(text: str, values: tuple[tuple[Any, npt.NDArray[Any]], ...], layer: str | None) -> Edit:
    def apply() -> None:
        for variable, array in values:
            variable.assign(array)

    return Edit(text, apply, (), values, layer=layer)


_MOST_NAMED = 3


def by_hand(model: Any, changed: Sequence[tuple[Any, npt.NDArray[Any]]]) -> Edit:
    """Describe what somebody has assigned to variables without an edit.

    Args:
        model: The model.
        changed: TensorFlow's variables, and their values.
    """
    known = {name: of_tensorflow(one) for name, one in variables_of(model).items()}
    names = [next((name for name, one in known.items() if one is variable), "a variable") for variable, _ in changed]
    shown = [name.partition("/")[2] or name for name in names[:_MOST_NAMED]]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return _setting(f"by hand: {', '.join(shown)}{more}", tuple(changed), None)


def _variable_name(entry: Entry, variable: str | None) -> str:
    names = list(entry.variables)
    if variable in names:
        return str(variable)
    main = main_variable(names)
    if variable is None and main is not None:
        return main
    received = f"variable={variable!r:.100}" if variable is not None else "none, and there are several"
    raise InvalidArgumentError(
        f"`variable` must be one of {entry.path!r}: {', '.join(names) or 'it has none'}. Received: {received}."
    )


def _as_array(value: Any, variable: Any) -> npt.NDArray[Any]:
    try:
        given = np.asarray(value)
    except (TypeError, ValueError):  # rows that differ in length
        given = np.asarray(None)
    if given.dtype.kind not in _NUMBERS:
        raise InvalidArgumentError(
            f"`value` must be a number or an array of {variable.dtype}. Received: {value!r:.100}."
        )
    with np.errstate(over="ignore"):
        return given.astype(keras.backend.standardize_dtype(variable.dtype))


_NUMBERS = "biufV"
"""Kinds of numpy's dtypes; `bfloat16` is of the last."""


def _with(
    training: Any, entry: Entry, name: str, neuron: int | None, value: npt.NDArray[Any], of: str
) -> npt.NDArray[Any]:
    """Return the values of a variable with `value` in the place that is meant."""
    before = np.array(entry.variables[name].numpy())
    place: npt.NDArray[Any] = before if neuron is None else _column(training, entry, name, neuron, before)
    if value.ndim and value.shape != place.shape:
        raise InvalidArgumentError(
            f"`value` must be a number or an array of shape {place.shape}, that of {of}. Received: shape {value.shape}."
        )
    place[...] = value
    return before


def _with_one(variable: Any, index: Any, value: npt.NDArray[Any], of: str) -> npt.NDArray[Any]:
    """Return the values of a variable with one of them replaced."""
    before = np.array(variable.numpy())
    place = tuple(whole_number(one) for one in np.atleast_1d(index).tolist())
    inside = len(place) == before.ndim and all(
        one is not None and 0 <= one < size for one, size in zip(place, before.shape, strict=True)
    )
    if not inside or value.ndim:
        raise InvalidArgumentError(
            f"`index` must be {before.ndim} whole numbers within {before.shape}, and `value` a number. Received: "
            f"{of}, {value!r:.100}."
        )
    before[place] = value
    return before


def _of_neuron(training: Any, entry: Entry, name: str, neuron: int, drawn: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values of a variable, those of one neuron taken from `drawn`."""
    after = np.array(entry.variables[name].numpy())
    _column(training, entry, name, neuron, after)[...] = _column(training, entry, name, neuron, drawn)
    return after


def _column(training: Any, entry: Entry, name: str, neuron: int, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view of what of `array` belongs to a neuron, all its gates among it."""
    spec = _spec(training, entry, name)
    if spec is None:
        raise InvalidArgumentError(
            f"`neuron` must be None for a variable that has no neurons. Received: neuron={neuron!r} of {entry.path} "
            f"{name}."
        )
    view = view_of(array.shape, spec.axes, spec.neuron_axis, spec.grammar)
    axis = view.neuron_axis
    assert axis is not None, "a spec with neurons has an axis of them"
    index = whole_number(neuron)
    n, first = view.shape[axis], spec.grammar.first_neuron
    if index is None or not 0 <= index - first < n:
        raise InvalidArgumentError(
            f"`neuron` must be a whole number from {first} to {first + n - 1}, which {entry.path} {name} has. "
            f"Received: neuron={neuron!r:.100}."
        )
    column = np.moveaxis(array.reshape(view.shape), axis, 0)[index - first : index - first + 1]
    return column[0, ...]


def _spec(training: Any, entry: Entry, name: str) -> TensorSpec | None:
    """Return what is known of a variable that has neurons, `None` of one that has none."""
    key = TensorKey(entry.path, "weights", variable=name)
    spec = Lookup(training.functions.catalogue).spec(key)
    return spec if spec is not None and spec.neuron_axis is not None and spec.grammar.own else None


def _drawn(entry: Entry, name: str, random: np.random.Generator) -> npt.NDArray[Any]:
    """Draw the first values of a variable anew, with another seed than that of the first time."""
    variable = entry.variables[name]
    owner = _owner(entry.layer, variable)
    initializer = _initializer(owner, variable.name)
    if initializer is None:
        raise InvalidArgumentError(
            f"A layer must have an initializer of each variable to be re-initialised. Received: {entry.path!r}, whose "
            f"{name} has none that is called {variable.name}_initializer. Set it: session.edit.weights(...)."
        )
    config = initializer.get_config() if isinstance(initializer, keras.initializers.Initializer) else {}
    if "seed" in config:
        config["seed"] = int(random.integers(1, 2**31 - 1))
        initializer = type(initializer).from_config(config)
    drawn = np.array(keras.ops.convert_to_numpy(initializer(variable.shape, dtype=variable.dtype)))
    if variable.name == "bias" and getattr(owner, "unit_forget_bias", False):
        drawn[owner.units : 2 * owner.units] = 1  # as the cell of an LSTM begins
    return drawn


def _initializer(owner: Any, name: str) -> Any:
    """Return the initializer of a layer's variable; `recurrent_initializer` is that of a `recurrent_kernel`."""
    short = name.removesuffix("_kernel")
    alone = ("depthwise_initializer",) if name == "kernel" else ()  # a `DepthwiseConv2D` calls its kernel just that
    for one in (f"{name}_initializer", f"{short}_initializer", *alone):
        if callable(found := getattr(owner, one, None)):
            return found
    return None


def _owner(layer: Any, variable: Any) -> Any:
    for one in layer._flatten_layers():
        if any(variable is own for own in (*one._trainable_variables, *one._non_trainable_variables)):
            return one
    return layer


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


def _entry(training: Any, layer: str | LayerInfo) -> Entry:
    path = first_call(Lookup(training.functions.catalogue).path(layer))
    for entry in walk(training.model):
        if entry.path == path:
            return entry
    raise InvalidArgumentError(
        f"`layer` must be a layer that has a place of its own in the model. Received: {path!r}, inside another."
    )


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
