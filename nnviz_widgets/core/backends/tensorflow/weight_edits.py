"""Edits of values: a variable of a layer, what of it belongs to one neuron, or a single weight.

Each is checked as `editing` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.core.backends.tensorflow.state import of_tensorflow, variables_of
from nnviz_widgets.core.backends.tensorflow.tree import Entry, main_variable, walk
from nnviz_widgets.core.edit import Edit
from nnviz_widgets.core.frame import TensorKey, first_call
from nnviz_widgets.core.grammar import view_of
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import LayerInfo, TensorSpec


def entry_of(training: Any, layer: str | LayerInfo) -> Entry:
    """Return the layer that a user names.

    Raises:
        LayerNotFound: If there is none.
        InvalidArgumentError: If it is part of another.
    """
    path = first_call(Lookup(training.functions.catalogue).path(layer))
    for entry in walk(training.model):
        if entry.path == path:
            return entry
    raise InvalidArgumentError(
        f"`layer` must be a layer that has a place of its own in the model. Received: {path!r}, inside another."
    )


def weights(
    training: Any,
    layer: str | LayerInfo,
    value: Any,
    variable: str | None = None,
    neuron: int | None = None,
    index: tuple[int, ...] | None = None,
) -> Edit:
    """Set a variable of a layer, what of it belongs to one neuron, or a single value."""
    entry = entry_of(training, layer)
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
    entry = entry_of(training, layer)
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
