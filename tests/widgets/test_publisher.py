"""What a page gets, when, and what happens when it does not get it."""

from __future__ import annotations

import threading
import time

import pytest

from nnviz_widgets.protocol import MAX_FRAME_BYTES
from nnviz_widgets.widgets.inspector import Inspector
from tests.waiting import until
from tests.widgets.fakes import FakeComm, FakeSession, Page

MAPS = ("activations", "weights", "gradients")


def steps_of(page: Page) -> list[int]:
    return [frame["step"] for frame, _ in page.poll()]


def train_until(session: FakeSession, condition, seconds: float = 5.0) -> None:
    """Take steps as a worker does until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        session.take_step()
        time.sleep(0.001)


def test_a_page_that_is_ready_gets_layers_and_series(page):
    until(lambda: page.comm.customs("series") and page.comm.customs("layers"))
    ((layers, _),) = page.comm.customs("layers")
    hidden, digits = layers["layers"]
    assert (hidden["path"], hidden["summary"], hidden["n_neurons"]) == ("hidden", "Dense 12 → 8", 8)
    assert digits["tensors"] == ["weights", "activations", "gradients"]
    assert digits["reasons"] == {"activation_gradients": "the fake has none"}


def test_before_a_step_the_weights_are_there_and_the_rest_says_why(page):
    page.reply(page.watch(*MAPS, "activation_gradients"))
    until(page.poll)
    ((frame, buffers),) = page.frames
    planes = {plane["tensor"]: plane for plane in frame["planes"]}
    assert (frame["step"], frame["newest"], len(buffers)) == (0, True, 1)
    assert planes["weights"]["encoding"] == "f32"
    assert len(buffers[0]) == 12 * 8 * 4
    assert planes["activations"]["missing"] == "nothing was read yet: take a step"
    assert planes["activation_gradients"]["missing"] == "the fake has none"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("failed", "nothing was read: training has failed"),
        ("finished", "nothing was read before training ended"),
        ("running", "nothing was read yet"),
    ],
)
def test_where_no_step_can_be_taken_none_is_advised(session, page, state, words):
    page.reply(page.watch("weights", "activations"))
    until(page.poll)
    session.turn(state)
    until(lambda: len(page.poll()) == 2)
    weights, activations = page.frames[-1][0]["planes"]
    assert (weights["missing"], activations["missing"]) == (None, words)


def test_a_page_that_follows_gets_newer_and_newer_steps(session, page):
    session.turn("running")
    page.watch(*MAPS)
    train_until(session, lambda: len(page.poll()) >= 8)
    steps = steps_of(page)
    assert steps == sorted(set(steps))
    assert all(frame["labels"] == list("0123") for frame, _ in page.frames if frame["step"])
    assert {plane["encoding"] for frame, _ in page.frames if frame["step"] for plane in frame["planes"]} == {"bf16"}


def test_each_frame_costs_one_full_step(session, inspector, page):
    page.watch("weights", "gradients")
    until(page.poll)
    page.poll()
    until(lambda: len(inspector._publisher._wanted) == 2)
    assert {key.kind for key in inspector._publisher.wanted()} == {"weights", "gradients"}
    assert inspector._publisher.wanted() == frozenset(), "until it is renewed"
    session.turn("running")
    until(lambda: len(inspector._publisher._wanted) == 2)


def test_after_a_pause_the_last_frame_is_exact(session, page):
    session.turn("running")
    page.watch(*MAPS)
    train_until(session, lambda: len(page.poll()) >= 3)
    session.take_step(full=True)
    session.turn("paused")
    until(lambda: page.poll() and page.frames[-1][0]["planes"][1]["encoding"] == "f32")
    frame, buffers = page.frames[-1]
    assert frame["step"] == session.step_index
    assert buffers[1] == session.recording.tensor("hidden", "weights").astype("<f4").tobytes()


def test_a_fixed_step_shows_the_nearest_kept_one_before_it(session, page):
    for step in range(1, 8):
        session.take_step(full=step in (2, 5))
    page.reply(page.watch(*MAPS, step=4))
    until(page.poll)
    assert (page.frames[-1][0]["step"], page.frames[-1][0]["newest"]) == (2, False)
    page.watch(*MAPS, step=5)
    until(lambda: steps_of(page)[-1] == 5)
    assert session.take_step() == frozenset(), "a page that looks back wants no new tensors"


def test_a_hidden_page_costs_the_training_nothing(session, page):
    page.reply(page.watch())
    session.turn("running")
    assert not any(session.take_step() for _ in range(20))


@pytest.mark.soak
def test_C03_memory_stays_flat_for_half_an_hour(session, page):
    import psutil

    page.acks = False
    session.turn("running")
    page.watch(*MAPS)
    process = psutil.Process()
    session.recording.budget_bytes = 1 << 20
    end = time.monotonic() + 1800
    train_until(session, lambda: session.step_index > 5000, seconds=60)
    page.comm.sent.clear()
    before = process.memory_info().rss - session.recording.n_bytes
    while time.monotonic() < end:
        session.take_step()
        time.sleep(0.002)
        if len(page.comm.sent) > 1000:
            page.comm.sent.clear()
    # The metrics of every step are kept: what the recording says that it holds is its own.
    assert process.memory_info().rss - session.recording.n_bytes - before < 16 << 20


def test_C04_a_reloaded_page_gets_everything_again(session, inspector, page):
    session.turn("running")
    page.watch(*MAPS)
    train_until(session, lambda: len(page.poll()) >= 3)
    before = len(page.comm.sent)
    again = Page(inspector, "reloaded")
    again.reply(again.ready())
    again.watch(*MAPS)
    until(again.poll)
    assert again.frames[-1][0]["step"] >= page.frames[-1][0]["step"]

    def sent() -> set[str]:
        return {data["content"]["kind"] for _, data, _ in page.comm.sent[before:] if data.get("method") == "custom"}

    until(lambda: {"layers", "series", "frame"} <= sent())
    until(lambda: inspector.get_state()["_status"]["step"] > 0)


def test_pages_that_were_reloaded_without_goodbye_are_forgotten(inspector):
    for number in range(40):
        Page(inspector, f"page {number}").ready()
    names = [client.name for client in inspector._publisher.clients.snapshot()]
    assert len(names) == 16
    assert "page 39" in names


def test_status_comes_at_once_when_the_state_changes(session, page):
    until(lambda: page.inspector._status["state"] == "idle")
    started = time.monotonic()
    session.turn("running")
    until(lambda: page.inspector._status["state"] == "running")
    assert time.monotonic() - started < 0.25


def test_the_last_series_has_the_last_step(session, page):
    session.turn("running")
    for _ in range(30):
        session.take_step()
    session.turn("finished")
    until(lambda: [series["last_step"] for series, _ in page.comm.customs("series")][-1:] == [30])


def test_no_message_is_larger_than_allowed(make_inspector, session):
    from tests.widgets.fakes import dense_catalogue

    session = FakeSession(dense_catalogue(2000, 1500, 3))
    inspector = make_inspector(session)
    page = Page(inspector)
    page.ready()
    session.take_step(full=True)
    page.watch(*MAPS, max_rows=2000, max_cols=2000)
    until(page.poll)
    frame, buffers = page.frames[-1]
    assert sum(map(len, buffers)) <= MAX_FRAME_BYTES
    small, *large = (plane["rows"] * plane["cols"] for plane in frame["planes"])
    assert small == 4 * 1500, "the small one keeps its size"
    assert min(large) > 150_000


def test_C20_closed_while_training(session, inspector, page):
    session.turn("running")
    page.watch(*MAPS)
    train_until(session, lambda: len(page.poll()) >= 3)
    inspector.close()
    inspector.close()
    assert session.viewers == []
    assert not [thread for thread in threading.enumerate() if thread.name == "nnviz publisher"]
    session.take_step()


def test_C22_the_socket_is_gone_during_a_send(session, inspector, page):
    zmq = pytest.importorskip("zmq")

    def gone(msg_type: str, data: object, buffers: object) -> None:
        raise zmq.ZMQError(zmq.ENOTSOCK)

    comm: FakeComm = page.comm
    session.turn("running")
    page.watch(*MAPS)
    train_until(session, lambda: len(page.poll()) >= 2)
    comm.fault = gone
    train_until(session, lambda: not inspector._publisher._thread.is_alive())
    assert session.take_step() == frozenset()
    assert session.recording.steps[-1] == session.step_index
    comm.fault = None
    inspector.close()


def test_a_recording_alone_can_be_looked_at(make_inspector, session):
    for _ in range(3):
        session.take_step(full=True)
    inspector: Inspector = make_inspector(session.recording)
    page = Page(inspector)
    page.ready()
    page.watch(*MAPS)
    until(page.poll)
    assert page.frames[-1][0]["step"] == 3
    reply = page.reply(page.ask("run"))
    assert not reply["ok"]
    assert "recording" in reply["error"]
    assert inspector._status["source"] == "recording"


def test_a_page_that_turns_elsewhere_while_its_frame_is_drawn_gets_the_new_one(session, page, monkeypatch):
    from nnviz_widgets.widgets import streams

    draw = streams.frame_message
    turned = []

    def slow(*args, **kwargs):
        if not turned:
            turned.append(page.watch("weights", layer="digits"))
        return draw(*args, **kwargs)

    monkeypatch.setattr(streams, "frame_message", slow)
    page.watch("weights", layer="hidden")
    until(page.poll)
    assert [frame["layer"] for frame, _ in page.frames] == ["digits"]
    plane = page.frames[-1][0]["planes"][0]
    assert plane["shape"] == [8, 3]


def test_a_page_may_ask_for_the_same_again(session, page):
    """A page that asks anew, because it lost what it got, is answered although nothing changed."""
    page.watch("weights")
    until(lambda: len(page.poll()) == 1)
    page.watch("weights")
    until(lambda: len(page.poll()) == 2)
