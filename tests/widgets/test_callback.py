"""A `fit` with the callback in a notebook: the view shows itself, and has buttons once a page was heard."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.widgets import callback as callback_module
from nnviz_widgets.widgets import live_fit
from tests.widgets.fakes import Page, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAPS = ("activations", "weights", "gradients")


class Cell:
    """A cell that runs `fit`, on a thread of its own."""

    def __init__(self, shown: list[Any], **arguments: Any) -> None:
        import keras

        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((12,)),
                keras.layers.Dense(8, activation="relu", name="hidden"),
                keras.layers.Dense(3, activation="softmax", name="digits"),
            ]
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        x, y = np.random.default_rng(0).random((64, 12)).astype("f4"), np.arange(64) % 3
        self.inspect = nnviz.InspectCallback()
        arguments = {"batch_size": 8, "epochs": 10**9, "verbose": 0, "callbacks": [self.inspect], **arguments}
        self.thread = threading.Thread(target=lambda: model.fit(x, y, **arguments))
        self.thread.start()
        until(lambda: bool(shown), 60)
        (self.inspector,) = shown

    @property
    def session(self) -> Any:
        return self.inspect.session

    @property
    def status(self) -> Any:
        return self.inspector._status

    def end(self) -> None:
        self.session.close()
        self.thread.join(60)
        assert not self.thread.is_alive()


@pytest.fixture
def cell(stub_front_end: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Cell]]:
    """Runs cells in what seems a notebook."""
    pytest.importorskip("keras")
    made: list[Cell] = []
    shown: list[Any] = []
    monkeypatch.setattr(callback_module, "in_kernel", lambda: True)
    monkeypatch.setattr(live_fit, "display", shown.append)

    def run(**arguments: Any) -> Cell:
        made.append(Cell(shown, **arguments))
        return made[-1]

    yield run
    for each in made:
        each.end()
        each.inspector.close()


def test_a_person_pauses_steps_runs_and_stops(cell: Callable[..., Cell]) -> None:
    """The page that greets the kernel gets its buttons, and they work while `fit` blocks its thread."""
    training = cell()
    assert training.status["controls"] is False
    page = Page(training.inspector)
    assert page.reply(page.ready())["ok"]
    page.watch(*MAPS)
    until(lambda: training.status["controls"] is True)
    until(lambda: len(page.poll()) >= 5, 60)
    assert page.reply(page.ask("pause"))["ok"]
    until(lambda: training.status["state"] == "paused", 60)
    at = training.session.step_index
    until(lambda: page.poll()[-1][0]["step"] == at and page.frames[-1][0]["planes"][1]["encoding"] == "f32")
    frame, buffers = page.frames[-1]
    for plane, kind in zip(frame["planes"], MAPS, strict=True):
        expected = training.inspect.recording.tensor("hidden", kind, at).astype("<f4").tobytes()
        assert buffers[plane["buffer"]] == expected
    assert page.reply(page.ask("step", n=3))["ok"]
    until(lambda: training.session.step_index == at + 3 and training.session.state == "paused")
    assert page.reply(page.ask("run"))["ok"]
    until(lambda: training.session.step_index > at + 20)
    assert page.reply(page.ask("stop"))["ok"]
    training.thread.join(60)
    until(lambda: training.status["state"] == "finished")
    assert (training.status["stopped"], training.status["controls"]) == (True, True)


def test_C18_where_nothing_is_heard_there_are_no_buttons_and_words_once(
    cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The status moves all the same; once the cell has ended the page is heard, and sees the run."""
    monkeypatch.setattr(live_fit, "PATIENCE_S", 0.0)
    monkeypatch.setattr(live_fit, "STATUS_S", 0.0)
    training = cell(epochs=3)
    training.thread.join(60)
    assert not training.thread.is_alive()
    statuses = [data["state"]["_status"] for _, data, _ in training.inspector.comm.sent if "_status" in data["state"]]
    live = [status for status in statuses if status["state"] == "running"]
    assert len(live) > 3
    assert {status["controls"] for status in live} == {False}
    assert [status["step"] for status in live] == sorted(status["step"] for status in live)
    assert capsys.readouterr().out == live_fit.NO_BUTTONS + "\n"
    page = Page(training.inspector)
    page.ready()
    page.watch(*MAPS)
    until(lambda: bool(page.poll()) and training.status["state"] == "finished")
    assert page.frames[-1][0]["step"] == 24


def test_C18_training_waits_for_no_page(cell: Callable[..., Cell], capsys: pytest.CaptureFixture[str]) -> None:
    training = cell(epochs=2)
    training.thread.join(live_fit.PATIENCE_S * 6)
    assert training.session.step_index == 16
    assert capsys.readouterr().out == ""


def test_the_session_shows_the_view_that_is_there(cell: Callable[..., Cell]) -> None:
    training = cell(epochs=1)
    training.thread.join(60)
    bundle, _ = training.session._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == training.inspector.model_id
    assert repr(training.session).startswith("<FitSession 'sequential")
    training.session.cursor.step = 3
    assert training.inspector.cursor is training.session.cursor
