"""When pages are told what, and what comes of messages that are lost: turn by turn, on a clock of the test."""

import logging

import pytest

from nnviz_widgets.widgets import streams
from nnviz_widgets.widgets.clients import FRAME_S, LOST_AFTER_S, SILENT_AFTER_S
from nnviz_widgets.widgets.streams import SERIES_S, SIGN_AFTER_S, SILENT_STATUS_S, STATUS_S
from tests.widgets.fakes import Page

MAPS = ("activations", "weights", "gradients")


def n_status(page):
    return sum("_status" in data.get("state", {}) for _, data, _ in page.comm.sent)


def n_series(page):
    return len(page.comm.customs("series"))


def run_without_acks(turns, page):
    """Train with a page that follows and acknowledges nothing, until it got all that it may."""
    page.acks = False
    turns.session.turn("running")
    page.watch(*MAPS)
    turns.train(5)
    assert len(page.poll()) == 2


def test_C01_half_of_the_frames_lost_and_yet_the_newest_is_shown(turns, looker):
    """Every second frame never arrives; a page that got none for a while asks anew, as the real one does."""
    looker.acks = False
    turns.session.turn("running")
    looker.watch(*MAPS)
    painted, seen, painted_at = [], 0, turns.clock.now
    for _ in range(400):
        turns.train(1, seconds=0.05)
        for frame, _ in looker.poll()[seen:]:
            seen += 1
            if seen % 2 == 0:
                looker.say({"kind": "ack", "client": "page", "seq": frame["seq"]})
                painted.append(frame["step"])
                painted_at = turns.clock.now
        if turns.clock.now - painted_at > LOST_AFTER_S + 0.1:
            looker.watch(*MAPS)
            painted_at = turns.clock.now
    assert len(painted) >= 20
    assert turns.session.step_index - painted[-1] <= 15


def test_C01_both_frames_on_their_way_lost(turns, looker):
    run_without_acks(turns, looker)
    looker.watch(*MAPS)
    turns.train(3)
    assert len(looker.poll()) == 2, "they may still arrive"
    turns.clock.now += LOST_AFTER_S
    looker.watch(*MAPS)
    turns.train(2)
    assert len(looker.poll()) == 4
    assert looker.frames[-1][0]["step"] == turns.session.step_index


