"""A model that is changed between two runs: the step is built anew, once, and the recording says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from tests.core import networks
from tests.core.networks import Network, assert_same_weights, weights_of
from tests.waiting import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.session import Session


def notices(session: Session) -> list[str]:
    return [text for _, name, text in session.recording.events if name == "notice"]


def compiled_anew(model: Any) -> None:
    import keras

    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])


def frozen(model: Any) -> None:
    model.layers[0].trainable = False


def frozen_and_compiled(model: Any) -> None:
    frozen(model)
    compiled_anew(model)


def with_another_layer(model: Any) -> None:
    import keras

    head = keras.layers.Dense(3, activation="softmax", name="head", kernel_initializer=keras.initializers.Ones())
    model.add(head)
    compiled_anew(model)


CHANGES: dict[str, tuple[Callable[[Any], None], list[str]]] = {
    "compiled": (compiled_anew, ["the model was compiled anew"]),
    "frozen": (frozen, ["'hidden' is frozen now"]),
    "frozen and compiled": (frozen_and_compiled, ["the model was compiled anew", "'hidden' is frozen now"]),
    "layer added": (with_another_layer, ["the model was compiled anew", "'head' was added"]),
}


def two_epochs_of_fit(network: Network, change: Callable[[Any], None]) -> None:
    """Train with `fit`, with the change and a new function between two epochs."""
    network.fit(epochs=1)
    change(network.model)
    network.model.make_train_function(force=True)
    network.fit(epochs=1)


@pytest.mark.parametrize("name", CHANGES)
def test_K08_a_change_between_two_runs_is_noticed_and_the_step_built_anew_once(name: str) -> None:
    """The numbers are those of a `fit` that is changed at the same place."""
    change, sentences = CHANGES[name]
    by_fit, network = networks.mlp(), networks.mlp()
    two_epochs_of_fit(by_fit, change)
    with network.session(probe=Probe(every=1), epochs=2, shuffle=True) as session:
        session.run(until="epoch")
        assert session.wait(LIMIT_S)
        change(network.model)
        session.step()
        functions = session._training.functions
        built, n_traces = dict(functions._compiled), functions.n_traces
        assert len(built) == 1, "one form is in use"
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "finished"
        assert functions._compiled == built
        assert functions.n_traces == n_traces
        said = "after step 3 the model changed, and the step was built anew: " + "; ".join(sentences)
        assert notices(session) == [said]
        assert session.step_index == 6
    assert_same_weights(weights_of(network.model), weights_of(by_fit.model))


def test_K08_a_frozen_layer_says_so_and_one_that_is_new_is_read() -> None:
    network = networks.mlp()
    with network.session(probe=Probe(every=1)) as session:
        session.step(2)
        assert session.recording.why("hidden", "gradients") is None
        frozen(network.model)
        with_another_layer(network.model)
        session.step()
        recording = session.recording
        assert "frozen" in recording.catalogue.reasons["hidden", "gradients"]
        assert recording.tensor_steps("hidden", "gradients").tolist() == [1, 2], "what was read stays"
        assert recording.tensor_steps("hidden", "weights").tolist() == [0, 1, 2, 3]
        assert recording.tensor("head", "gradients").shape == (3, 3)
        np.testing.assert_array_equal(
            recording.tensor("hidden", "weights", 3), recording.tensor("hidden", "weights", 2)
        )


def test_K08_what_is_no_change_builds_nothing() -> None:
    """Another learning rate, weights and a metric's state are values, not code."""
    network = networks.mlp()
    with network.session(probe=Probe(every=1)) as session:
        session.step()
        network.model.optimizer.learning_rate = 0.5
        network.model.layers[0].kernel.assign(np.ones((5, 8)))
        network.model.predict(network.x, verbose=0)
        n_traces = session._training.functions.n_traces
        session.step(3)
        assert session._training.functions.n_traces == n_traces
        assert notices(session) == []


def with_a_layer_that_no_optimizer_knows(model: Any) -> None:
    import keras

    model.add(keras.layers.Dense(3, activation="softmax", name="head"))


def _of_the_first_layer(model: Any) -> list[np.ndarray]:
    return [variable.numpy() for variable in (*model.layers[0].variables, *model.optimizer.variables)]


