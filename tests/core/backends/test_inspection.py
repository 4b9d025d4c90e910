"""One batch in inference mode: everything is read, and nothing of the model is changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.errors import InvalidArgumentError
from tests.core import networks
from tests.core.backends import architectures
from tests.core.networks import Network, features

pytest.importorskip("tensorflow")

NETWORKS = ("mlp", "cnn", "lstm", "two_inputs", "noise", "stateful", "own_step")
ARCHITECTURES = ("shared", "nested", "subclassed", "recurrent", "attention", "embedding")


def made(name: str) -> Network:
    network: Network = getattr(networks, name)() if name in NETWORKS else getattr(architectures, name)().network
    return network


def inspect(model: Any, x: Any, y: Any = None, sample_weight: Any = None, loss: Any = None) -> Any:
    from nnviz_widgets.core.backends.tensorflow.inspection import inspect

    return inspect(model, x, y, sample_weight, loss)


def batch_of(network: Network) -> tuple[Any, Any]:
    """The first rows of the data."""
    import keras

    n = network.arguments.get("batch_size", 4)
    return tuple(keras.tree.map_structure(lambda part: part[:n], data) for data in (network.x, network.y))  # type: ignore[return-value]


def photograph(model: Any) -> dict[str, Any]:
    """Everything that a call could have changed, values copied and attributes by identity."""
    import keras
    from keras.src.backend.common.global_state import get_global_attribute
    from tensorflow.python.eager import context

    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *model.metrics_variables, *(optimizer.variables if optimizer is not None else [])]
    layers = model._flatten_layers()
    states = [getattr(layer, "states", None) for layer in layers]
    variables += [state for state in keras.tree.flatten(states) if isinstance(state, keras.Variable)]
    seeds = get_global_attribute("global_seed_generator")
    return {
        "values": [variable.numpy().tobytes() for variable in variables],
        "variables": [id(variable) for variable in variables],
        "attributes": {id(layer): {name: id(value) for name, value in vars(layer).items()} for layer in layers},
        "losses": [id(loss) for layer in layers for loss in layer._losses],
        "compiled": model.compiled,
        "loss built": getattr(getattr(model, "_compile_loss", None), "built", None),
        "metrics": [metric.name for metric in model.metrics],
        "python": random.getstate(),
        "numpy": str(np.random.get_state()),
        "keras": None if seeds is None else seeds.state.numpy().tobytes(),
        "tensorflow": context.context()._rng.getstate(),
    }


@pytest.mark.parametrize("name", NETWORKS + ARCHITECTURES)
@pytest.mark.parametrize("with_targets", [False, True])
def test_nothing_of_the_model_is_changed(name: str, with_targets: bool) -> None:
    network = made(name)
    x, y = batch_of(network)
    states = [variable.numpy() for variable in network.model.non_trainable_variables]
    outputs = flat(network.model(x, training=False))
    for variable, state in zip(network.model.non_trainable_variables, states, strict=True):
        variable.assign(state)
    before = photograph(network.model)
    inspect(network.model, x, y if with_targets else None)
    after = photograph(network.model)
    assert [what for what in before if before[what] != after[what]] == []
    if name != "stateful":  # there the call before has moved the recurrent state
        for one, other in zip(outputs, flat(network.model(x, training=False)), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.fixture
def global_generator() -> Iterator[Any]:
    import tensorflow as tf
    from tensorflow.python.ops import stateful_random_ops

    before, found = stateful_random_ops.global_generator, tf.random.Generator.from_seed(5)
    tf.random.set_global_generator(found)
    yield found
    stateful_random_ops.global_generator = before


def test_variables_and_generators_of_tensorflow_stay_as_they_are(global_generator: Any) -> None:
    import keras
    import tensorflow as tf

    class Counts(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.n = tf.Variable(0.0)
            self.generator = tf.random.Generator.from_seed(1)
            self.held = {"several": [tf.Variable(0.0), (tf.Variable(1.0),)]}

        def call(self, x: Any) -> Any:
            self.n.assign_add(1.0)
            for variable in (self.held["several"][0], self.held["several"][1][0]):
                variable.assign_add(1.0)
            return x + self.generator.normal((3,)) + global_generator.normal((3,))

    model = keras.Sequential([keras.Input((3,)), Counts(), keras.layers.Dense(2)])
    (layer, _) = model.layers
    listed = layer.held["several"]
    states = (layer.n, listed[0], listed[1][0], layer.generator.state, global_generator.state)
    x = np.ones((2, 3), np.float32)
    model(x)
    before = [state.numpy().tolist() for state in states]
    first, second = (value_of(inspect(model, x), TensorKey("counts", "activations")) for _ in range(2))
    assert [state.numpy().tolist() for state in states] == before
    np.testing.assert_array_equal(first, second)
    model(x)
    assert all(state.numpy().tolist() != was for state, was in zip(states, before, strict=True))


def flat(outputs: Any) -> list[np.ndarray]:
    import keras

    return [np.asarray(tensor) for tensor in keras.tree.flatten(outputs)]


def test_training_afterwards_is_bit_equal_to_training_without() -> None:
    import keras

    trained = []
    for inspected in (False, True):
        network = networks.mlp()  # with a dropout
        keras.utils.set_random_seed(3)
        if inspected:
            inspect(network.model, *batch_of(network))
        network.fit(epochs=1)
        trained.append(networks.weights_of(network.model))
    networks.assert_same_weights(*trained)


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "two_inputs", "shared", "nested", "subclassed", "embedding"])
def test_gradients_are_those_of_the_loss_in_inference_mode(name: str) -> None:
    import tensorflow as tf

    network = made(name)
    model = network.model
    x, y = batch_of(network)
    read = inspect(model, x, y)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=False))
    variables = model.trainable_variables
    expected = {
        id(variable): tf.convert_to_tensor(gradient).numpy()
        for variable, gradient in zip(variables, tape.gradient(loss, [v.value for v in variables]), strict=True)
    }
    assert read.loss == pytest.approx(float(loss))
    from nnviz_widgets.core.backends.tensorflow.tree import walk

    n_compared = 0
    for entry in walk(model):
        for variable_name, variable in entry.variables.items():
            if id(variable) in expected:
                gradient = value_of(read, TensorKey(entry.path, "gradients", variable=variable_name))
                np.testing.assert_allclose(gradient, expected[id(variable)], rtol=1e-5, atol=1e-7)
                n_compared += 1
    assert n_compared == len(expected) > 0


def value_of(read: Any, key: TensorKey) -> np.ndarray:
    held = read.tensors[key]
    return held if isinstance(held, np.ndarray) else held.read()


def test_every_layer_has_activations_and_every_tensor_of_the_catalogue_is_there() -> None:
    for name in NETWORKS + ARCHITECTURES:
        network = made(name)
        read = inspect(network.model, *batch_of(network))
        assert {spec.key for spec in read.catalogue.specs} <= set(read.tensors), name
        silent = [
            layer.path for layer in read.catalogue.layers if TensorKey(layer.path, "activations") not in read.tensors
        ]
        assert all((path, "activations") in read.catalogue.reasons for path in silent), name


def test_activation_gradients_are_the_chain_rule() -> None:
    """The last layer of a network with the mean squared error: 2 (output - target) / n."""
    network = networks.line()
    x, y = batch_of(network)
    read = inspect(network.model, x, y)
    output = value_of(read, TensorKey("d", "activations"))
    np.testing.assert_allclose(
        value_of(read, TensorKey("d", "activation_gradients")), 2 * (output - y) / y.size, rtol=1e-5
    )


def test_gradients_say_that_it_is_inference_mode_and_dropout_drops_nothing() -> None:
    network = networks.mlp()
    x, y = batch_of(network)
    read = inspect(network.model, x, y)
    notes = {spec.note for spec in read.catalogue.specs if spec.key.kind == "gradients"}
    assert notes == {"in inference mode"}
    np.testing.assert_array_equal(
        value_of(read, TensorKey("drop", "activations")), value_of(read, TensorKey("hidden", "activations"))
    )


def test_without_targets_or_a_loss_there_is_a_reason() -> None:
    network = networks.mlp()
    x, y = batch_of(network)
    assert "nnviz.inspect(model, x, y)" in inspect(network.model, x).catalogue.reasons["hidden", "gradients"]
    network.model._compile_loss = None
    read = inspect(network.model, x, y)
    assert read.loss is None
    for kind in ("gradients", "activation_gradients"):
        assert "loss=" in read.catalogue.reasons["hidden", kind]


def test_a_model_that_was_never_compiled() -> None:
    import keras

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    read = inspect(model, features(4), features(4, 2))
    assert read.n_samples == 4
    assert not model.compiled
    assert "compile the model" in read.catalogue.reasons["dense", "gradients"]


def two_layers(*, compiled_with: Any = None, dtype: str = "float32") -> Any:
    import keras

    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(4, "tanh", dtype=dtype, name="a"), keras.layers.Dense(2, dtype=dtype, name="b")]
    model = keras.Sequential([keras.Input((5,)), *layers])
    if compiled_with is not None:
        model.compile("sgd", compiled_with)
    return model


def own_loss(y_true: Any, y_pred: Any) -> Any:
    import keras

    return keras.ops.sum((y_pred - y_true) ** 4, axis=-1)


def huber() -> Any:
    import keras

    return keras.losses.Huber(0.1, reduction="sum")


@pytest.mark.parametrize("loss", ["mae", huber, own_loss], ids=["name", "Loss", "function"])
@pytest.mark.parametrize("compiled_with", [None, "mse"])
@pytest.mark.parametrize("weighed", [False, True])
def test_gradients_are_those_of_the_loss_that_is_given(loss: Any, compiled_with: str | None, weighed: bool) -> None:
    """The twin: the same loss, compiled into a model of the same weights, in a plain tape."""
    import keras
    import tensorflow as tf

    model = two_layers(compiled_with=compiled_with)
    x, y, weight = features(4), features(4, 2), np.arange(4, dtype="float32") if weighed else None
    loss = huber() if loss is huber else loss
    twin = keras.models.clone_model(model)
    twin.compile("sgd", loss)
    twin.set_weights(model.get_weights())
    with tf.GradientTape() as tape:
        expected = twin.compute_loss(x, y, twin(x, training=False), weight)
    gradients = tape.gradient(expected, [variable.value for variable in twin.trainable_variables])

    before = photograph(model)
    read = inspect(model, x, y, weight, loss)
    assert [what for what, is_now in photograph(model).items() if is_now != before[what]] == []
    assert model.compiled == (compiled_with is not None)
    assert read.loss == pytest.approx(float(expected))
    keys = [TensorKey(layer, "gradients", variable) for layer in "ab" for variable in ("kernel", "bias")]
    for key, gradient in zip(keys, gradients, strict=True):
        np.testing.assert_allclose(value_of(read, key), gradient, rtol=1e-5, atol=1e-7)


def test_a_loss_that_is_given_takes_the_place_of_a_users_own_and_keeps_the_penalties() -> None:
    import keras

    class Strange(keras.Model):
        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            pytest.fail("it was computed")

    inputs = keras.Input((5,))
    outputs = keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.5))(inputs)
    model = Strange(inputs, outputs)
    x, y = features(4), features(4, 2)
    read = inspect(model, x, y, loss="mse")
    plain = float(np.mean((np.asarray(outputs_of(model, x)) - y) ** 2))
    assert read.loss == pytest.approx(plain + 0.5 * float((model.get_weights()[0] ** 2).sum()), rel=1e-5)


def outputs_of(model: Any, x: Any) -> Any:
    return model(x, training=False)


def test_each_of_several_outputs_may_have_a_loss_of_its_own() -> None:
    import keras

    inputs = keras.Input((5,))
    heads = {"one": keras.layers.Dense(1, name="one")(inputs), "two": keras.layers.Dense(2, name="two")(inputs)}
    model = keras.Model(inputs, heads)
    x, y = features(4), {"one": features(4, 1), "two": features(4, 2)}
    read = inspect(model, x, y, loss={"one": "mse", "two": own_loss})
    found = outputs_of(model, x)
    one, two = (np.asarray(found[name]) - y[name] for name in ("one", "two"))
    assert read.loss == pytest.approx(float((one**2).mean() + (two**4).sum(axis=-1).mean()), rel=1e-5)
    assert inspect(model, x, y, loss={"one": "mse", "two": None}).loss == pytest.approx(float((one**2).mean()))


def test_gradients_of_a_given_loss_in_half_precision_do_not_vanish() -> None:
    """They are smaller than float16 has numbers, if the loss is not scaled as `compile` would have it."""
    x, y = features(4), features(4, 2)

    def tiny(y_true: Any, y_pred: Any) -> Any:
        return own_loss(y_true, y_pred) * 1e-6

    single, half = (inspect(two_layers(dtype=dtype), x, y, loss=tiny) for dtype in ("float32", "mixed_float16"))
    key = TensorKey("a", "gradients", "kernel")
    assert np.abs(value_of(single, key)).max() < 1e-4
    np.testing.assert_allclose(value_of(half, key), value_of(single, key), rtol=0.05, atol=1e-8)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("mean_square_error", "'mean_squared_error'"),
        (3, "Received: loss=3"),
        (np.zeros(3), "a keras.losses.Loss"),
        ({"one": "mse", "two": 4}, "Received: loss=4"),
    ],
)
def test_what_is_no_loss_is_refused(loss: Any, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        inspect(two_layers(), features(4), features(4, 2), loss=loss)


def test_a_loss_without_targets_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="`y` must be the targets"):
        inspect(two_layers(), features(4), loss="mse")


def test_a_model_that_is_not_built_is_built_by_the_batch() -> None:
    import keras

    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    read = inspect(model, features(4), features(4, 2))
    assert value_of(read, TensorKey("dense", "weights", "kernel")).shape == (5, 3)
    assert value_of(read, TensorKey("dense_1", "gradients", "kernel")).shape == (3, 2)
    assert not model._compile_loss.built
    assert not model.optimizer.built


def test_frozen_layers_have_activation_gradients() -> None:
    network = networks.mlp()
    network.model.trainable = False
    x, y = batch_of(network)
    read = inspect(network.model, x, y)
    assert TensorKey("hidden", "activation_gradients") in read.tensors
    assert "frozen" in read.catalogue.reasons["hidden", "gradients"]


def test_attributes_that_the_users_call_sets_are_put_back() -> None:
    import keras

    class Noting(keras.layers.Layer):
        seen: Any = None

        def call(self, x: Any) -> Any:
            self.seen = x
            self.add_loss(keras.ops.sum(x))
            return x

    layer = Noting()
    model = keras.Sequential([keras.Input((5,)), layer, keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model(features(4))
    seen, losses = layer.seen, list(layer._losses)
    read = inspect(model, 2 * features(4), features(4, 2))
    assert layer.seen is seen
    assert [id(loss) for loss in layer._losses] == [id(loss) for loss in losses]
    alone = float(np.mean((value_of(read, TensorKey("dense", "activations")) - features(4, 2)) ** 2))
    assert read.loss == pytest.approx(alone + float(2 * features(4).sum()), rel=1e-4)  # the loss of this call, once


def test_long_loops_are_traced_and_give_the_same() -> None:
    import keras

    from nnviz_widgets.core.backends.tensorflow import inspection

    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(3, name="lstm"), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(2, inspection.LONG_LOOP, 2)).astype("float32")
    y = np.ones((2, 1), "float32")
    traced = inspect(model, x, y)
    before = inspection.LONG_LOOP
    try:
        inspection.LONG_LOOP = before + 1
        eager = inspect(model, x, y)
    finally:
        inspection.LONG_LOOP = before
    assert traced.tensors.keys() == eager.tensors.keys()
    for key in traced.tensors:
        np.testing.assert_allclose(value_of(traced, key), value_of(eager, key), rtol=1e-4, atol=1e-6)


def test_mixed_precision_gradients_are_unscaled() -> None:
    import keras

    keras.utils.set_random_seed(3)
    kernel = keras.initializers.RandomNormal(seed=1)
    found = {}
    for policy in ("float32", "mixed_float16"):
        model = keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(2, kernel_initializer=kernel, dtype=policy, name="d")]
        )
        model.compile(keras.optimizers.SGD(), "mse")
        if policy == "mixed_float16":
            model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), "mse")
        found[policy] = inspect(model, features(4), features(4, 2))
    for kind, variable in (("gradients", "kernel"), ("activation_gradients", None)):
        single, half = (value_of(read, TensorKey("d", kind, variable)) for read in found.values())
        np.testing.assert_allclose(half, single, rtol=2e-2, atol=1e-3)


def test_kept_weights_stay_when_training_goes_on() -> None:
    """They share TensorFlow's memory, which is not written to while they are held."""
    import keras

    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(256, name="d")])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(8, 64)).astype("float32")
    read = inspect(model, x)
    kernel = value_of(read, TensorKey("d", "weights", "kernel"))
    copy = kernel.copy()
    assert not kernel.flags.writeable
    assert np.shares_memory(kernel, np.asarray(model.layers[0].kernel.value.read_value()))
    model.fit(x, np.ones((8, 256), "float32"), epochs=2, verbose=0)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    np.testing.assert_array_equal(kernel, copy)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((0, 5), "float32"), "at least one row"),
        (np.float32(1), "a batch, whose first axis counts samples"),
        (object(), "an array"),
        ("text", "an array"),
    ],
)
def test_what_is_no_batch_is_refused(x: Any, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        inspect(networks.line().model, x)


@pytest.mark.parametrize("name", ["y", "sample_weight", "x"])
def test_parts_that_differ_in_length_are_refused(name: str) -> None:
    network = networks.two_inputs() if name == "x" else networks.line()
    x, y = batch_of(network)
    arguments = {"x": x, "y": y, name: {**x, "right": x["right"][:3]} if name == "x" else features(3, 2)}
    with pytest.raises(InvalidArgumentError, match=f"`{name}` must have a row for each of the 4 samples"):
        inspect(network.model, **arguments)


def test_a_data_set_is_refused_with_what_to_do() -> None:
    import tensorflow as tf

    with pytest.raises(InvalidArgumentError, match="next\\(iter\\(dataset\\)\\)"):
        inspect(networks.line().model, tf.data.Dataset.from_tensor_slices(features(4)).batch(2))


def test_a_wrong_shape_is_refused_in_keras_words() -> None:
    network = networks.line()
    before = photograph(network.model)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 5"):
        inspect(network.model, features(4, 3))
    after = photograph(network.model)
    assert [what for what in before if before[what] != after[what]] == []


@pytest.mark.parametrize("kind", ["list", "float64", "tensor", "frame"])
def test_forms_of_a_batch(kind: str) -> None:
    import pandas as pd
    import tensorflow as tf

    x = features(4)
    forms = {"list": x.tolist(), "float64": x.astype("float64"), "tensor": tf.constant(x), "frame": pd.DataFrame(x)}
    model = networks.line().model
    expected = np.asarray(model(x))
    np.testing.assert_allclose(
        value_of(inspect(model, forms[kind]), TensorKey("d", "activations")), expected, rtol=1e-6
    )


def test_what_is_no_keras_model_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="a Keras model"):
        inspect(lambda x: x, features(4))
