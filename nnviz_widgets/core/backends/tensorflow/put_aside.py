"""A whole training step on the model itself, of which nothing is left: its state is put aside and put back exactly.

Subclassed models cannot be cloned in general, so what looks closer runs on the very object. Put back are the values of
all variables that a step may change, to the last bit (they are held, not copied), the random streams of the process,
and the attributes of layers, metrics and optimizers, to the very objects that they were. What the user's code does to
the inside of such an object, as appending to a list, or outside of the process, as printing, stays.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import keras

from nnviz_widgets.core.backends.tensorflow import random_streams
from nnviz_widgets.core.backends.tensorflow.replicas import parts
from nnviz_widgets.core.backends.tensorflow.state import variables_of
from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers
from nnviz_widgets.core.backends.tensorflow.thread_state import in_keras_state
from nnviz_widgets.core.backends.tensorflow.untouched import attributes_put_back, moving_states, variables_put_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def put_aside(model: Any, keras_state: Mapping[str, Any] | None) -> Iterator[None]:
    """Within the block, let steps be taken with `model`, on this thread; afterwards all is as it was before.

    Args:
        model: A compiled Keras model.
        keras_state: What Keras keeps for the thread that trains it, such as the dtype policy; `None` if it is this one.
    """
    variables = [part for v in variables_of(model, keras_state).values() for part in _of_tensorflow(v)]
    streams = random_streams.held()
    with contextlib.ExitStack() as stack:
        stack.callback(random_streams.put_back, streams)
        stack.enter_context(in_keras_state(keras_state))
        stack.enter_context(variables_put_back([*variables, *moving_states(model)]))
        for owner in _owners(model):
            stack.enter_context(attributes_put_back(owner))
            if isinstance(owner, keras.layers.Layer):  # lists that Keras empties and fills in place
                vars(owner).update(_losses=[], _loss_ids=set())
        yield


def _of_tensorflow(variable: Any) -> tuple[Any, ...]:
    """Return the variables of TensorFlow's behind one; of one whose layer is only about to be built there are none."""
    if not isinstance(variable, keras.Variable):
        return parts(variable)
    return () if variable._value is None else parts(variable.value)


def _owners(model: Any) -> list[Any]:
    """Return the objects whose attributes a step may set."""
    compiled = [getattr(model, name, None) for name in ("_compile_loss", "_compile_metrics", "_loss_tracker")]
    found = [*model._flatten_layers(), *model.metrics, *compiled, *find_optimizers(model)]
    return list({id(owner): owner for owner in found if owner is not None}.values())
