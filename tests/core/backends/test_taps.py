"""What is tapped, what cannot be and why, and that a tap leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.backends.tensorflow.taps import Taps, aside, find_optimizers
from nnviz_widgets.core.backends.tensorflow.tree import walk
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.errors import LayerNotFound, TensorUnavailable
from tests.core import networks
from tests.core.networks import Network, assert_same_weights, seeded, weights_of

if TYPE_CHECKING:
    from nnviz_widgets.core.session import Session

READ_ALL = {"every": 1}

UNCONNECTED = "ignore:Gradients do not exist"
"""Keras warns so as well."""


def stepped(network: Network, **probe: Any) -> Session:
    """Take one step with everything read, and close."""
    with network.session(probe=Probe(**{**READ_ALL, **probe})) as session:
        session.step()
        return session


def subclass(make_layers: Any, call: Any) -> Network:
    """Return a compiled subclassed model on 5 features and 2 targets."""
    import keras

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            for name, layer in make_layers().items():
                setattr(self, name, layer)

        def call(self, x: Any) -> Any:
            return call(self, x)

    model = Own()
    model.compile("sgd", "mse")
    return Network(model, networks.features(), networks.features(width=2))


def dense(units: int = 2, **arguments: Any) -> Any:
    import keras

    return keras.layers.Dense(units, **arguments)


# --- which layers there are ---


def test_K01_model_that_is_not_built_is_built_from_the_first_batch_and_trains_as_in_fit() -> None:
    @seeded
    def make() -> Network:
        return subclass(lambda: {"a": dense(4), "b": dense()}, lambda m, x: m.b(m.a(x)))

    by_fit, network = make(), make()
    by_fit.fit()
    with network.session(probe=Probe(every=1)) as session:
        assert session.recording.layers == ()
        session.run()
        assert session.wait(60)
        assert [layer.path for layer in session.recording.layers] == ["dense", "dense_1"]
        assert session.recording.tensor_steps("dense", "weights")[0] == 0
        assert session.recording.tensor("dense", "weights").shape == (5, 4)
    assert_same_weights(weights_of(network.model), weights_of(by_fit.model))


def test_K02_two_layers_with_one_name_have_two_paths() -> None:
    network = subclass(lambda: {"a": dense(4, name="q"), "b": dense(name="q")}, lambda m, x: m.b(m.a(x)))
    recording = stepped(network).recording
    assert [layer.path for layer in recording.layers] == ["q", "q_1"]
    assert [layer.name for layer in recording.layers] == ["q", "q"]
    assert recording.tensor("q", "gradients").shape == (5, 4)
    assert recording.tensor("q_1", "gradients").shape == (4, 2)


def test_K03_shared_layer_has_two_entries_with_gradients_of_their_own() -> None:
    d = dense(5, name="d", activation="tanh")
    network = subclass(lambda: {"d": d, "head": dense(name="head")}, lambda m, x: m.head(m.d(m.d(x))))
    recording = stepped(network).recording
    assert [layer.path for layer in recording.layers] == ["d", "d#1", "head"]
    for kind in ("activations", "activation_gradients"):
        first, second = recording.tensor("d", kind), recording.tensor("d#1", kind)
        assert first.shape == second.shape
        assert np.abs(first - second).max() > 1e-4
        np.testing.assert_array_equal(recording.tensor("d", kind, call=1), second)
    np.testing.assert_array_equal(recording.tensor("d#1", "weights"), recording.tensor("d", "weights"))


def test_K04_cell_of_a_recurrent_layer_says_to_read_the_layer() -> None:
    recording = stepped(networks.lstm()).recording
    why = recording.why("lstm/lstm_cell", "activation_gradients")
    assert why is not None
    assert "loop" in why
    assert "'lstm'" in why
    with pytest.raises(TensorUnavailable, match="'lstm'"):
        recording.tensor("lstm/lstm_cell", "activations")
    assert recording.tensor("lstm", "activation_gradients").shape == (8, 3)


def test_K04_layer_that_runs_inside_a_loop_of_the_graph_says_so_and_trains() -> None:
    import tensorflow as tf

    def call(m: Any, x: Any) -> Any:
        _, x = tf.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, m.inside(h)), (tf.constant(0), x))
        return m.head(x)

    @seeded
    def make() -> Network:
        network = subclass(lambda: {"inside": dense(5, name="inside"), "head": dense(name="head")}, call)
        network.model.inside.build((None, 5))
        return network

    by_fit, network = make(), make()
    by_fit.fit()
    with network.session(probe=Probe(every=1)) as session:
        session.run()
        assert session.wait(60)
        recording = session.recording
    for kind in ("activations", "activation_gradients"):
        assert "inside a loop or branch of the graph" in recording.why("inside", kind)
    assert recording.tensor("inside", "gradients").shape == (5, 5)
    assert recording.tensor("head", "activations").shape == (6, 2)
    assert_same_weights(weights_of(network.model), weights_of(by_fit.model))


@pytest.mark.filterwarnings(UNCONNECTED)
def test_K05_layer_that_is_not_on_the_path_to_the_loss_has_no_gradient_and_says_why() -> None:
    def call(m: Any, x: Any) -> Any:
        m.aside(x)
        return m.head(x)

    network = subclass(lambda: {"aside": dense(name="aside"), "head": dense(name="head")}, call)
    recording = stepped(network).recording
    assert "not connected" in recording.why("aside", "gradients")
    assert "no gradient reaches" in recording.why("aside", "activation_gradients")
    with pytest.raises(TensorUnavailable, match="not connected"):
        recording.tensor("aside", "gradients")
    assert recording.tensor("aside", "activations").shape == (8, 2)
    assert recording.why("head", "gradients") is None


def test_K05_frozen_layer_has_no_weight_gradient_and_says_why() -> None:
    network = networks.mlp()
    network.model.layers[0].trainable = False
    network.model.compile("sgd", "sparse_categorical_crossentropy")
    recording = stepped(network).recording
    assert "frozen" in recording.why("hidden", "gradients")
    assert recording.why("hidden", "weights") is None
    assert recording.why("out", "gradients") is None


@pytest.mark.filterwarnings(UNCONNECTED)
def test_K06_layer_that_is_never_called_says_so() -> None:
    network = subclass(lambda: {"never": dense(name="never"), "head": dense(name="head")}, lambda m, x: m.head(x))
    network.model.never.build((None, 5))
    recording = stepped(network).recording
    assert [layer.path for layer in recording.layers] == ["head", "never"]
    for kind in ("activations", "activation_gradients"):
        assert "not called" in recording.why("never", kind)
    assert recording.tensor("never", "weights").shape == (5, 2)


def test_layer_of_integers_has_activations_and_no_gradient() -> None:
    import keras

    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Discretization([0.0]), keras.layers.Embedding(2, 3), keras.layers.Flatten()]
    )
    model.compile("sgd", "mse")
    recording = stepped(Network(model, networks.features(), networks.features(width=15))).recording
    assert "is of int" in recording.why("discretization", "activation_gradients")
    assert recording.tensor("discretization", "activations").dtype.kind == "i"


def test_probe_on_some_layers_leaves_the_others_out_and_says_so() -> None:
    recording = stepped(networks.mlp(), layers=["hidden"]).recording
    assert [layer.path for layer in recording.layers] == ["hidden", "drop", "out"]
    assert "leaves this layer out" in recording.why("out", "weights")
    assert recording.tensor("hidden", "gradients").shape == (5, 8)
    with pytest.raises(LayerNotFound, match="hidden"):
        recording.tensor("hiden", "gradients")


def test_kinds_choose_which_tensors_are_kept_and_vitals_are_of_all() -> None:
    recording = stepped(networks.mlp(), kinds=["gradients"]).recording
    assert recording.tensor_steps("hidden", "gradients").tolist() == [1]
    assert recording.tensor_steps("hidden", "weights").tolist() == []
    assert len(recording.vitals("hidden", "weights")) == 1


def test_probe_keeps_the_first_samples_of_the_batch() -> None:
    recording = stepped(networks.mlp(), samples=3).recording
    assert recording.tensor("hidden", "activations").shape == (3, 8)
    assert len(recording.labels(1)) == 3


def test_own_batch_of_the_probe_is_read_in_inference_mode() -> None:
    network = networks.mlp()
    fixed = networks.features(2) * 3
    with network.session(probe=Probe(every=1, data=fixed)) as session:
        before = network.model.layers[0](fixed).numpy()
        session.step()
        read = session.recording.tensor("drop", "activations", variable="data")
    np.testing.assert_allclose(read, before, rtol=1e-6)


# --- every optimizer ---


def test_K09_gradients_of_two_optimizers_in_a_step_are_all_read() -> None:
    network = networks.own_step()
    assert len(find_optimizers(network.model)) == 2
    with network.session(probe=Probe(every=1)) as session:
        report = session.step()
        assert report.updates == 4
        for path in ("body", "head"):
            before = session.recording.tensor(path, "weights", 0)
            expected = before - {"body": 0.05, "head": 0.1}[path] * session.recording.tensor(path, "gradients")
            np.testing.assert_allclose(session.recording.tensor(path, "weights"), expected, rtol=1e-5, atol=1e-7)
        assert session.batch_loss == session.logs["loss"]


# --- no trace ---


def test_taps_are_gone_after_the_block_also_when_it_fails() -> None:
    network = networks.mlp()
    objects = [network.model, network.model.optimizer, *network.model.layers]
    before = [dict(vars(thing)) for thing in objects]
    entries = walk(network.model)

    def failing() -> None:
        with Taps(network.model, entries):
            assert "call" in vars(network.model.layers[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    for thing, attributes in zip(objects, before, strict=True):
        assert vars(thing).keys() == attributes.keys()


def test_call_that_the_user_set_on_a_layer_comes_back() -> None:
    network = networks.line()
    layer = network.model.layers[0]
    own = layer.call
    object.__setattr__(layer, "call", own)
    with Taps(network.model, walk(network.model)):
        assert vars(layer)["call"] is not own
    assert vars(layer)["call"] is own


def test_call_from_another_thread_is_not_noted() -> None:
    import threading

    network = networks.line()
    with Taps(network.model, walk(network.model)) as taps:
        thread = threading.Thread(target=network.model, args=(networks.features(1),))
        thread.start()
        thread.join()
        assert taps.outputs == {}
        network.model(networks.features(1))
        assert list(taps.outputs) == ["d"]


def test_errors_of_keras_name_the_arguments_of_the_users_own_call() -> None:
    """A tap has the signature of the call that it stands for."""
    network = networks.line()
    with (
        Taps(network.model, walk(network.model)),
        pytest.raises(Exception, match="unexpected keyword argument 'wrong'"),
    ):
        network.model.layers[0](networks.features(1), wrong=1)


def test_tensor_aside_has_readers_of_its_own() -> None:
    """The reader of the copy is no reader of the product that training uses."""
    import tensorflow as tf

    with tf.Graph().as_default():
        a, b = tf.compat.v1.placeholder(tf.float32, (3,)), tf.compat.v1.placeholder(tf.float32, (3,))
        product = a * b
        copy = aside(product)
        assert copy.op.type == "Mul"
        assert product.consumers() == []
        assert [t.name for t in copy.op.inputs] == [a.name, b.name]
        other = tf.exp(product)
        assert aside(other) is other
    eager = tf.constant(1.0)
    assert aside(eager) is eager