@pytest.mark.parametrize("probe", [Probe(every=1), Probe(every=2), Probe(layers=())])
def test_K08_a_layer_added_without_compile_changes_nothing_in_fit_nor_here_and_is_told(probe: Probe) -> None:
    """Keras keeps the function that it traced. It could not trace another: the optimizer does not know the layer."""
    by_fit, network = networks.mlp(), networks.mlp()
    by_fit.fit(epochs=1)
    with_a_layer_that_no_optimizer_knows(by_fit.model)
    by_fit.fit(epochs=2, initial_epoch=1)
    with network.session(probe=probe, epochs=2, shuffle=True) as session:
        session.run(until="epoch")
        assert session.wait(LIMIT_S)
        with_a_layer_that_no_optimizer_knows(network.model)
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "finished", session.error
        (said,) = notices(session)
        assert said.startswith(
            "after step 3 the model changed, but the step stays what it was, as it does in fit until the model is "
            "compiled anew: 'head' was added (ValueError: Unknown variable"
        )
        assert session.step_index == 6
    assert_same_weights(*(_of_the_first_layer(one.model) for one in (network, by_fit)))


def test_K08_a_layer_added_without_compile_is_trained_once_the_model_is_compiled() -> None:
    network = networks.mlp()
    with network.session(probe=Probe(every=1)) as session:
        session.step()
        with_a_layer_that_no_optimizer_knows(network.model)
        session.step()
        compiled_anew(network.model)
        session.step()
        assert "and the step was built anew: the model was compiled anew" in notices(session)[1]
        assert session.recording.tensor_steps("head", "gradients").tolist() == [3]


def test_K08_keras_lets_no_layer_be_added_to_a_built_model_of_the_users_own() -> None:
    import keras

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = keras.layers.Dense(3, name="first")

        def call(self, x: Any) -> Any:
            return self.first(x)

    model = Own()
    model.compile("sgd", "mse")
    with Network(model, networks.features(), networks.features(width=3)).session(probe=Probe(every=1)) as session:
        session.step()
        with pytest.raises(ValueError, match="cannot add new elements of state"):
            model.second = keras.layers.Dense(3, name="second")
        session.step()
        assert notices(session) == []


@pytest.mark.filterwarnings("ignore:.*trained outside the session")
def test_K08_training_beside_the_session_is_still_told_from_another_optimizer() -> None:
    network = networks.mlp()
    with network.session(probe=Probe(every=1)) as session:
        session.step()
        compiled_anew(network.model)
        network.fit(epochs=1)
        session.step()
        assert len(notices(session)) == 2
        assert "trained outside" in notices(session)[0]


def quantized(model: Any) -> None:
    model.quantize("int8", filters="out")


def adapted(model: Any) -> None:
    model.layers[-1].enable_lora(2)
    compiled_anew(model)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_K20_a_quantized_layer_is_noticed_and_read_where_keras_runs_it() -> None:
    network = networks.mlp()
    with network.session(probe=Probe(every=1)) as session:
        session.step(2)
        quantized(network.model)
        compiled_anew(network.model)
        session.step()
        assert session.state == "paused"
        assert "'out' now runs quantized_call (int8)" in notices(session)[0]
        recording = session.recording
        assert recording.tensor_steps("out", "activations").tolist() == [1, 2, 3]
        assert recording.tensor("out", "weights").dtype == np.int8
        layer = network.model.layers[-1]
        np.testing.assert_allclose(recording.tensor("out", "activations").sum(axis=1), 1, rtol=1e-5)
        assert "call" not in vars(layer)
        assert "quantized_call" not in vars(layer)


def test_K20_a_lora_adapter_is_noticed_and_its_weights_are_read() -> None:
    network = networks.mlp()
    with network.session(probe=Probe(every=1)) as session:
        session.step(2)
        adapted(network.model)
        session.step()
        assert "'out' has a LoRA adapter now" in notices(session)[0]
        recording = session.recording
        assert recording.tensor("out", "gradients", variable="lora_kernel_a").shape == (8, 2)
        assert recording.tensor_steps("out", "weights", variable="lora_kernel_b").tolist() == [3]
