"""Callbacks, validation and history are those of `fit`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.core import networks
from tests.core.networks import STEPS_PER_EPOCH, assert_same_weights, weights_of
from tests.core.sessions import Journal
from tests.waiting import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable


def early_stopping() -> list[Any]:
    import keras

    return [keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=10.0)]


def slower() -> list[Any]:
    import keras

    return [keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=1, min_delta=1.0, factor=0.5)]


def stopping_in_mid_epoch() -> list[Any]:
    import keras

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.stop_training = True

    return [Stop()]


COPYING = "ignore:.*__array__ implementation doesn't accept a copy keyword"
"""Keras' own way to read a learning rate, in `fit` as well."""


@pytest.mark.filterwarnings(COPYING)
@pytest.mark.parametrize("make", [list, early_stopping, slower, stopping_in_mid_epoch])
def test_callbacks_are_called_as_often_and_with_the_same_logs_as_in_fit(make: Callable[[], list[Any]]) -> None:
    validation = {"validation_data": (networks.features(6), networks.features(6, 2))}
    by_fit, network = networks.line(), networks.line()
    expected, journal = Journal(), Journal()
    history = by_fit.fit(callbacks=[*make(), expected.callback()], **validation).history
    with network.session(callbacks=[*make(), journal.callback()], **validation) as session:
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "finished"
        assert session.history == history
    assert journal.calls == expected.calls
    assert_same_weights(weights_of(network.model), weights_of(by_fit.model))


@pytest.mark.filterwarnings(COPYING)
def test_restored_epoch_of_a_backup_is_where_training_begins(tmp_path: Path) -> None:
    """`BackupAndRestore` tells `fit` to begin later; it must tell a session as well."""
    import keras

    def backup(name: str) -> list[Any]:
        return [keras.callbacks.BackupAndRestore(tmp_path / name, delete_checkpoint=False)]

    by_fit = networks.line()
    by_fit.fit(epochs=2, callbacks=backup("fit"))
    expected = by_fit.fit(epochs=3, callbacks=backup("fit")).history

    network = networks.line()
    network.fit(epochs=2, callbacks=backup("session"))
    with network.session(epochs=3, callbacks=backup("session")) as session:
        session.run()
        assert session.wait(LIMIT_S)
        assert session.history == expected
        assert session.epoch == 2


def test_rate_leaves_validation_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock on which a step takes a quarter of a second and a validation 100 seconds."""
    import keras

    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("nnviz_widgets.core.worker.time", SimpleNamespace(perf_counter=lambda: now[0]))
    slow = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: wait(0.25))
    slow.on_test_begin = lambda logs=None: wait(100.0)
    validation_data = (networks.features(6), networks.features(6, 2))
    with networks.line().session(callbacks=[slow], validation_data=validation_data) as session:
        session.run(until=STEPS_PER_EPOCH + 2)
        session.wait(LIMIT_S)
        assert now[0] == 100.0 + 0.25 * (STEPS_PER_EPOCH + 2)
        assert session.steps_per_second == 4.0


def test_validation_runs_within_the_step_that_ends_the_epoch() -> None:
    arguments = {"validation_data": (networks.features(6), networks.features(6, 2))}
    with networks.line().session(**arguments) as session:
        session.step(STEPS_PER_EPOCH)
        assert "val_loss" in session.history
        metrics = session.recording.metrics
        assert metrics["val_loss"].notna().tolist() == [False, False, True]
        assert metrics["val_loss"].iloc[-1] == session.history["val_loss"][0]
