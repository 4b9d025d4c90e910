"""A `fit` with the callback in a notebook: the view shows itself, and has buttons once a page was heard."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.widgets import callback as callback_module
from nnviz_widgets.widgets import live_fit
from tests.waiting import ended, until
from tests.widgets.fakes import Page
from tests.widgets.networks import BATCH_SIZE, STEPS_PER_EPOCH, digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAPS = ("activations", "weights", "gradients")


class Output:
    """Stands for the output of a cell that can be changed later: `IPython.display.DisplayHandle`."""

    made: ClassVar[list[Output]] = []

    def display(self, inspector: Any) -> None:
        self.inspector = inspector
        self.changed: list[dict[str, Any]] = []
        self.made.append(self)

    def update(self, data: dict[str, Any], *, raw: bool) -> None:
        assert raw
        self.changed.append(data)


class Cell:
    """A cell that runs `fit`, on a thread of its own."""

    def __init__(self, inspect: Any = None, **arguments: Any) -> None:
        model, x, y = digits()
        self.inspect = nnviz.InspectCallback() if inspect is None else inspect
        n_shown = len(Output.made)
        arguments = {"batch_size": BATCH_SIZE, "epochs": 10**9, "verbose": 0, "callbacks": [self.inspect], **arguments}
        self.thread = threading.Thread(target=lambda: model.fit(x, y, **arguments))
        self.thread.start()
        until(lambda: len(Output.made) > n_shown)
        self.output = Output.made[-1]

    @property
    def inspector(self) -> Any:
        return self.output.inspector

    @property
    def session(self) -> Any:
        return self.inspect.session

    @property
    def status(self) -> Any:
        return self.inspector._status

    def end(self) -> None:
        self.session.close()
        ended(self.thread)


@pytest.fixture
def cell(stub_front_end: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Cell]]:
    """Runs cells in what seems a notebook."""
    pytest.importorskip("keras")
    made: list[Cell] = []
    monkeypatch.setattr(callback_module, "in_kernel", lambda: True)
    monkeypatch.setattr(live_fit, "DisplayHandle", Output)

    def run(inspect: Any = None, **arguments: Any) -> Cell:
        made.append(Cell(inspect, **arguments))
        return made[-1]

    yield run
    for each in made:
        each.end()
        if each.inspector is not None:
            each.inspector.close()
    Output.made.clear()
    made.clear()
    gc.collect()  # what a `fit` that was stopped leaves behind: whoever collects it later waits for its threads


def test_a_person_pauses_steps_runs_and_stops(cell: Callable[..., Cell]) -> None:
    """The page that greets the kernel gets its buttons, and they work while `fit` blocks its thread."""
    training = cell()
    assert training.status["controls"] is False
    page = Page(training.inspector)
    assert page.reply(page.ready())["ok"]
    page.watch(*MAPS)
    until(lambda: training.status["controls"] is True)
    until(lambda: len(page.poll()) >= 5)
    assert page.reply(page.ask("pause"))["ok"]
    until(lambda: training.status["state"] == "paused")
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
    ended(training.thread)
    until(lambda: training.status["state"] == "finished")
    assert (training.status["stopped"], training.status["controls"]) == (True, True)


def test_C18_where_nothing_is_heard_there_are_no_buttons_and_words_once(
    cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The status moves all the same; once the cell has ended the page is heard, and sees the run."""
    monkeypatch.setattr(live_fit, "PATIENCE_S", 0.0)
    monkeypatch.setattr(live_fit, "STATUS_S", 0.0)
    training = cell(epochs=3)
    ended(training.thread)
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
    assert page.frames[-1][0]["step"] == 3 * STEPS_PER_EPOCH


def test_C18_training_waits_for_no_page(cell: Callable[..., Cell], capsys: pytest.CaptureFixture[str]) -> None:
    training = cell(epochs=2)
    training.thread.join(live_fit.PATIENCE_S * 6)
    assert training.session.step_index == 2 * STEPS_PER_EPOCH
    assert capsys.readouterr().out == ""


def test_the_session_shows_the_view_that_is_there(cell: Callable[..., Cell]) -> None:
    training = cell(epochs=1)
    ended(training.thread)
    bundle, _ = training.session._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == training.inspector.model_id
    assert repr(training.session).startswith("<FitSession 'sequential")
    training.session.cursor.step = 3
    assert training.inspector.cursor is training.session.cursor


def test_what_an_earlier_fit_recorded_is_kept_only_by_who_holds_it(cell: Callable[..., Cell]) -> None:
    """Its view would keep it for as long as the kernel lives; a picture of its end takes the place."""
    inspect, cells, recordings = nnviz.InspectCallback(), [], []
    for _ in range(3):
        cells.append(cell(inspect, epochs=1))
        ended(cells[-1].thread)
        recordings.append(weakref.ref(inspect.recording))
    held = inspect.recording
    cells.append(cell(inspect, epochs=1))
    ended(cells[-1].thread)
    assert [len(each.output.changed) for each in cells] == [1, 1, 1, 0]
    for each in cells[:3]:
        (data,) = each.output.changed
        assert "<img" in data["text/html"]
        assert live_fit.GONE in data["text/html"]
        assert data["text/plain"].startswith("<FitSession 'sequential")
        assert each.inspector.comm is None
        each.output.inspector = None
    gc.collect()
    assert [recording() is None for recording in recordings] == [True, True, False]
    assert held.steps.size == STEPS_PER_EPOCH
    assert len(held.tensor_steps("hidden", "weights")) > 1


def test_a_view_that_a_person_has_shown_too_stays(cell: Callable[..., Cell]) -> None:
    inspect = nnviz.InspectCallback()
    first = cell(inspect, epochs=1)
    ended(first.thread)
    inspect.session._repr_mimebundle_()
    cell(inspect, epochs=1).thread.join(60)
    assert first.output.changed == []
    page = Page(first.inspector)
    assert page.reply(page.ready())["ok"]
