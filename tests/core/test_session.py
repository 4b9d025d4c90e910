"""What a session does when it is told to run, step and wait."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.session import Session, resolve_verbose
from nnviz_widgets.errors import (
    InvalidArgumentError,
    SessionBusy,
)
from tests.core import networks
from tests.core.networks import STEPS_PER_EPOCH
from tests.core.sessions import N_STEPS, endless
from tests.waiting import LIMIT_S, until


def test_new_session_is_idle_at_step_0(session: Session) -> None:
    assert session.state == "idle"
    assert (session.step_index, session.epoch, session.batch_index) == (0, 0, -1)
    assert session.logs == {}
    assert session.history == {}
    assert math.isnan(session.batch_loss)
    assert session.batch is None
    assert session.total_steps == N_STEPS
    assert session.error is None
    assert session.failure_text is None


@pytest.mark.parametrize("timeout", ["epoch", True], ids=["text", "flag"])
def test_wait_takes_seconds_only(session: Session, timeout: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"number of seconds.*Received: timeout="):
        session.wait(timeout)


def test_wait_in_idle_returns_at_once(session: Session) -> None:
    assert session.wait() is False
    assert session.state == "idle"


def test_run_returns_at_once_and_trains_to_the_end() -> None:
    with endless() as session:
        begin = time.monotonic()
        session.run()
        assert time.monotonic() - begin < 0.5
        assert session.state == "running"
        until(lambda: session.step_index > 5)
        assert session.wait(timeout=0.01) is False
        session.stop()
        assert session.state == "finished"


def test_run_until_a_step_pauses_after_it(session: Session) -> None:
    session.run(until=4)
    assert session.wait(LIMIT_S) is True
    assert session.state == "paused"
    assert (session.step_index, session.epoch, session.batch_index) == (4, 1, 0)


@pytest.mark.parametrize("k", [1, 2, np.int64(2)])
def test_run_until_a_step_that_is_reached_returns_at_once_and_says_so(session: Session, k: int) -> None:
    session.step(2)
    with pytest.warns(UserWarning, match=rf"Received: until={k}, and the session is at step 2\."):
        session.run(until=k)
    assert session.state == "paused"
    assert session.step_index == 2


def test_run_until_epoch_pauses_after_the_step_that_ends_it(session: Session) -> None:
    for epoch in (1, 2):
        session.run(until="epoch")
        assert session.wait(LIMIT_S)
        assert session.state == "paused"
        assert session.step_index == epoch * STEPS_PER_EPOCH
        assert session.batch_index == STEPS_PER_EPOCH - 1
        assert session.epoch == epoch - 1, "the next epoch begins with its first batch"
        assert len(session.history["loss"]) == epoch
    session.run(until="epoch")
    assert session.wait(LIMIT_S)
    assert session.state == "finished"


@pytest.mark.parametrize("wrong", ["step", 1.5, True, [1], object()])
def test_run_until_anything_else_is_refused(session: Session, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="until"):
        session.run(until=wrong)
    assert session.state == "idle"


def test_step_takes_exactly_n_steps_and_reports_the_last(session: Session) -> None:
    report = session.step()
    assert (report.step, report.epoch, report.batch) == (1, 0, 0)
    report = session.step(3)
    assert (report.step, report.epoch, report.batch) == (4, 1, 0)
    assert session.state == "paused"
    assert report.logs == session.logs
    assert report.batch_loss == session.batch_loss
    assert report.updates == 2
    assert report.seconds > 0


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "1", None])
def test_step_of_no_positive_number_is_refused(session: Session, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="`n`"):
        session.step(wrong)


def test_step_past_the_end_finishes_and_then_returns_the_last_report(session: Session) -> None:
    assert session.step(100).step == N_STEPS
    assert session.state == "finished"
    said = f"training came to its end at step {N_STEPS} of {N_STEPS}"
    with pytest.warns(UserWarning, match=f"`session.step` takes no step: {said}"):
        last = session.step()
    assert last.step == N_STEPS
    with pytest.warns(UserWarning, match=said):
        assert session.step() is last, "no new step: not even an equal report"
    with pytest.warns(UserWarning, match=f"`session.run` changes nothing: {said}"):
        session.run()
    assert session.wait() is True
    assert session.state == "finished"
    assert session.step_index == N_STEPS


def test_step_while_running_is_refused() -> None:
    with endless() as session:
        session.run()
        with pytest.raises(SessionBusy, match="pause"):
            session.step()
        session.stop()


def test_last_step_ends_training_once(session: Session) -> None:
    """The end belongs to the step: history is complete when `step` returns."""
    session.step(N_STEPS)
    assert session.state == "finished"
    assert len(session.history["loss"]) == 3


def test_batch_is_the_last_one_in_numpy() -> None:
    network = networks.line()
    weight = np.arange(networks.N_SAMPLES, dtype="float32")
    with network.session(sample_weight=weight, shuffle=False) as session:
        session.step(3)
        x, y, w = session.batch
    for part, whole in ((x, network.x), (y, network.y), (w, weight)):
        assert isinstance(part, np.ndarray)
        np.testing.assert_array_equal(part, whole[16:])


def test_logs_are_running_means_and_batch_loss_is_of_one_batch(session: Session) -> None:
    losses = []
    for _ in range(2):
        session.step()
        losses.append(session.batch_loss)
    assert session.logs["loss"] == pytest.approx(np.mean(losses))


def test_initial_epoch_is_the_epoch_before_the_first_step() -> None:
    with networks.line().session(initial_epoch=2, epochs=3) as session:
        assert session.epoch == 2
        assert session.total_steps == STEPS_PER_EPOCH
        session.run()
        assert session.wait(LIMIT_S)
        assert (session.step_index, session.epoch) == (STEPS_PER_EPOCH, 2)


def test_speed_limits_the_steps_a_second() -> None:
    with endless() as session:
        session.step()
        session.speed = 20.0
        begin = time.monotonic()
        session.run(until=9)
        assert session.wait(LIMIT_S)
        assert time.monotonic() - begin > 0.3


def test_slow_session_answers_at_once() -> None:
    with endless() as session:
        session.step()
        session.speed = 0.001
        session.run()
        session.speed = None
        until(lambda: session.step_index > 3)
        session.speed = 0.001
        begin = time.monotonic()
        session.stop()
        assert time.monotonic() - begin < 10
        assert session.state == "finished"


@pytest.mark.parametrize("wrong", [0, -1, "fast", float("nan")])
def test_speed_must_be_positive(session: Session, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="speed"):
        session.speed = wrong
    assert session.speed is None


def test_every_public_object_says_in_one_line_how_it_stands() -> None:
    with networks.line().session(name="digits") as session:
        report = session.step()
        for thing in (session, session.probe, session.recording, report):
            assert "\n" not in repr(thing)
        assert repr(session).startswith("<TrainingSession 'digits': paused, step 1 of 9, epoch 1 of 3, loss ")
        assert repr(report).startswith("<StepReport step 1, epoch 1, batch_loss ")
        assert repr(session.probe).startswith("<Probe all layers")
        assert repr(session.recording).startswith("<Recording 'digits': 1 step, ")


def test_verbose_is_a_progress_line_except_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython

    assert resolve_verbose(2) == 2
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    assert resolve_verbose("auto") == 1
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": None})())
    assert resolve_verbose("auto") == 0
