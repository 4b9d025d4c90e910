"""The whole state of a model as arrays: taken, put back, and compared with that of another model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.backends.tensorflow import random_streams, state
from nnviz_widgets.core.probe import Probe
from tests.core import networks
from tests.core.backends import resumable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.networks import Network

MAKERS: dict[str, Callable[[], Network]] = {
    "mlp": networks.mlp,
    "cnn": networks.cnn,
    "recurrent state": networks.stateful,
    "loss scale": resumable.mixed,
    "two optimizers": networks.own_step,
    "untracked": resumable.loose,
    "accumulation": lambda: networks.mlp(optimizer=resumable.sgd(gradient_accumulation_steps=2)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_steps_after_a_state_was_put_back_are_those_after_it_was_taken(name: str) -> None:
    """Two steps of the compiled training function, twice from one state: losses and all variables are bit-equal."""
    import tensorflow as tf

    network = MAKERS[name]()
    model = network.model
    with network.session(probe=Probe(layers=())) as session:
        session.step(2)
        before = state.capture(model, session._training.keras_state)
        data = next(iter(session._training.iterator._distributed_dataset))
        step = tf.function(model.train_step)
        ends, losses = [], []
        for _ in range(2):
            state.restore(model, before)
            losses.append([float(step(data)["loss"]) for _ in range(2)])
            ends.append(state.capture(model))
    assert losses[0] == losses[1]
    assert losses[0][0] != losses[0][1]
    assert ends[0].keys() == ends[1].keys()
    for key, array in ends[0].items():
        np.testing.assert_array_equal(array, ends[1][key], err_msg=key)
    assert any(not np.array_equal(before[key], array) for key, array in ends[0].items() if key in before)


def test_nothing_is_left_out_and_nothing_is_there_twice() -> None:
    network = resumable.mixed()
    with network.session(probe=Probe(layers=())) as session:
        session.step()
        model = network.model
        known = [*model.variables, *model.metrics_variables, *model.optimizer.variables]
        found = state.variables_of(model)
        assert {id(v) for v in known} == {id(v) for v in found.values()}
        assert len(found) == len({id(v) for v in found.values()})


def test_a_model_that_is_made_again_has_the_same_names() -> None:
    """Keras counts `dense_2`, `dense_3`: what is saved must not."""
    names = []
    for _ in range(2):
        network = resumable.augmented()
        with network.session(probe=Probe(layers=())) as session:
            session.step()
            names.append(list(state.variables_of(network.model)))
    assert names[0] == names[1]


def test_what_differs_is_said_with_names_and_shapes() -> None:
    import keras

    def shapes(model: Any) -> dict[str, Any]:
        return {name: (array.dtype.name, array.shape) for name, array in state.capture(model).items()}

    def model(width: int, *more: Any) -> Any:
        return keras.Sequential([keras.Input((5,)), keras.layers.Dense(width, name="d"), *more])

    assert state.differences(model(2), shapes(model(2))) == []
    assert "weights/d/kernel is float32 (5, 3) in the file and float32 (5, 2) here" in state.differences(
        model(2), shapes(model(3))
    )
    extra = keras.layers.Dense(1, name="more")
    assert "weights/more/kernel is new here" in state.differences(model(2, extra), shapes(model(2)))
    assert "weights/more/bias is missing here" in state.differences(model(2), shapes(model(2, extra)))


@pytest.mark.parametrize("seed", [None, 5])
def test_the_random_streams_of_the_process_go_on_where_they_were(seed: int | None) -> None:
    import json
    import random

    import keras
    import tensorflow as tf

    def draw() -> list[Any]:
        drawn: list[Any] = [random.random(), random.gauss(0, 1), np.random.random(), np.random.standard_normal()]
        return drawn if seed is None else [*drawn, float(tf.random.uniform(()))]

    keras.utils.set_random_seed(3)
    if seed is None:
        tf.random.set_seed(None)
    random.gauss(0, 1)
    np.random.standard_normal()
    saved = json.loads(json.dumps(random_streams.capture()))
    first = draw()
    keras.utils.set_random_seed(8)
    random_streams.restore(saved)
    assert draw() == first


def test_an_operation_that_keeps_its_stream_to_itself_is_found() -> None:
    import keras
    import tensorflow as tf

    @tf.function
    def hidden(x: Any) -> Any:
        return tf.map_fn(lambda row: row + tf.random.normal(()), x)

    @tf.function
    def open_to_all(x: Any) -> Any:
        return x + keras.random.normal((3,), seed=1)

    spec = tf.TensorSpec((3,))
    assert state.hidden_streams([hidden.get_concrete_function(spec).graph]) == ["RandomStandardNormal"]
    assert state.hidden_streams([open_to_all.get_concrete_function(spec).graph]) == []
