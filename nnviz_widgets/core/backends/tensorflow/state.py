"""Everything of a model that a step may change, as arrays, and back again to the last bit.

That is weights and moving statistics, the random streams that live in variables, optimizers with their loss scale, and
the running sums of metrics. Names do not carry Keras' automatic numbers, so that a model that is made again has the
same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.random import seed_generator
from tensorflow.python.ops import stateful_random_ops

from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers
from nnviz_widgets.core.backends.tensorflow.tree import walk
from nnviz_widgets.core.storage.blobs import DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt

_MOST_NAMED = 6


def variables_of(model: Any, keras_state: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return every variable that training `model` may change, each once, by a name that another process gives too.

    Args:
        model: A compiled Keras model.
        keras_state: What Keras keeps for the thread that trains it, the current one if `None`.
    """
    named: dict[str, Any] = {}
    seen: set[int] = set()
    for name, variable in [*_found(model), *_global_generators(keras_state)]:
        if id(variable) not in seen and _is_number(variable):
            seen.add(id(variable))
            named[_unique(name, named)] = variable
    return named


def of_tensorflow(variable: Any) -> Any:
    """Return TensorFlow's variable of one of Keras', and any other as it is."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def capture(model: Any, keras_state: Mapping[str, Any] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Return copies of the values of all `variables_of` a model, by name."""
    return {name: np.array(variable.numpy()) for name, variable in variables_of(model, keras_state).items()}


def restore(model: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Assign what `capture` returned.

    Args:
        model: The model, with the variables that it had then: `differences` must be empty.
        arrays: By name.
    """
    for name, variable in variables_of(model).items():
        if name in arrays:
            variable.assign(arrays[name])


def differences(model: Any, shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> list[str]:
    """Say where the variables of `model` are not those that were captured: phrases, none if they are.

    Args:
        model: The model as it is now.
        shapes: Dtype and shape of each array that was captured, by name.
    """
    if "random/keras" in shapes:
        seed_generator.global_seed_generator()
    if "random/tensorflow" in shapes:
        tf.random.get_global_generator()
    now = {name: (_dtype(v), tuple(v.shape)) for name, v in variables_of(model).items()}
    found = [f"{name} is missing here" for name in shapes if name not in now]
    found += [f"{name} is new here" for name in now if name not in shapes and not name.startswith("random/")]
    for name, (dtype, shape) in shapes.items():
        if name in now and now[name] != (dtype, shape):
            found.append(f"{name} is {dtype} {shape} in the file and {now[name][0]} {now[name][1]} here")
    return shortened(found)


def shortened(found: list[str]) -> list[str]:
    """Return the first few phrases, and how many more there are."""
    rest = len(found) - _MOST_NAMED
    return [*found[:_MOST_NAMED], f"and {rest} more"] if rest > 0 else found


def _found(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and variables, those of a layer under its path first; some come more than once."""
    entries = walk(model)
    for entry in entries:
        for name, variable in entry.variables.items():
            yield f"weights/{entry.path}/{name}", variable
    for entry in entries:
        yield from ((f"weights/{entry.path}/{_unnumbered(v.name)}", v) for v in entry.layer.variables)
    yield from ((f"weights/{_unnumbered(v.name)}", v) for v in model.variables)
    for index, optimizer in enumerate(find_optimizers(model)):
        kind = type(optimizer).__name__
        for number, variable in enumerate(optimizer.variables):
            yield f"optimizer/{index}/{kind}/{number}", variable
    for index, metric in enumerate(model.metrics):
        yield from ((f"metrics/{index}/{v.name}", v) for v in metric.variables)
    yield from ((f"metrics/{v.name}", v) for v in model.metrics_variables)
    for path, layer in [("", model), *((entry.path + "/", entry.layer) for entry in entries)]:
        # What begins with `_self_` is TensorFlow's own list of what it tracks, under other names.
        for name, value in [item for item in vars(layer).items() if not item[0].startswith("_self_")]:
            yield from ((f"attributes/{path}{name}", v) for v in _loose(value))


def _loose(value: Any) -> Iterator[Any]:
    """Yield the variables in an attribute that Keras does not track: a `tf.Variable`, a `tf.random.Generator`."""
    if isinstance(value, (tf.Variable, keras.Variable)):
        yield value
    elif isinstance(value, (tf.random.Generator, keras.random.SeedGenerator)):
        yield value.state
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _loose(item)
    elif isinstance(value, dict):
        yield from _loose(list(value.values()))


def _global_generators(keras_state: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    """Yield the states of the generators of the process, if anything has drawn from them yet."""
    state = vars(global_state.GLOBAL_STATE_TRACKER) if keras_state is None else keras_state
    of_keras = state.get(seed_generator.GLOBAL_SEED_GENERATOR)
    if of_keras is not None:
        yield "random/keras", of_keras.state
    of_tensorflow = stateful_random_ops.global_generator
    if of_tensorflow is not None:
        yield "random/tensorflow", of_tensorflow.state


STATEFUL = (
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal", "ParameterizedTruncatedNormal"),
    *("RandomShuffle", "Multinomial", "RandomGamma", "RandomPoissonV2"),
)
"""Operations of TensorFlow that keep their random stream to themselves, where nobody can read it."""


def hidden_streams(graphs: Iterable[Any]) -> list[str]:
    """Return which operations of compiled steps keep a random stream that cannot be captured."""
    found: set[str] = set()
    for graph in graphs:
        definition = graph.as_graph_def()
        nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
        found |= {node.op for node in nodes if node.op in STATEFUL}
    return sorted(found)


def _unnumbered(name: str) -> str:
    """Return the name of a variable without the number that Keras gives to one without a name."""
    return "variable" if re.fullmatch(r"variable_\d+", name) else name


def _is_number(variable: Any) -> bool:
    return _dtype(variable) in DTYPES


def _dtype(variable: Any) -> str:
    return str(tf.as_dtype(variable.dtype).name)


def _unique(name: str, taken: Mapping[str, Any]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}#{number}"
    return candidate
