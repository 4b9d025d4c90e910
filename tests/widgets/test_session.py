"""The widgets on a real session: Keras trains on its own thread, a page looks on."""

import base64
import gc
import json
import threading
import time
import weakref

import ipywidgets
import numpy as np
import pytest

from nnviz_widgets.errors import LayerNotFound
from nnviz_widgets.sharing import page as page_module
from nnviz_widgets.widgets.options import options
from tests.waiting import ended, until
from tests.widgets.fakes import Page
from tests.widgets.networks import BATCH_SIZE, digits

MAPS = ("activations", "weights", "gradients")


@pytest.fixture
def make_session(stub_front_end):
    pytest.importorskip("keras")
    from nnviz_widgets.widgets.session import TrainingSession

    made = []

    def make(**arguments):
        model, x, y = digits()
        made.append(TrainingSession(model, x, y, batch_size=BATCH_SIZE, epochs=500, verbose=0, **arguments))
        return made[-1]

    yield make
    for session in made:
        session.close()


@pytest.fixture
def training(make_session):
    return make_session()


def test_a_person_presses_run_and_pause(training):
    inspector = training.inspector()
    page = Page(inspector)
    page.ready()
    page.watch(*MAPS)
    assert page.reply(page.ask("run"))["ok"]
    until(lambda: len(page.poll()) >= 10)
    assert page.reply(page.ask("pause"))["ok"]
    assert training.wait(20)
    last = training.step_index
    until(lambda: page.poll()[-1][0]["step"] == last and page.frames[-1][0]["planes"][1]["encoding"] == "f32")
    frame, buffers = page.frames[-1]
    for plane, kind in zip(frame["planes"], MAPS, strict=True):
        assert plane["missing"] is None
        assert buffers[plane["buffer"]] == training.recording.tensor("hidden", kind, last).astype("<f4").tobytes()
    steps = [frame["step"] for frame, _ in page.frames]
    assert steps == sorted(steps)
    until(lambda: inspector._status["state"] == "paused" and inspector._status["step"] == last)
    until(lambda: inspector.cursor.step == last)
    until(lambda: [series["last_step"] for series, _ in page.comm.customs("series")][-1:] == [last])
    inspector.close()


def test_a_person_steps(training):
    inspector = training.inspector()
    page = Page(inspector)
    page.ready()
    page.watch(*MAPS, layer="digits")
    assert page.reply(page.ask("step", n=3))["ok"]
    until(lambda: training.state == "paused")
    until(lambda: page.poll() and page.frames[-1][0]["step"] == 3)
    inspector.close()


def test_the_cursor_needs_no_widget(training):
    training.step(4)
    cursor = training.cursor
    assert cursor is training.cursor
    cursor.step = 3
    assert (cursor.step, cursor.layer, cursor.follow) == (3, "hidden", False)
    cursor.layer_index = 1
    assert cursor.layer == "digits"
    with pytest.raises(LayerNotFound, match="digits"):
        cursor.layer = "digit"


def test_the_session_shows_itself_and_a_second_cell_is_a_second_view(training):
    first, _ = training._repr_mimebundle_()
    second, _ = training._repr_mimebundle_()
    widget = "application/vnd.jupyter.widget-view+json"
    assert first[widget] == second[widget]
    assert first["text/plain"] == repr(training)
    training._shown.close()
    assert training._repr_mimebundle_()[0][widget] != first[widget]


def test_the_session_is_shown_with_a_still_picture_of_where_it_stands(training):
    first, _ = training._repr_mimebundle_()
    training.step(3)
    second, metadata = training._repr_mimebundle_()
    assert "paused at step 3" in metadata["image/png"]["alt"]
    assert first["image/png"] != second["image/png"]
    assert second["text/plain"] == repr(training)


def test_the_session_is_shown_as_a_page_where_the_option_says_so(training, monkeypatch):
    monkeypatch.setattr(page_module, "page_front_end", lambda: ("say('hello')", "b {}"))
    training.step()
    with options(static=True):
        data, _ = training._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "image/png"}
    assert "<iframe" in data["text/html"]
    assert data["text/plain"] == repr(training)


def test_C20_the_widget_is_closed_while_training_runs(training):
    def look_and_close() -> weakref.ref:
        inspector = training.inspector()
        page = Page(inspector)
        page.ready()
        page.watch(*MAPS)
        training.run()
        until(lambda: len(page.poll()) >= 3)
        inspector.close()
        return weakref.ref(inspector)

    reference = look_and_close()
    at = training.step_index
    until(lambda: training.step_index > at + 20)
    assert training.state == "running"
    assert [thread.name for thread in threading.enumerate() if thread.name == "nnviz publisher"] == []
    training.pause()
    gc.collect()
    assert reference() is None


def test_C21_saved_state_holds_no_tensor_no_sample_and_no_label(training):
    """Markers in the data, in a weight and so in what is computed from them, after pages have looked at all of it."""
    marker = 7.65432109
    training._training.arguments.x[:] = marker
    training.model.layers[0].kernel.assign(np.full((12, 8), marker))
    inspector = training.inspector()
    page = Page(inspector)
    page.ready()
    page.watch(*MAPS)
    training.step(3)
    until(lambda: page.poll() and page.frames[-1][0]["step"] == 3)
    until(lambda: inspector._status["step"] == 3)
    state = ipywidgets.Widget.get_manager_state()["state"]
    for model in state.values():
        model["state"].pop("_esm", None)
        model["state"].pop("_css", None)
        assert not model.get("buffers")
    text = json.dumps(state, allow_nan=False)
    assert len(text) < 64 << 10
    assert "7.6543" not in text
    raw = np.full(2, marker, "<f4").tobytes()
    for encoded in (base64.b64encode(raw), base64.b64encode(raw[1:]), base64.b64encode(raw[2:])):
        assert encoded.decode().rstrip("=")[:6] not in text
    sent = b"".join(b"".join(buffers) for _, _, buffers in inspector.comm.sent)
    assert sent, "what the state must not hold was on the way to the page"
    inspector.close()


def test_a_failure_reaches_the_page(make_session):
    import keras

    def luckless(batch, logs):
        if batch == 2:
            raise ValueError("no luck today")

    training = make_session(callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=luckless)])
    inspector = training.inspector()
    page = Page(inspector)
    page.ready()
    page.ask("run")
    until(lambda: inspector._status["state"] == "failed")
    assert inspector._status["failure"]["title"] == "ValueError: no luck today"
    assert "luckless" in inspector._status["failure"]["traceback"]
    refused = page.reply(page.ask("run"))
    assert "no luck today" in refused["error"]
    inspector.close()


def test_C13_buttons_against_methods(training):
    """Commands of a page on another thread while the main thread pauses and steps: one after the other, no deadlock."""
    inspector = training.inspector()
    page = Page(inspector)
    page.ready()
    page.watch(*MAPS)
    training.step()
    stop = threading.Event()

    def press():
        while not stop.is_set():
            page.ask("run")
            page.poll()
            page.ask("pause")
            time.sleep(0.001)

    thread = threading.Thread(target=press)
    thread.start()
    for _ in range(30):
        training.run()
        training.pause()
    stop.set()
    ended(thread)
    training.pause()
    assert training.state in ("paused", "finished")
    steps = training.recording.steps
    np.testing.assert_array_equal(steps, np.arange(1, training.step_index + 1))
    until(lambda: len({reply["id"] for reply in page.replies()}) == page.n_asked)
    inspector.close()
