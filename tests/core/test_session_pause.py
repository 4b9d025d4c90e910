"""How a session pauses, and what becomes of commands that come from inside, at once or over one another."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.frame import KINDS
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import SessionBusy
from tests.core import networks
from tests.core.sessions import N_STEPS, endless, on_batch_end
from tests.waiting import LIMIT_S, until


def test_pause_takes_a_last_step_and_reads_all_of_it() -> None:
    with networks.mlp().session(probe=Probe(budget=0), epochs=10**9) as session:
        session.run()
        until(lambda: session.step_index > 3)
        assert session.recording.tensor_steps("hidden", "weights").tolist() == [0]
        session.pause()
        assert session.state == "paused"
        step = session.step_index
        recording = session.recording
        for layer in recording.layers:
            for kind in KINDS:
                if recording.why(layer, kind) is None:
                    assert recording.tensor_steps(layer, kind)[-1] == step, (layer.path, kind)
        assert recording.vitals("hidden", "weights").index[-1] == step
        np.testing.assert_array_equal(recording.tensor("hidden", "weights", step), session.model.layers[0].kernel)
        session.pause()
        assert session.step_index == step, "a paused session is left alone"


def test_step_reads_its_last_step_in_full() -> None:
    with networks.line().session(probe=Probe(budget=0)) as session:
        session.step(3)
        assert session.recording.tensor_steps("d", "gradients").tolist() == [3]
        session.run(until=5)
        session.wait(LIMIT_S)
        assert session.recording.tensor_steps("d", "gradients").tolist() == [3, 5]


def test_pause_of_an_idle_or_finished_session_does_nothing(session: Session) -> None:
    session.pause()
    assert session.state == "idle"
    session.step(N_STEPS)
    session.pause()
    assert session.state == "finished"


def test_pause_from_a_callback_only_asks() -> None:
    """The batch that asks is not the last one: it was begun before."""
    network = networks.line()
    made: list[Session] = []

    def act(batch: int) -> None:
        if made[0].step_index == 1:
            made[0].pause()

    with network.session(callbacks=[on_batch_end(act)], probe=Probe(budget=0)) as session:
        made.append(session)
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "paused"
        assert session.step_index == 3
        assert session.recording.tensor_steps("d", "gradients").tolist()[-1] == 3


def test_callback_cannot_wait_for_its_own_step() -> None:
    made: list[Session] = []
    caught: list[BaseException] = []

    def act(batch: int) -> None:
        for call in (made[0].step, made[0].wait):
            try:
                call()
            except SessionBusy as error:
                caught.append(error)

    with networks.line().session(callbacks=[on_batch_end(act)]) as session:
        made.append(session)
        session.step()
        assert len(caught) == 2


@pytest.mark.filterwarnings("ignore:`session.run` changes nothing")
def test_stop_is_not_undone_by_a_run_that_comes_after_it() -> None:
    """Commands are executed in their order: after a stop there is nothing to run."""
    made: list[Session] = []

    def act(batch: int) -> None:
        made[0].stop()
        made[0].run()

    with endless(callbacks=[on_batch_end(act)]) as session:
        made.append(session)
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "finished"
        assert session.step_index == 1


def test_run_from_a_callback_sets_a_new_goal() -> None:
    made: list[Session] = []

    def act(batch: int) -> None:
        if made[0].step_index == 0:
            made[0].run(until=5)

    with networks.line().session(callbacks=[on_batch_end(act)]) as session:
        made.append(session)
        session.run(until=2)
        assert session.wait(LIMIT_S)
        assert session.step_index == 5


def test_run_that_comes_during_the_last_step_before_a_pause_goes_on() -> None:
    made: list[Session] = []

    def act(batch: int) -> None:
        if made[0].step_index == 1:
            made[0].pause()
        if made[0].step_index == 2:
            made[0].run(until=5)

    with networks.line().session(callbacks=[on_batch_end(act)]) as session:
        made.append(session)
        session.run()
        assert session.wait(LIMIT_S)
        assert session.step_index == 5