def test_C14_a_page_can_count_the_frames_that_it_lost(turns, looker):
    """Each has the next number, also one that only asks for a sign; a page that is ready again begins anew."""
    turns.session.turn("running")
    looker.watch(*MAPS)
    for _ in range(4):
        turns.train(1)
        looker.poll()
    numbers = [frame["nth"] for frame, _ in looker.poll()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 4

    other = Page(turns.inspector, "other")
    other.ready()
    other.watch()
    for _ in range(3):
        turns.train(1, seconds=SIGN_AFTER_S)
        other.poll()
    assert [frame["nth"] for frame, _ in other.frames] == list(range(1, len(other.frames) + 1)) != []

    before = len(looker.poll())
    looker.ready()
    looker.watch(*MAPS)
    turns.take()
    assert [frame["nth"] for frame, _ in looker.poll()[before:]] == [1]


def test_C14_a_frame_that_could_not_leave_is_not_counted(turns, looker):
    looker.watch(*MAPS)
    looker.comm.fault = lambda kind, data, buffers: (_ for _ in ()).throw(OSError("full")) if buffers else None
    turns.take()
    looker.comm.fault = None
    turns.session.take_step(full=True)
    turns.take()
    assert [frame["nth"] for frame, _ in looker.poll()] == [1]


def test_C14_a_page_that_asks_again_is_told_how_it_stands_again(turns, looker):
    """The end of a run is the last that is said of it: a page that missed it believes that it is running."""
    looker.watch(*MAPS)
    turns.session.turn("finished")
    turns.take()
    turns.take(SERIES_S)
    looker.poll()
    status, series, frames = n_status(looker), n_series(looker), len(looker.poll())
    turns.take(10)
    assert (n_status(looker), n_series(looker)) == (status, series)
    looker.watch(*MAPS)
    turns.take(SERIES_S)
    turns.take(SERIES_S)
    assert (n_status(looker), n_series(looker), len(looker.poll())) == (status + 1, series + 1, frames + 1)
    looker.watch("weights")
    turns.take(SERIES_S)
    assert (n_status(looker), n_series(looker)) == (status + 1, series + 1), "it asks for something else"
    looker.watch("weights")
    looker.watch(*MAPS)
    turns.take(SERIES_S)
    turns.take(SERIES_S)
    assert (n_status(looker), n_series(looker)) == (status + 2, series + 2), "it moved on before it was told"


def test_C02_acknowledgements_twice_reordered_or_made_up_do_no_harm(turns, looker):
    run_without_acks(turns, looker)
    first, second = (frame["seq"] for frame, _ in looker.frames)
    for seq in (second, first, first, second, 10**9, 0):
        looker.say({"kind": "ack", "client": "page", "seq": seq})
    turns.train(20)
    owed = [frame["seq"] for frame, _ in looker.poll()[2:] if frame["acknowledge"]]
    assert len(owed) == 2, "never more than two on their way that ask"
    assert len(looker.frames) == 2 + 2 * 1, "it answered late, so each of them asks"


def test_C03_a_page_that_never_acknowledges_gets_two_frames_and_no_more(turns, looker):
    run_without_acks(turns, looker)
    assert set(turns.train(50)) == {frozenset()}, "the training takes no full steps for it"
    assert len(looker.poll()) == 2
    turns.take(SILENT_AFTER_S)
    series, status = n_series(looker), n_status(looker)
    turns.train(100, seconds=0.1)
    assert n_series(looker) == series
    assert n_status(looker) - status == pytest.approx(10 / SILENT_STATUS_S, abs=1), "the status goes on, slowly"
    assert len(looker.poll()) == 2
    looker.acks = True
    for _ in range(5):
        looker.poll()
        turns.train(1)
    assert len(looker.poll()) >= 6
    assert n_series(looker) > series


def test_C05_two_pages_live_and_one_goes(turns, looker):
    other = Page(turns.inspector, "other")
    other.ready()
    turns.session.turn("running")
    looker.watch(*MAPS)
    other.watch("weights", layer="digits")
    for _ in range(5):
        turns.train(1)
        looker.poll(), other.poll()
    assert {frame["layer"] for frame, _ in looker.frames} == {"hidden"}
    assert {frame["layer"] for frame, _ in other.frames} == {"digits"}
    n_other, n_page = len(other.poll()), len(looker.poll())
    assert min(n_other, n_page) >= 4
    other.say({"kind": "gone", "client": "other"})
    for _ in range(5):
        turns.train(1)
        looker.poll()
    assert len(looker.frames) >= n_page + 4
    assert len(other.poll()) == n_other


def test_a_page_without_maps_gets_series_while_it_gives_signs_of_life(turns, looker):
    turns.session.turn("running")
    for _ in range(100):
        turns.train(1, seconds=0.1)
        looker.poll()
    alive = n_series(looker)
    assert alive >= 20
    looker.acks = False
    turns.train(60, seconds=0.1)
    stopped = n_series(looker)
    turns.train(100, seconds=0.1)
    assert n_series(looker) == stopped


def test_status_comes_five_times_a_second(turns, looker):
    turns.session.turn("running")
    turns.take()
    before = n_status(looker)
    turns.train(500, seconds=0.002)
    assert n_status(looker) - before == pytest.approx(1 / STATUS_S, abs=1)


def test_the_cursor_follows_the_training_until_a_person_takes_over(turns, looker):
    cursor = turns.inspector.cursor
    turns.session.turn("running")
    turns.train(5, seconds=STATUS_S)
    assert cursor.step == 5
    cursor.step = 2
    assert not cursor.follow
    turns.train(5, seconds=STATUS_S)
    assert cursor.step == 2


def test_an_observer_that_fails_is_named_once_and_the_view_goes_on(turns, looker, caplog):
    def fails(change):
        raise KeyError("no such row")

    turns.inspector.cursor.observe(fails, "step")
    turns.session.turn("running")
    looker.watch(*MAPS)
    series = n_series(looker)
    for _ in range(5):
        turns.train(1, seconds=0.5)
        looker.poll()
    ((notice, _),) = looker.comm.customs("notice")
    assert notice["level"] == "error"
    assert notice["text"] == "An observer of `session.cursor` failed: KeyError: 'no such row'"
    assert looker.frames[-1][0]["step"] == 5
    assert n_series(looker) == series + 5
    assert turns.inspector.cursor.step == 5
    assert all(record.exc_info and record.levelno == logging.ERROR for record in caplog.records)
    assert len(caplog.records) == 5


def test_C22_one_lost_message_does_not_end_the_view(turns, looker, caplog):
    zmq = pytest.importorskip("zmq")
    failing = [3]

    def sometimes(msg_type, data, buffers):
        if failing[0]:
            failing[0] -= 1
            raise zmq.ZMQError(zmq.EAGAIN)

    looker.comm.fault = sometimes
    turns.session.turn("running")
    looker.watch(*MAPS)
    turns.train(5)
    assert failing == [0]
    turns.clock.now += LOST_AFTER_S
    looker.watch(*MAPS)
    for _ in range(5):
        turns.train(1)
        looker.poll()
    assert len(looker.frames) >= 4
    assert "was lost" in caplog.text


def test_a_fault_of_ours_is_said_once_and_the_view_goes_on(turns, looker, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("broken on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(streams, "frame_message", broken)
        looker.watch(*MAPS)
        for _ in range(3):
            turns.take(1.0)
        ((notice, _),) = looker.comm.customs("notice")
        assert "broken on purpose" in notice["text"]
    turns.take()
    assert len(looker.poll()) == 1
    assert "broken on purpose" in caplog.text


def test_frames_keep_a_beat_while_it_runs_and_the_training_reads_no_more_than_that(turns, looker):
    turns.session.turn("running")
    looker.watch(*MAPS)
    wanted = []
    for _ in range(400):
        wanted += turns.train(1, seconds=0.005)
        looker.poll()
    assert len(looker.frames) == pytest.approx(2.0 / FRAME_S, abs=3)
    assert sum(bool(tensors) for tensors in wanted) == pytest.approx(len(looker.frames), abs=2)


def test_another_layer_is_shown_at_once_and_not_with_the_next_beat(turns, looker):
    turns.session.turn("running")
    looker.watch(*MAPS)
    turns.train(2)
    looker.poll()
    looker.watch("weights", layer="digits")
    turns.take()
    assert looker.poll()[-1][0]["layer"] == "digits"


def test_the_value_of_the_selected_cell_comes_with_each_frame(turns, looker):
    turns.session.turn("running")
    cell = {"row": 2, "column": 1}
    limits = {"max_rows": 64, "max_cols": 64}
    maps = [{"tensor": "weights", **limits, "cell": cell}, {"tensor": "activations", **limits}]
    looker.ask("watch", layer="hidden", step=-1, sample=0, maps=maps)
    turns.train(3)
    weights, activations = looker.poll()[-1][0]["planes"]
    kept = turns.session.recording.tensor("hidden", "weights")
    assert weights["value"] == {**cell, "text": str(kept[2, 1])}
    assert activations["value"] is None


@pytest.mark.parametrize("state", ["running", "paused"])
def test_C04_after_a_fast_drag_frames_go_on_at_once(turns, looker, state):
    """What a slider asks for need not wait for the beat, and must not be paid for afterwards."""
    turns.session.turn(state)
    turns.train(1)
    for i in range(300):
        looker.watch(*MAPS, sample=i % 3)
        turns.take(1 / 60)
        looker.poll()
    turns.session.turn("running")
    turns.take()
    n_dragging = len(looker.poll())
    turns.train(10, seconds=0.01)
    assert len(looker.poll()) > n_dragging


@pytest.mark.parametrize("step_s", [0.005, 0.05, 1.0, 10.0])
def test_C03_a_page_that_stops_painting_gets_what_two_seconds_hold(turns, looker, step_s):
    turns.session.turn("running")
    looker.watch(*MAPS)
    for _ in range(300):
        turns.train(1, seconds=0.03)
        looker.poll()
    looker.acks = False
    n_painted = len(looker.frames)
    turns.train(5 + int(10 / step_s), seconds=step_s)
    assert len(looker.poll()) - n_painted <= 3 + 2 / max(step_s, FRAME_S)
    assert set(turns.train(5, seconds=step_s)) == {frozenset()}


def test_L02_a_page_that_slept_for_half_an_hour_gets_everything_again_on_its_first_credit(turns, looker):
    """The socket closed with two frames on their way; the page wakes, and asks again for what it shows."""
    turns.session.turn("running")
    looker.watch(*MAPS)
    for _ in range(60):  # it keeps up, and so is trusted with bursts
        turns.train(1)
        looker.poll()
    (client,) = turns.inspector._publisher.clients.snapshot()
    assert client.credit._burst > 8
    looker.acks = False
    turns.train(200)
    lost = len(looker.poll())
    assert client.silent(turns.clock.now + SILENT_AFTER_S + 1)
    turns.clock.now += 1800
    assert set(turns.train(50)) == {frozenset()}, "nobody looks, so nothing is read"
    assert len(looker.poll()) == lost
    status, series = n_status(looker), n_series(looker)

    looker.acks, looker._acked = True, lost
    looker.watch(*MAPS)
    assert not client.credit.used
    turns.train(2)
    frame, _ = looker.poll()[lost:][-1]
    assert frame["step"] == turns.session.step_index
    assert frame["acknowledge"], "the trust begins anew"
    turns.take(SERIES_S)
    turns.take(SERIES_S)
    assert (n_status(looker) > status, n_series(looker) > series) == (True, True)
    before = len(looker.frames)
    for _ in range(40):
        turns.train(1)
        looker.poll()
    assert len(looker.frames) >= before + 30, "and it follows as before"


def test_L02_a_page_that_woke_may_first_acknowledge_what_it_had_before(turns, looker):
    run_without_acks(turns, looker)
    turns.clock.now += 1800
    for frame, _ in looker.frames:
        looker.say({"kind": "ack", "client": "page", "seq": frame["seq"]})
    turns.train(3)
    assert [frame["acknowledge"] for frame, _ in looker.poll()[2:]] == [True, True], "it was late, so each is asked for"
    assert looker.frames[-1][0]["step"] == turns.session.step_index
