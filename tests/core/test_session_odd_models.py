"""Edits, scripts and forks of models and arguments that are not the usual ones."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import InvalidArgumentError, ScriptNotPossible
from tests.core.networks import assert_same_weights, weights_of
from tests.core.test_session_edits import X, Y, everything, made

if TYPE_CHECKING:
    from pathlib import Path

layers = keras.layers
TARGETS = Y.astype("float32")


def network(
    *parts: Any, optimizer: Any = "sgd", loss: Any = "mse", shape: tuple[int, ...] = (5,), **compiled: Any
) -> Any:
    model = keras.Sequential([keras.Input(shape), *parts])
    model.compile(optimizer, loss, **compiled)
    return model


def of(model: Any, x: Any = X, y: Any = TARGETS, **options: Any) -> Session:
    return Session(model, x, y, **({"batch_size": 8, "epochs": 4, "verbose": 0} | options))


def script_of(session: Session, folder: Path) -> Any:
    session.journal.to_script(folder / "odd.py")
    spec = importlib.util.spec_from_file_location("odd", folder / "odd.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def assert_repeats(session: Session, folder: Path, x: Any = X, y: Any = TARGETS, model: Any = None) -> None:
    script = script_of(session, folder)
    again = script.train(script.make_model() if model is None else model, x, y, verbose=0)
    for one, other in zip(script.variables(session.model), script.variables(again), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


RECURRENT = np.random.default_rng(1).normal(size=(48, 4, 3)).astype("float32")


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        (layers.LSTM(3, name="a"), "kernel, recurrent_kernel, bias"),
        (layers.GRU(3, name="a"), "kernel, recurrent_kernel, bias"),
        (layers.SeparableConv1D(3, 2, name="a"), "pointwise_kernel, depthwise_kernel, bias"),
        (layers.DepthwiseConv1D(2, name="a"), "kernel, bias"),
        (layers.Bidirectional(layers.LSTM(2), name="a"), "forward_lstm"),
        (layers.Conv1D(3, 2, kernel_initializer=lambda shape, dtype: keras.ops.ones(shape, dtype), name="a"), "kernel"),
    ],
    ids=["lstm", "gru", "separable", "depthwise", "bidirectional", "own initializer"],
)
def test_every_layer_of_keras_with_weights_can_be_reinitialised(layer: Any, names: str) -> None:
    with of(network(layer, layers.Flatten(), layers.Dense(1), shape=(4, 3)), RECURRENT) as session:
        session.step(1)
        before, values = everything(session), [variable.numpy() for variable in layer.variables]
        assert names in session.edit.reinitialize("a", seed=1).text
        assert any((one.numpy() != value).any() for one, value in zip(layer.variables, values, strict=True))
        if layer.name == "a" and isinstance(layer, layers.LSTM):
            assert layer.cell.bias.numpy().tolist() == [0] * 3 + [1] * 3 + [0] * 6
        session.undo()
        assert everything(session) == before


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda edit: edit.weights("hidden", None), "number or an array"),
        (lambda edit: edit.weights("hidden", "3"), "number or an array"),
        (lambda edit: edit.weights("hidden", [[1], [1, 2]]), "number or an array"),
        (lambda edit: edit.weights("hidden", 1j), "number or an array"),
        (lambda edit: edit.reinitialize("hidden", seed=-1), "`seed` must be a whole number from 0"),
        (lambda edit: edit.reinitialize("hidden", seed="a"), "`seed` must be a whole number from 0"),
        (lambda edit: edit.hyperparameter("beta_1", 2), "from 0 to 1"),
        (lambda edit: edit.hyperparameter("loss_scale_factor", 0), "above 0"),
    ],
)
def test_what_is_no_value_is_refused(wrong: Any, words: str) -> None:
    with made() as session:
        session.step(1)
        before = everything(session)
        with pytest.raises(InvalidArgumentError, match=words):
            wrong(session.edit)
        assert everything(session) == before


def test_numbers_that_are_below_zero_stay_so() -> None:
    with made(optimizer=keras.optimizers.Ftrl(0.1)) as session:
        session.step(1)
        session.edit.hyperparameter("learning_rate_power", -0.75)
        assert session.model.optimizer.learning_rate_power == -0.75
        with pytest.raises(InvalidArgumentError, match="`-value` must be a number of at least 0"):
            session.edit.hyperparameter("learning_rate_power", 0.5)


def test_weights_of_classes_of_several_outputs_are_refused_before_the_epoch() -> None:
    inputs = keras.Input((5,))
    model = keras.Model(inputs, {"p": layers.Dense(1, name="p")(inputs), "q": layers.Dense(1, name="q")(inputs)})
    model.compile("sgd", {"p": "mse", "q": "mse"})
    with of(model, X, {"p": Y, "q": Y}) as session:
        session.step(1)
        with pytest.raises(InvalidArgumentError, match=r"one array .* several"):
            session.edit.class_weight({0: 1.0})


def test_another_batch_size_from_the_first_epoch_on_is_repeated(tmp_path: Path) -> None:
    with of(network(layers.Dense(1))) as session:
        session.edit.batch_size(16)
        session.step(5)
        assert_repeats(session, tmp_path)


def test_several_steps_an_execution_are_repeated_one_by_one(tmp_path: Path) -> None:
    with of(network(layers.Dense(1), steps_per_execution=3)) as session:
        session.step(2)
        session.edit.learning_rate(0.2)
        session.step(3)
        assert_repeats(session, tmp_path)


def test_functions_of_ones_own_are_asked_for(tmp_path: Path) -> None:
    def own(true: Any, predicted: Any) -> Any:
        return keras.ops.mean((true - predicted) ** 2)

    with of(network(layers.Dense(1), loss=own)) as session:
        session.step(1)
        script = script_of(session, tmp_path)
        with pytest.raises(NotImplementedError, match="made and compiled"):
            script.make_model()
    with of(network(layers.Dense(1), loss=keras.losses.mean_absolute_error)) as session:
        session.step(1)
        assert_repeats(session, tmp_path)


def test_what_is_left_out_of_the_weight_decay_stays_so(tmp_path: Path) -> None:
    def decaying() -> Any:
        optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        return network(layers.Dense(3), layers.Dense(1), optimizer=optimizer)

    with of(decaying()) as session:
        session.step(4)
        assert_repeats(session, tmp_path, model=decaying())
        with session.fork() as fork:
            fork.step(2)
            session.step(2)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))


def test_a_fork_has_the_optimizer_as_it_is_now() -> None:
    with of(network(layers.Dense(3), layers.Dense(1), optimizer="adamw")) as session:
        session.step(2)
        session.edit.hyperparameter("beta_1", 0.5)
        assert session.edit.hyperparameter("weight_decay", None).text == "weight_decay: 0.004 → 0"
        session.step(1)
        with session.fork() as fork:
            fork.step(3)
            session.step(3)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))


def test_the_loss_is_scaled_in_script_and_fork(tmp_path: Path) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = network(layers.Dense(3, name="a"), layers.Dense(1, dtype="float32"), optimizer="adam")
    finally:
        keras.config.set_dtype_policy("float32")
    with of(model) as session:
        session.step(2)
        session.edit.hyperparameter("clipnorm", 0.5)
        session.step(2)
        assert_repeats(session, tmp_path)
        with session.fork() as fork:
            fork.step(2)
            session.step(2)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))


def test_a_fork_of_a_frozen_layer_with_layers_inside() -> None:
    model = network(layers.GRU(3, name="a"), layers.Dense(1), optimizer="adam", shape=(4, 3))
    with of(model, RECURRENT) as session:
        session.step(1)
        session.edit.trainable("a", False)
        session.step(1)
        with session.fork() as fork:
            fork.step(2)
            session.step(2)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))


def test_an_optimizer_that_knows_what_is_frozen_is_told(tmp_path: Path) -> None:
    model = network(layers.Dense(3, name="a"), layers.Dense(1), optimizer="adam")
    model.fit(X, Y, verbose=0)
    model.get_layer("a").trainable = False
    with of(model) as session:
        session.step(1)
        with pytest.raises(ScriptNotPossible, match="frozen before the first step"):
            session.journal.to_script(tmp_path / "a.py")


class Unbuilt(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.drop = layers.Dropout(0.3)
        self.out = layers.Dense(1)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.out(self.drop(inputs, training=training))


def unbuilt() -> Any:
    model = Unbuilt()
    model.compile("adam", "mse")
    return model


def test_a_script_says_that_a_model_must_be_built_and_made_as_it_was(tmp_path: Path) -> None:
    with of(unbuilt()) as session:
        session.step(4)
        script, model = script_of(session, tmp_path), unbuilt()
        with pytest.raises(ValueError, match=r"must be built\. Call it on a batch"):
            script.train(model, X, TARGETS, verbose=0)
        with pytest.raises(ValueError, match="made as it was then"):
            script.train(network(layers.Dense(2), layers.Dense(1)), X, TARGETS, verbose=0)
        model(X[:1])
        assert_repeats(session, tmp_path, model=model)


def test_a_layer_that_two_models_have_is_asked_for(tmp_path: Path) -> None:
    def shared() -> Any:
        both = layers.Dense(5, name="both")
        inner = keras.Sequential([keras.Input((5,)), both, layers.BatchNormalization()])
        inputs = keras.Input((5,))
        model = keras.Model(inputs, layers.Dense(1)(both(inner(inputs))))
        model.compile("adam", "mse")
        return model

    with of(shared()) as session:
        session.step(4)
        assert_repeats(session, tmp_path, model=shared())
    assert "raise NotImplementedError" in (tmp_path / "odd.py").read_text()


def test_the_batches_of_a_py_dataset_are_repeated_unless_keras_has_shuffled_them(tmp_path: Path) -> None:
    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            return X[8 * index : 8 * index + 8], TARGETS[8 * index : 8 * index + 8]

    with of(network(layers.Dense(1)), Batches(), None, batch_size=None) as session:
        session.step(4)
        with pytest.raises(ScriptNotPossible, match="train with shuffle=False"):
            session.journal.to_script(tmp_path / "a.py")
    with of(network(layers.Dense(1)), Batches(), None, batch_size=None, shuffle=False) as session:
        session.step(4)
        script = script_of(session, tmp_path)
        again = script.train(script.make_model(), Batches(), verbose=0)
        assert_same_weights(weights_of(again), weights_of(session.model))


class TwoOptimizers(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.one = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="a"), layers.Dropout(0.4, name="drop")])
        self.two = keras.Sequential([keras.Input((4,)), layers.Dense(1, name="b")])

    def compile(self, first: Any, second: Any) -> None:
        super().compile()
        self.first, self.second = first, second

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.two(self.one(inputs, training=training))

    def train_step(self, data: Any) -> dict[str, Any]:
        with tf.GradientTape(persistent=True) as tape:
            loss = keras.ops.mean((self(data[0], training=True) - data[1]) ** 2)
        for optimizer, part in ((self.first, self.one), (self.second, self.two)):
            if part.trainable_variables:
                optimizer.apply(tape.gradient(loss, part.trainable_variables), part.trainable_variables)
        return {"loss": loss}


def two_optimizers() -> TwoOptimizers:
    model = TwoOptimizers()
    model.compile(keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01))
    return model


def test_a_model_that_is_rebuilt_gets_the_edits_and_the_slots_of_what_is_frozen() -> None:
    with of(two_optimizers()) as session:
        session.step(1)
        session.edit.dropout("drop", 0.1)
        session.edit.trainable("a", False)
        session.step(2)
        with session.fork(rebuild=two_optimizers) as fork:
            assert fork.model.one.get_layer("drop").rate == 0.1
            fork.step(2)
            session.step(2)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))


def test_an_optimizer_that_trains_nothing_is_not_edited() -> None:
    with of(two_optimizers()) as session:
        session.step(1)
        with pytest.raises(InvalidArgumentError, match="RMSprop, which has made no update"):
            session.edit.learning_rate(0.5)
