"""Calling a model and leaving it, and all sources of randomness, as they were.

A call in inference mode may move the states of random generators and recurrent layers, count in metrics, add to
`model.losses`, and set attributes that the user's own `call` writes.
"""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import tree
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.trainers.compile_utils import CompileLoss
from tensorflow.python.eager import context

if TYPE_CHECKING:
    from collections.abc import Iterator

_ABSENT = object()


def moving_states(model: Any) -> list[Any]:
    """Return the variables that a call may change; Keras does not track the states of recurrent layers."""
    recurrent = [getattr(layer, "states", None) for layer in model._flatten_layers()]
    return [*model.non_trainable_variables, *(s for s in tree.flatten(recurrent) if isinstance(s, keras.Variable))]


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
        stack.enter_context(_variables_put_back([*moving_states(model), *model.metrics_variables]))
        for layer in model._flatten_layers():
            if layer.built:
                stack.enter_context(_attributes_put_back(layer))
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
def _variables_put_back(variables: list[Any]) -> Iterator[None]:
    distinct = {id(variable): variable for variable in variables}.values()
    # A value that is held is not written to: TensorFlow makes a new one when the variable changes.
    before = [(variable, variable.value.read_value()) for variable in distinct if _readable(variable)]
    try:
        yield
    finally:
        for variable, value in before:
            variable.value.assign(value)


def _readable(variable: Any) -> bool:
    return variable._value is not None


@contextlib.contextmanager
def _attributes_put_back(owner: Any) -> Iterator[None]:
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
        with _variables_put_back([] if of_keras is None else [of_keras.state]):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, of_keras)
        if of_tensorflow is not None and state is not None:
            of_tensorflow.setstate(state)
