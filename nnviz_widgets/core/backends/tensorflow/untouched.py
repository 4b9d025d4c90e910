"""Calling a model and leaving it, and all sources of randomness, as they were.

A call in inference mode may move the states of random generators and recurrent layers, count in metrics, add to
`model.losses`, and set attributes that the user's own `call` writes.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.trainers.compile_utils import CompileLoss
from tensorflow.python.eager import context
from tensorflow.python.ops import stateful_random_ops

from nnviz_widgets.core.backends.tensorflow.replicas import parts

_ABSENT = object()


def moving_states(model: Any) -> list[tf.Variable]:
    """Return the variables that a call may change, as TensorFlow's.

    Keras does not track the states of recurrent layers, nor variables and generators of TensorFlow's own that a user's
    layer holds as attributes, alone or in lists and dicts, nor the generator that TensorFlow holds for all.
    """
    layers = list(model._flatten_layers())
    recurrent = [s for s in tree.flatten([getattr(layer, "states", None) for layer in layers]) if _is_of_keras(s)]
    seen: set[int] = set()
    held = [value for layer in layers for value in _held(vars(layer), seen)]
    states = [_state_of(value) for value in (*held, stateful_random_ops.global_generator)]
    found = [*_of_tensorflow([*model.non_trainable_variables, *recurrent]), *(s for s in states if s is not None)]
    apart = [part for variable in found for part in parts(variable)]
    return list({id(variable): variable for variable in apart}.values())


def _held(container: Any, seen: set[int]) -> Iterator[Any]:
    """Yield what a list, tuple, set or dict holds, also in others within it; each of those is looked into once."""
    if id(container) in seen:
        return
    seen.add(id(container))
    for value in list(container.values() if isinstance(container, Mapping) else container):
        if isinstance(value, (list, tuple, set, Mapping)):
            yield from _held(value, seen)
        else:
            yield value


def _is_of_keras(value: Any) -> bool:
    return isinstance(value, keras.Variable)


def _of_tensorflow(variables: list[Any]) -> list[tf.Variable]:
    return [part for variable in variables if variable._value is not None for part in parts(variable.value)]


def _state_of(value: Any) -> tf.Variable | None:
    """Return a variable of TensorFlow's own, that of a generator, or `None` for anything else."""
    state = value.state if isinstance(value, tf.random.Generator) else value
    return state if isinstance(state, tf.Variable) else None


@contextlib.contextmanager
def untouched(model: Any) -> Iterator[None]:
    """Within the block, let `model` be called and its loss computed; afterwards all is as it was before.

    Values are put back exactly, and attributes to the very objects that they were. What the user's code does to the
    inside of such an object, as appending to a list, stays.

    Args:
        model: A Keras model that is built. Layers that are not built are left as the block makes them.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_randomness_put_back())
        stack.enter_context(variables_put_back([*moving_states(model), *_of_tensorflow(model.metrics_variables)]))
        for layer in model._flatten_layers():
            if layer.built:
                stack.enter_context(attributes_put_back(layer))
                # Losses of former calls, which nobody cleared, are none of this one's.
                vars(layer).update(_losses=[], _loss_ids=set())
        if getattr(model, "_compile_loss", None) is not None:
            vars(model)["_compile_loss"] = _twin(model._compile_loss)
        yield


def _twin(loss: Any) -> Any:
    """Return a loss that computes the same; it builds itself and counts apart from the model's own."""
    if type(loss) is not CompileLoss:
        return loss
    return CompileLoss(loss._user_loss, loss._user_loss_weights, loss.reduction, loss.output_names)


@contextlib.contextmanager
def variables_put_back(variables: list[tf.Variable]) -> Iterator[None]:
    """Put back the values of variables of TensorFlow's, exactly."""
    # A value that is held is not written to: TensorFlow makes a new one when the variable changes.
    before = [(variable, variable.read_value()) for variable in variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


@contextlib.contextmanager
def attributes_put_back(owner: Any) -> Iterator[None]:
    """Put back the attributes of an object, to the very objects that they were."""
    attributes = vars(owner)
    before = dict(attributes)
    try:
        yield
    finally:
        for name in [name for name in attributes if name not in before]:
            del attributes[name]
        for name, value in before.items():
            if attributes.get(name, _ABSENT) is not value:
                attributes[name] = value


@contextlib.contextmanager
def _randomness_put_back() -> Iterator[None]:
    """Put back the generators of Python, numpy, Keras and TensorFlow that belong to the whole process."""
    of_python, of_numpy = random.getstate(), np.random.get_state()
    of_keras = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    of_tensorflow = getattr(context.context(), "_rng", None)
    state = None if of_tensorflow is None else of_tensorflow.getstate()
    try:
        with variables_put_back([] if of_keras is None else _of_tensorflow([of_keras.state])):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, of_keras)
        if of_tensorflow is not None and state is not None:
            of_tensorflow.setstate(state)
