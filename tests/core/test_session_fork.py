"""A second session on a model of its own: it goes on bit by bit as the first would, and neither touches the other."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from nnviz_widgets.core.session import Session
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.errors import InvalidArgumentError, NotClonable, SessionBusy
from tests.core.networks import assert_same_weights, weights_of
from tests.core.test_session_edits import X, Y, made


def test_a_fork_goes_on_as_the_session_would() -> None:
    with made() as session:
        session.step(5)
        weights = weights_of(session.model)
        with session.fork() as fork:
            assert fork.model is not session.model
            assert (fork.state, fork.step_index, fork.epoch) == ("paused", 5, 0)
            assert (fork.batch_index, fork.total_steps, fork.name) == (4, 24, f"{session.name} fork")
            assert_same_weights(weights_of(fork.model), weights)
            fork.step(9)
            session.step(9)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))
            assert fork.recording.metrics["batch_loss"][14] == session.recording.metrics["batch_loss"][14]
            assert fork.recording.steps.tolist() == list(range(6, 15))
        session.step(1)


@pytest.mark.parametrize("seed", [None, 5], ids=["without a seed", "seeded"])
def test_it_sets_out_from_any_step_and_the_first_stays_as_it_is(seed: int | None) -> None:
    with made(seed=seed, snapshots=Snapshots(every=4)) as session:
        session.step(12)
        weights, digest = weights_of(session.model), session._training.digest()
        with session.fork(at=6, name="slow", learning_rate=0.01) as fork:
            assert (fork.step_index, fork.name) == (6, "slow")
            assert session._training.digest() == digest
            assert [entry.text for entry in fork.journal] == ["learning rate: 0.01 → 0.01"]
            fork.step(6)
            assert_same_weights(weights_of(fork.model), weights)
        with session.fork(at=6, dropout=("drop", 0.0), batch_size=16) as other:
            other.step(6)
            assert any((a != b).any() for a, b in zip(weights_of(other.model), weights, strict=True))
            assert other.batch is not None
            assert len(other.batch[0]) == 16
        assert session._training.digest() == digest


def test_a_fork_has_the_edits_of_the_step_it_sets_out_from() -> None:
    with made(snapshots=Snapshots(every=2)) as session:
        session.step(2)
        session.edit.dropout("drop", 0.0)
        session.edit.trainable("hidden", False)
        session.step(3)
        session.edit.batch_size(12)
        session.step(5)
        weights = weights_of(session.model)
        for at in (3, 6, 8, 10):
            with session.fork(at=at) as fork:
                assert fork.model.get_layer("drop").rate == 0.0
                if at == 3:
                    assert fork.total_steps == 24
                    continue
                if at < 10:
                    fork.step(10 - at)
                assert_same_weights(weights_of(fork.model), weights)
                assert fork.total_steps == session.total_steps


def test_a_fork_has_the_breakpoints() -> None:
    with made() as session:
        session.step(1)
        session.breakpoints.add("nan", once=True)
        session.breakpoints.disable(session.breakpoints.add("loss > 3", for_steps=4))
        with session.fork() as fork:
            assert [(one.condition.text, one.once, one.for_steps, one.enabled) for one in fork.breakpoints] == [
                ("nan", True, 1, True),
                ("loss > 3", False, 4, False),
            ]


def test_data_that_come_in_another_order_are_told_in_the_words_of_a_fork() -> None:
    data = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(48, seed=1).batch(8)
    with made() as plain:
        model = plain.model
    with Session(model, data, epochs=3, shuffle=False, verbose=0) as session:
        session.step(8)
        with pytest.raises(NotClonable, match="reshuffle_each_iteration=False"):
            session.fork()


def test_callbacks_are_copied_with_what_they_remember(tmp_path: Any) -> None:
    def callbacks() -> list[Any]:
        return [
            keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
            keras.callbacks.EarlyStopping("loss", patience=1, min_delta=10.0),
        ]

    with made(callbacks=callbacks(), epochs=9) as session:
        session.step(8)
        with pytest.warns(UserWarning, match="CSVLogger write to files"):
            fork = session.fork()
        with fork:
            fork.run()
            session.run()
            fork.wait()
            session.wait()
            assert fork.step_index == session.step_index == 12
            assert_same_weights(weights_of(fork.model), weights_of(session.model))


class Own(keras.Model):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = keras.layers.Dense(width, activation="relu")
        self.out = keras.layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.out(self.inner(inputs))


def own() -> Any:
    model = Own(4)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def test_a_model_without_a_configuration_is_made_by_rebuild() -> None:
    with Session(own(), X, Y.astype("float32"), batch_size=8, verbose=0) as session:
        session.step(3)
        with pytest.raises(NotClonable, match=r"Own .*Give rebuild="):
            session.fork()
        with pytest.raises(NotClonable, match="the model itself"):
            session.fork(rebuild=lambda: session.model)
        with pytest.raises(NotClonable, match="function without arguments"):
            session.fork(rebuild=own())  # type: ignore[arg-type]
        with session.fork(rebuild=own) as fork:
            fork.step(3)
            session.step(3)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))


def compiled(**given: Any) -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)], name="small")
    model.compile("sgd", **{"loss": "mse", **given})
    return model


@keras.saving.register_keras_serializable("tests")
def registered(y: Any, outputs: Any) -> Any:
    return keras.ops.mean(keras.ops.square(outputs - y))


def mean_squared_error(y: Any, outputs: Any) -> Any:
    """Have the name of one of Keras' own, which must not take its place."""
    return 3.0 * keras.ops.mean(keras.ops.square(outputs - y))


