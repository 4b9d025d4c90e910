"""A session whose buttons are pressed, or that is closed, while its model is being inspected."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.inspection import Inspection
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import SessionBusy
from tests.waiting import ended

pytest.importorskip("tensorflow")

X = np.ones((4, 3), "float32")


def test_run_and_step_are_refused_until_the_inspection_is_done() -> None:
    """The model calls back while it is inspected, as the button of a page may while a cell inspects."""
    import keras

    refused: list[str] = []
    pressing = False

    class Presses(keras.layers.Layer):
        def call(self, x):
            if pressing:
                for ask in (session.ask_run, session.ask_steps):
                    with pytest.raises(SessionBusy) as error:
                        ask()
                    refused.append(str(error.value))
            return x

    model = keras.Sequential([keras.Input((3,)), Presses(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with Session(model, X, np.zeros((4, 2)), batch_size=2, verbose=0, name="mine") as session:
        pressing = True
        Inspection(model, X)
        pressing = False
        said = "The model of session 'mine' is being inspected at this moment. Go on when that is done."
        assert set(refused) == {said}
        assert session.state == "idle"
        report = session.step()
        assert report is not None
        assert report.step == 1


def sets_weights_at_its_end() -> Any:
    import keras

    class SetsWeights(keras.callbacks.Callback):
        def on_train_end(self, logs: Any = None) -> None:
            kernel = self.model.layers[0].kernel
            kernel.assign(np.full(kernel.shape, 7.0, "float32"))

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return Session(model, X, np.zeros((4, 2)), batch_size=2, verbose=0, callbacks=[SetsWeights()], name="mine")


def test_stop_is_refused_since_the_end_of_training_may_change_weights() -> None:
    with sets_weights_at_its_end() as session:
        session.step()
        kernel = session.model.layers[0].kernel.numpy()
        with session.standing_still():
            with pytest.raises(SessionBusy, match="'mine' is being inspected at this moment"):
                session.stop()
            np.testing.assert_array_equal(session.model.layers[0].kernel.numpy(), kernel)
        session.stop()
        assert session.state == "finished"
        assert (session.model.layers[0].kernel.numpy() == 7).all()


def test_close_waits_for_the_end_of_an_inspection() -> None:
    session = sets_weights_at_its_end()
    session.step()
    kernel = session.model.layers[0].kernel.numpy()
    closing = threading.Thread(target=session.close)
    with session.standing_still():
        closing.start()
        closing.join(0.2)
        assert closing.is_alive()
        np.testing.assert_array_equal(session.model.layers[0].kernel.numpy(), kernel)
    ended(closing)
    assert (session.model.layers[0].kernel.numpy() == 7).all()


def test_an_inspection_waits_for_the_end_of_a_close() -> None:
    """The thread of the session may still be in the callbacks of the end."""
    session = sets_weights_at_its_end()
    entered, go_on = threading.Event(), threading.Event()
    callback = session._training.arguments.callbacks[0]
    set_weights = callback.on_train_end

    def slowly(logs: Any = None) -> None:
        entered.set()
        assert go_on.wait(20)
        set_weights(logs)

    callback.on_train_end = slowly
    session.step()
    closing = threading.Thread(target=session.close)
    closing.start()
    assert entered.wait(20)
    threading.Timer(0.2, go_on.set).start()
    with session.standing_still():
        assert (session.model.layers[0].kernel.numpy() == 7).all()
    ended(closing)


def test_an_inspection_that_fails_lets_the_session_go_on() -> None:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with Session(model, X, np.zeros((4, 2)), batch_size=2, verbose=0) as session:
        with pytest.raises(Exception, match="shape"):
            Inspection(model, np.ones((4, 5), "float32"))
        session.step()
        assert session.step_index == 1
