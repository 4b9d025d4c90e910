"""What is asked at the very moment at which something else ends."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import InvalidArgumentError
from tests.core import networks
from tests.waiting import ended


def session_that_lingers_at_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Session, threading.Event, threading.Event]:
    """Return a session whose worker, having decided to pause, waits for `go` after setting `there`."""
    session = networks.line().session(epochs=50)
    there, go = threading.Event(), threading.Event()
    count = session._training.n_updates

    def lingering() -> int:
        if session.step_index == 2 and not go.is_set():
            there.set()
            assert go.wait(30)
        return count()

    monkeypatch.setattr(session._training, "n_updates", lingering)
    return session, there, go


def test_run_asked_between_the_decision_to_pause_and_the_pause_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    session, there, go = session_that_lingers_at_a_pause(monkeypatch)
    with session:
        session.run(until=2)
        assert there.wait(60)
        session.run(until=5)
        go.set()
        assert session.wait(60)
        assert session.step_index == 5


def test_stop_asked_between_the_decision_to_pause_and_the_pause_ends_training(monkeypatch: pytest.MonkeyPatch) -> None:
    session, there, go = session_that_lingers_at_a_pause(monkeypatch)
    with session:
        session.run(until=2)
        assert there.wait(60)
        session.ask_stop()
        go.set()
        assert session.wait(60)
        assert session.state == "finished"


def test_pause_does_not_wait_for_the_next_slow_step() -> None:
    with networks.line().session(epochs=50) as session:
        session.step()
        session.speed = 0.01  # a step in 100 seconds
        session.run()
        began = time.monotonic()
        session.pause()
        assert session.state == "paused"
        assert session.step_index == 2
        assert time.monotonic() - began < 50


def test_a_session_that_nobody_has_any_more_is_let_go() -> None:
    session = networks.line().session()
    session.step()
    session.run(until=2)
    session.wait()
    thread = session._worker._thread
    gone = weakref.ref(session)
    del session
    for _ in range(100):
        gc.collect()
        if gone() is None:
            break
        time.sleep(0.05)  # the thread may just be looking at it
    assert gone() is None
    ended(thread)


@pytest.mark.parametrize("name", ["y", "sample_weight", "class_weight"])
def test_what_a_loader_would_leave_out_is_refused(name: str) -> None:
    class Loader:
        def __iter__(self):
            yield networks.features(4), np.zeros((4, 1))

        def __len__(self):
            return 1

    network = networks.line()
    with (
        Session(
            network.model, Loader(), verbose=0, **{name: np.ones(4) if name != "class_weight" else {0: 1.0}}
        ) as session,
        pytest.raises(InvalidArgumentError, match=name),
    ):
        session.step()


def test_watching_every_step_claims_no_cost_that_nobody_measured() -> None:
    with networks.mlp().session(probe=Probe(every=1)) as session:
        session.run()
        session.wait()
        assert session.watch_cost is None


def test_epoch_changes_when_its_first_batch_starts() -> None:
    import keras

    network = networks.mlp()
    seen: list[int] = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(session.epoch))
    session = network.session(callbacks=[callback], epochs=2)
    with session:
        session.run(until="epoch")
        session.wait()
        assert session.epoch == 0
        session.run()
        session.wait()
    assert seen == [0] * networks.STEPS_PER_EPOCH + [1] * networks.STEPS_PER_EPOCH


@pytest.mark.filterwarnings("ignore:.*ran out of data")  # as `fit` warns
def test_an_empty_data_set_ends_as_in_fit() -> None:
    import tensorflow as tf

    network = networks.mlp()
    empty = tf.data.Dataset.from_tensor_slices((network.x, network.y)).batch(8).take(0)
    with Session(network.model, empty, verbose=0, shuffle=False) as session:
        session.run()
        assert session.wait(60)
        assert (session.state, session.step_index) == ("finished", 0)


def test_a_batch_of_the_probe_that_does_not_fit_leaves_the_rest_readable() -> None:
    with networks.mlp().session(probe=Probe(every=1, data=np.zeros((2, 77), "float32"))) as session:
        session.step()
        assert session.recording.tensor("hidden", "gradients").shape == (5, 8)
        (text,) = [text for _, name, text in session.recording.events if name == "notice"]
        assert "`data` of the probe" in text
        assert "\x1b" not in text


def test_an_output_of_strings_is_named_and_trains_on() -> None:
    import keras
    import tensorflow as tf

    class Named(keras.layers.Layer):
        def call(self, x):
            return {"x": x, "name": tf.strings.as_string(x)}

    class WithNames(keras.Model):
        def __init__(self):
            super().__init__()
            self.named, self.out = Named(name="named"), keras.layers.Dense(1, name="out")

        def call(self, x):
            return self.out(self.named(x)["x"])

    model = WithNames()
    model.compile("sgd", "mse")
    with Session(model, networks.features(), networks.features(width=1), verbose=0, probe=Probe(every=1)) as session:
        session.step()
        assert session.recording.tensor("named", "activations").shape == (16, 5)


def test_a_step_without_gradients_is_no_alarm() -> None:
    import keras

    class ByHand(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = keras.layers.Dense(1, name="out")

        def call(self, x):
            return self.out(x)

        def train_step(self, data):
            x, y = data
            self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
            self.out.bias.assign_add([0.1])
            return {"loss": 0.5}

    model = ByHand()
    model.compile("sgd", "mse")
    with Session(model, networks.features(), networks.features(width=1), verbose=0) as session:
        session.run()
        session.wait()
        assert [text for _, name, text in session.recording.events if name == "notice"] == []


def test_C13_no_run_begins_while_another_thread_looks_for_training_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its steps would be taken for those of somebody who trains the model beside the session."""
    with networks.line().session() as session:
        session.step()
        look, free = session._worker.trained_outside, []

        def try_to_begin() -> None:
            free.append(session._control.changed.acquire(blocking=False))
            if free[-1]:
                session._control.changed.release()

        def looking() -> bool:
            other = threading.Thread(target=try_to_begin)
            other.start()
            other.join()
            return look()

        monkeypatch.setattr(session._worker, "trained_outside", looking)
        session.step()
    assert free[0] is False
