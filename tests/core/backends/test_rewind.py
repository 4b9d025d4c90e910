"""Going back to any step and taking the steps after it again, bit by bit, on whatever is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.errors import ReplayNotExact
from tests.core import networks
from tests.core.backends.resumable import RUNS, to_the_end
from tests.core.backends.test_data import NOT_SHUFFLED, RAN_OUT
from tests.core.backends.test_resume import OF_KERAS
from tests.core.sessions import assert_same, everything

if TYPE_CHECKING:
    from nnviz_widgets.core.session import Session

pytestmark = [pytest.mark.filterwarnings(text) for text in (OF_KERAS, NOT_SHUFFLED, RAN_OUT)]

EVERY = 4
ONCE = {"data set", "repeated data set", "data set of unknown length", "PyDataset", "PyDataset with two workers"} | {
    "generator",
    "mlp with steps_per_epoch",
    "mlp without a seed with steps_per_epoch",
}
"""Runs whose batches come once."""

FEW_BYTES = 3000
"""Memory for a batch or two."""


def taken_one_by_one(session: Session) -> tuple[list[dict[str, Any]], list[float]]:
    """Take all steps; return everything after each, from 0 on, and the losses."""
    session.run(until=1)
    session.wait()
    states, losses = [{}, everything(session)], [float("nan"), session.batch_loss]
    while True:
        before = session.step_index
        session.run(until=before + 1)
        session.wait()
        if session.step_index == before or session.state == "finished":
            return states, losses
        states.append(everything(session))
        losses.append(session.batch_loss)


@pytest.mark.parametrize("name", RUNS)
def test_every_step_is_gone_back_to_and_on_from_bit_by_bit(name: str) -> None:
    run = RUNS[name]
    with run.session(run.make(), snapshots=Snapshots(every=EVERY)) as session:
        states, losses = taken_one_by_one(session)
        last, end = session.step_index, everything(session)
        history, final_loss = session.history, session.batch_loss
        for step in (*range(len(states) - 1, 0, -2), 2, 0):
            session.rewind(step, "main")
            assert (session.state, session.step_index) == ("paused", step)
            if step:
                assert_same(everything(session), states[step])
                assert session.batch_loss == losses[step]
        assert session.replay_grade == "exact"
        assert to_the_end(session).steps[-1] == last
        assert_same(everything(session), end)
        assert session.batch_loss == final_loss
        assert session.history == history
        assert not [text for _, _, text in session.recording.events if "differs" in text]


@pytest.mark.parametrize("name", sorted(ONCE))
def test_R05_batches_that_are_not_held_any_more_are_told_before_anything_is_done(name: str) -> None:
    run = RUNS[name]
    with run.session(run.make(), snapshots=Snapshots(every=2, memory=FEW_BYTES)) as session:
        session.run(until=5)
        session.wait()
        before = everything(session)
        assert session.replay_grade == "exact", "of the newest steps"
        assert session.rewind_plan(5).grade == "exact"
        plan = session.rewind_plan(2)
        assert (plan.grade, plan.step, plan.snapshot) == ("state only", 0, 0)
        assert "not held any more" in plan.remarks[0]
        with pytest.raises(ReplayNotExact, match=r"reached exactly is 5.*nearest step whose state is stored is 0"):
            session.rewind(2)
        assert session.step_index == 5
        assert_same(everything(session), before)
        notices = [text for _, _, text in session.recording.events if "come once" in text]
        assert len(notices) == 1


@pytest.mark.parametrize("name", sorted(ONCE))
def test_R05_only_the_state_is_put_back_where_batches_are_not_held_any_more(name: str) -> None:
    run = RUNS[name]
    with run.session(run.make()) as session:
        session.step()
        session.rewind(0)
        then = everything(session)
    with run.session(run.make(), snapshots=Snapshots(every=2, memory=FEW_BYTES)) as session:
        session.run(until=5)
        session.wait()
        session.rewind(3, state_only=True)
        assert (session.state, session.step_index) == ("paused", 0)
        assert_same(everything(session), then)
        session.step(2)
        assert session.branches.current.name == "branch 1"
        assert session.recording.steps.tolist() == [1, 2]
        assert session.rewind_plan(2).grade == "exact"
        assert session.rewind_plan(4, "main").grade == "state only"


def test_a_snapshot_stays_what_it_was_while_training_goes_on() -> None:
    with networks.cnn().session(probe=Probe(layers=()), snapshots=Snapshots(every=1), epochs=4) as session:
        states, _ = taken_one_by_one(session)
        for step in range(len(states) - 1, 0, -1):
            assert session.rewind_plan(step).n_again == 0
            session.rewind(step)
            assert_same(everything(session), states[step])


def test_K08_after_a_recompile_earlier_steps_cannot_be_taken_again() -> None:
    with networks.mlp().session(snapshots=Snapshots(every=1)) as session:
        session.step(4)
        session.model.compile("sgd", "sparse_categorical_crossentropy")
        session.step(2)
        with pytest.raises(ReplayNotExact, match="the model was changed since"):
            session.rewind(3)
        then = everything(session)
        session.step()
        session.rewind(6)
        assert_same(everything(session), then)


def test_K15_a_generator_that_raised_leads_back_to_paused() -> None:
    import tensorflow as tf

    def three_batches() -> Any:
        x, y = networks.features(), networks.classes()
        yield from ((x[:8], y[:8]) for _ in range(3))
        raise OSError("the disk of the data is gone")

    with networks.Network(networks.mlp().model, three_batches()).session(steps_per_epoch=6) as session:
        with pytest.raises((OSError, tf.errors.OpError)):
            session.step(4)
        assert (session.state, session.step_index) == ("failed", 3)
        session.rewind(0, state_only=True)
        assert (session.state, session.step_index, session.error) == ("paused", 0, None)


def test_a_run_that_was_resumed_leads_back_to_where_it_was_resumed(tmp_path: Any) -> None:
    run = RUNS["mlp"]
    with run.session(run.make()) as session:
        session.step(4)
        session.save(tmp_path / "a.session")
        session.step(3)
        end = everything(session)
    network = run.make()
    from nnviz_widgets.core.session import Session

    arguments = {"probe": Probe(layers=()), **network._all({})}
    with Session.resume(tmp_path / "a.session", network.model, network.x, network.y, **arguments) as session:
        session.step(3)
        session.rewind(4)
        session.step(3)
        assert_same(everything(session), end)
        with pytest.raises(ReplayNotExact):
            session.rewind(2)
