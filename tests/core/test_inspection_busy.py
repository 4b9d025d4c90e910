"""A session whose Run is pressed while its model is being inspected."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.inspection import Inspection
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import SessionBusy

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


def test_an_inspection_that_fails_lets_the_session_go_on() -> None:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with Session(model, X, np.zeros((4, 2)), batch_size=2, verbose=0) as session:
        with pytest.raises(Exception, match="shape"):
            Inspection(model, np.ones((4, 5), "float32"))
        session.step()
        assert session.step_index == 1