class OwnLoss(keras.losses.Loss):  # type: ignore[misc]
    def call(self, y: Any, outputs: Any) -> Any:
        return keras.ops.mean(keras.ops.square(outputs - y))


def local_function() -> Any:
    def local(y: Any, outputs: Any) -> Any:
        return keras.ops.mean(outputs - y)

    return local


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`:UserWarning")
@pytest.mark.parametrize(
    ("given", "named"),
    [
        (lambda: {"loss": local_function()}, "local()"),
        (lambda: {"loss": lambda y, outputs: keras.ops.mean(outputs - y)}, "a lambda"),
        (lambda: {"loss": mean_squared_error}, "mean_squared_error()"),
        (lambda: {"loss": OwnLoss()}, "OwnLoss"),
        (lambda: {"metrics": ["mae", local_function()]}, "local()"),
        (lambda: {"metrics": [keras.metrics.MeanMetricWrapper(local_function(), name="mine")]}, "local()"),
    ],
)
def test_a_loss_or_metric_that_only_the_users_code_has_needs_rebuild(given: Any, named: str) -> None:
    with Session(compiled(**given()), X, Y.astype("float32"), batch_size=8, verbose=0) as session:
        session.step(3)
        with pytest.raises(NotClonable) as refused:
            session.fork()
        assert f"compiled with {named}, which only your code has" in str(refused.value)
        assert "Give rebuild=, a function without arguments that makes and compiles it" in str(refused.value)
        assert "session.fork(rebuild=make)" in str(refused.value)

        def make() -> Any:  # as the message has it
            model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
            model.compile("sgd", **{"loss": "mse", **given()})
            return model

        with session.fork(rebuild=make) as fork:
            fork.step(2)
            session.step(2)
            assert_same_weights(fork.model.get_weights(), session.model.get_weights())


@pytest.mark.parametrize("loss", [registered, keras.losses.mean_squared_error, keras.losses.MeanSquaredError()])
def test_a_loss_that_keras_finds_again_needs_none(loss: Any) -> None:
    with Session(compiled(loss=loss), X, Y.astype("float32"), batch_size=8, verbose=0) as session:
        session.step(3)
        with session.fork() as fork:
            fork.step(2)
            session.step(2)
            assert_same_weights(fork.model.get_weights(), session.model.get_weights())


class Noisy(keras.Model):  # type: ignore[misc]
    """Has what is there before it is built: a random state and a variable of its own, which does not learn."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = keras.layers.Dropout(0.3)
        self.out = keras.layers.Dense(1)
        self.scale = self.add_weight(shape=(), initializer="ones", trainable=False, name="scale")

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.out(self.drop(inputs, training=training)) * self.scale


def noisy() -> Any:
    model = Noisy()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


@pytest.mark.parametrize("at", [0, 3])
def test_a_model_that_is_rebuilt_unbuilt_learns_the_same_variables(at: int) -> None:
    with Session(noisy(), X, Y.astype("float32"), batch_size=8, verbose=0) as session:
        session.step(3)
        with session.fork(at=at, rebuild=noisy) as fork:
            fork.step(6 - at)
            session.step(3)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))
            assert len(fork.model.optimizer.variables) == len(session.model.optimizer.variables)


def test_what_cannot_be_is_refused() -> None:
    with made() as session:
        with pytest.raises(SessionBusy, match="which has not"):
            session.fork()
        session.step(2)
        with pytest.raises(InvalidArgumentError, match="learning_rate"):
            session.fork(learning_rat=0.1)
        with pytest.raises(InvalidArgumentError, match="from 0 to 2"):
            session.fork(at=3)
        with pytest.raises(InvalidArgumentError, match="at least 0"):
            session.fork(learning_rate=-1)


def test_a_generator_cannot_be_read_twice() -> None:
    def endless() -> Any:
        while True:
            yield X[:8], Y[:8]

    with made() as plain:
        model = plain.model
    with Session(model, endless(), steps_per_epoch=4, shuffle=False, verbose=0) as session:
        session.step(2)
        with pytest.raises(NotClonable, match="come once"):
            session.fork()


def test_a_data_set_is_read_again_up_to_the_place() -> None:
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    with made() as plain:
        model = plain.model
    with Session(model, data, epochs=3, shuffle=False, verbose=0) as session:
        session.step(8)
        with session.fork() as fork:
            fork.step(2)
            session.step(2)
            assert_same_weights(weights_of(fork.model), weights_of(session.model))
            np.testing.assert_array_equal(fork.batch[0], session.batch[0])  # type: ignore[index]
