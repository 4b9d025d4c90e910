"""Going back, as a person does it: states, branches, words, and what is never touched."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError, ReplayNotExact, SessionBusy, SessionClosed
from tests.core import networks
from tests.core.backends.test_resume import OF_KERAS
from tests.core.networks import STEPS_PER_EPOCH, assert_same_weights, weights_of
from tests.core.sessions import Journal, assert_same, endless, everything
from tests.waiting import ended, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def session() -> Iterator[Session]:
    """Return a session at step 7 of 9, with snapshots of every third step."""
    with networks.mlp().session(probe=Probe(every=1), snapshots=Snapshots(every=3)) as made:
        made.step(7)
        yield made


def test_the_default_leads_back_to_any_step() -> None:
    with networks.mlp().session() as session:
        session.step(2)
        weights, loss = weights_of(session.model), session.batch_loss
        session.run()
        session.wait()
        report = session.rewind(2)
        assert report is not None
        assert (report.step, report.batch_loss) == (2, loss)
        assert session.state == "paused"
        assert session.step_index == 2
        assert_same_weights(weights_of(session.model), weights)
        assert session.rewind(0) is None
        assert session.batch is None
        assert session.logs == {}


def test_R07_stepping_on_begins_a_branch_and_overwrites_nothing(session: Session) -> None:
    main = session.recording
    losses, weights = main.metrics["batch_loss"].copy(), main.tensor("hidden", "weights", 7).copy()
    session.rewind(4)
    assert session.recording is main, "nothing new before another step is taken"
    session.model.get_layer("hidden").kernel.assign(np.ones((5, 8), np.float32))
    session.step(2)
    assert session.branches.names == ("main", "branch 1")
    assert ", branch 1, " in repr(session)
    assert session.recording is not main
    assert main.metrics["batch_loss"].equals(losses)
    np.testing.assert_array_equal(main.tensor("hidden", "weights", 7), weights)
    assert session.recording.steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert session.recording.metrics["batch_loss"][4] == losses[4]
    assert session.recording.metrics["batch_loss"][5] != losses[5]
    assert session.recording.branch("main") is main
    assert any("branch 1 leaves main after step 4" in text for _, _, text in session.recording.events)


def test_R07_going_back_and_forth_on_one_branch_is_no_new_one(session: Session) -> None:
    weights = weights_of(session.model)
    session.rewind(2)
    session.rewind(7)
    assert_same_weights(weights_of(session.model), weights)
    session.step()
    assert session.branches.names == ("main",)
    assert session.recording.steps.tolist() == list(range(1, 9))


@pytest.mark.parametrize("step", [5, 6, 8])
def test_R04_a_branch_is_taken_again_from_what_was_changed_by_hand_where_it_began(step: int) -> None:
    def on_the_branch(until: int) -> Session:
        made = networks.mlp().session(snapshots=Snapshots(every=10**9))
        made.step(7)
        made.rewind(4)
        made.model.optimizer.learning_rate.assign(0.5)  # the loss of the next step is the same: only its update differs
        made.run(until=until)
        made.wait()
        return made

    with on_the_branch(step) as session:
        then = weights_of(session.model)
    with on_the_branch(9) as session, warnings.catch_warnings():
        warnings.simplefilter("error")
        session.rewind(step)
        assert session.branches.current.name == "branch 1"
        assert_same_weights(weights_of(session.model), then)


def test_R07_training_outside_before_a_branch_leaves_the_step_of_the_other_as_it_was(session: Session) -> None:
    session.rewind(4)
    then = weights_of(session.model)
    session.model.train_on_batch(networks.features(), networks.classes())
    with pytest.warns(UserWarning, match="trained outside"):
        session.step()
    session.rewind(4, "main")
    assert_same_weights(weights_of(session.model), then)


def test_R07_a_recompile_before_the_branch_is_noted_in_the_branch_alone(session: Session) -> None:
    main, events = session.recording, session.recording.events
    catalogue = main.catalogue
    session.rewind(4)
    session.model.compile("sgd", "sparse_categorical_crossentropy")
    session.step(2)
    assert main.catalogue is catalogue
    assert main.events == events
    assert any("compiled anew" in text for _, _, text in session.recording.events)
    with pytest.raises(ReplayNotExact, match="the model was changed since"):
        session.rewind_plan(6, "main")


def test_R07_another_branch_is_gone_to_by_its_name(session: Session) -> None:
    session.rewind(3)
    session.model.optimizer.learning_rate.assign(0.5)
    session.step(2)
    on_branch = weights_of(session.model)
    session.rewind(6, "main")
    assert session.branches.current.name == "main"
    session.rewind(5, "branch 1")
    assert_same_weights(weights_of(session.model), on_branch)
    with pytest.raises(InvalidArgumentError, match="Nearest: 'branch 1'"):
        session.rewind(5, "branch1")


def test_R04_a_step_that_is_not_stored_is_reached_from_the_one_before(session: Session) -> None:
    plan = session.rewind_plan(5)
    assert (plan.step, plan.snapshot, plan.n_again, plan.grade, plan.remarks) == (5, 3, 2, "exact", ())
    assert session.step_index == 7, "a plan changes nothing"
    session.rewind(5)
    assert session.step_index == 5
    assert session.snapshot_steps == (0, 3, 5, 6, 7)


def test_R04_all_that_the_probe_reads_can_be_read_where_one_stands() -> None:
    with networks.mlp().session(probe=Probe(every=10**6), snapshots=Snapshots(every=3)) as session:
        session.run()
        session.wait()
        assert 5 not in session.recording.tensor_steps("hidden", "gradients")
        session.rewind(5)
        assert session.recording.tensor("hidden", "gradients", 5).shape == (5, 8)
        kernel = session.model.get_layer("hidden").kernel.numpy()
        np.testing.assert_array_equal(session.recording.tensor("hidden", "weights", 5), kernel)
        session.rewind(3)  # stored: nothing is taken again, and the weights are there
        kernel = session.model.get_layer("hidden").kernel.numpy()
        np.testing.assert_array_equal(session.recording.tensor("hidden", "weights", 3), kernel)


@pytest.mark.parametrize("step", [-1, 8, 1.5, "2", None, True])
def test_R04_a_step_that_was_not_taken_is_refused(session: Session, step: Any) -> None:
    weights = weights_of(session.model)
    with pytest.raises(InvalidArgumentError, match="`step` must be"):
        session.rewind(step)
    assert session.step_index == 7
    assert_same_weights(weights_of(session.model), weights)


def drifting() -> networks.Network:
    """Return a network whose steps come out otherwise each time that they are taken, as on some GPUs."""
    import keras
    import tensorflow as tf

    drawn = iter(np.linspace(0.0, 1.0, 100, dtype=np.float32))

    def loss(y: Any, predicted: Any) -> Any:
        number = tf.numpy_function(lambda: next(drawn), [], tf.float32)
        return keras.losses.mean_squared_error(y, predicted) + tf.reshape(number, ())

    return networks.line(loss=loss)


def test_R06_a_replay_that_differs_is_told_with_its_size_and_the_old_branch_stays() -> None:
    with drifting().session(snapshots=Snapshots(every=4)) as session:
        session.run()
        session.wait()
        before = session.recording.metrics["batch_loss"].copy()
        with pytest.warns(UserWarning, match=r"replay differs from the recording at step 9 \(loss .* then, .* now\)"):
            session.rewind(9)
        assert session.step_index == 9
        assert session.recording.metrics["batch_loss"].equals(before)


def test_R06_after_a_replay_that_differed_the_next_step_is_another_branch() -> None:
    with drifting().session(snapshots=Snapshots(every=2)) as session:
        session.run(until=6)
        session.wait()
        session.rewind(2)
        with pytest.warns(UserWarning, match="replay differs"):
            session.rewind(5)
        session.step()
        assert session.branches.names == ("main", "branch 1")


def test_R01_a_session_is_not_rewound_while_it_runs_or_once_it_is_closed() -> None:
    with endless() as session:
        session.run()
        until(lambda: session.step_index > 3)
        with pytest.raises(SessionBusy, match=r"cannot be rewound while running. Call pause\(\) first"):
            session.rewind(1)
        session.pause()
    with pytest.raises(SessionClosed, match="is closed and cannot be rewound"):
        session.rewind(1)


def test_R01_before_the_first_step_only_step_0_can_be_gone_back_to() -> None:
    with networks.line().session() as session:
        assert session.rewind(0) is None
        assert session.state == "idle"
        with pytest.raises(InvalidArgumentError, match="no step was taken yet"):
            session.rewind(1)


@pytest.mark.parametrize("end", ["finish", "stop", "fail"])
def test_R01_every_end_leads_back_to_paused(end: str) -> None:
    network = networks.mlp()
    fails = [end == "fail"]

    def maybe_fail(batch: int) -> None:
        if fails and fails.pop():
            raise RuntimeError("of the user's callback")

    import keras

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batch == 2 and maybe_fail(batch))
    with network.session(callbacks=[callback], snapshots=Snapshots(every=2)) as session:
        session.step(2)
        if end == "fail":
            with pytest.raises(RuntimeError, match="of the user's callback"):
                session.step()
            assert session.state == "failed"
        elif end == "stop":
            session.stop()
        else:
            session.run()
            session.wait()
        session.rewind(1)
        assert (session.state, session.step_index, session.error) == ("paused", 1, None)
        session.run()
        session.wait()
        assert (session.state, session.step_index) == ("finished", 9)


def test_without_snapshots_there_is_no_way_back() -> None:
    with networks.line().session(snapshots=False) as session:
        session.step(2)
        assert session.snapshot_steps == ()
        with pytest.raises(ReplayNotExact, match="snapshots=False"):
            session.rewind(1)


def test_callbacks_of_ones_own_are_told_of_and_called_again() -> None:
    journal = Journal()
    with networks.line().session(callbacks=[journal.callback()], snapshots=Snapshots(every=100)) as session:
        session.step(5)
        n_calls = len(journal.calls)
        plan = session.rewind_plan(2)
        assert plan.grade == "exact"
        assert plan.remarks == (
            "called again for the steps in between: Noting",
            "what these remember is not put back: Noting",
        )
        with pytest.warns(UserWarning, match="Received besides: Noting, which remember what they did since"):
            session.rewind(2)
        again = journal.names()[n_calls:]
        assert again.count("on_train_batch_end") == 2
        assert again.count("on_train_begin") == 0


def test_validation_data_that_come_once_are_told_of() -> None:
    def batches() -> Iterator[Any]:
        while True:
            yield networks.features(), networks.features(width=2)

    arguments = {"validation_data": batches(), "validation_steps": 1}
    with networks.line().session(**arguments, snapshots=Snapshots(every=100, memory=1)) as session:
        session.step(5)
        assert session.snapshot_steps == (0, 5)
        assert session.rewind_plan(4).remarks == (
            "where an epoch ends in between, a generator gives its validation other data than then",
        )
        assert session.rewind_plan(2).remarks == ()


def test_the_end_of_an_epoch_whose_validation_reads_on_is_put_aside() -> None:
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((networks.features(), networks.features(width=2))).batch(8).repeat()
    arguments = {"validation_data": data, "validation_steps": 2}
    with networks.line().session(**arguments, snapshots=Snapshots(every=100)) as free:
        free.run()
        free.wait()
        history = free.history
    with networks.line().session(**arguments, snapshots=Snapshots(every=100)) as session:
        session.breakpoints.add("step == 5 and gradient_l2 > 0")
        session.run()
        session.wait()
        assert session.step_index == 4
        assert session.snapshot_steps[:3] == (0, 3, 4)
        session.run()
        session.wait()
        assert session.history == history


def test_what_keras_own_callbacks_write_is_not_written_twice(tmp_path: Path) -> None:
    import keras

    csv = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    with networks.line().session(callbacks=[csv], snapshots=Snapshots(every=100)) as session:
        session.step(7)
        lines = (tmp_path / "log.csv").read_text().splitlines()
        session.rewind(5)
        assert (tmp_path / "log.csv").read_text().splitlines() == lines
        session.run()
        session.wait()
    assert len((tmp_path / "log.csv").read_text().splitlines()) == len(lines) + 2


@pytest.mark.filterwarnings(OF_KERAS)
def test_a_checkpoint_knows_the_best_again_and_writes_nothing_on_the_way_back(tmp_path: Path) -> None:
    import keras

    file = tmp_path / "best.weights.h5"
    checkpoint = keras.callbacks.ModelCheckpoint(file, monitor="loss", save_best_only=True, save_weights_only=True)
    with networks.mlp().session(callbacks=[checkpoint], snapshots=Snapshots(every=10**9)) as session:
        session.run(until=STEPS_PER_EPOCH)  # its own `best` is compared with that of a replay over the epoch's end
        session.wait()
        best = checkpoint.best
        session.run(until=8)
        session.wait()
        written = file.stat().st_mtime_ns
        for kept in session.snapshot_steps:
            if kept == STEPS_PER_EPOCH:
                del session._worker.travel._store._kept["main", kept, False]
        session.rewind(4)
        assert best is not None
        assert checkpoint.best == best
        assert file.stat().st_mtime_ns == written
        assert checkpoint.model is session.model


def test_the_log_of_a_training_that_ended_is_written_on_after_going_back(tmp_path: Path) -> None:
    import keras

    csv = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    with networks.mlp().session(callbacks=[csv], snapshots=Snapshots(every=2)) as session:
        session.run()
        session.wait()
        lines = (tmp_path / "log.csv").read_text().splitlines()
        session.rewind(7)
        session.run()
        session.wait()
    after = (tmp_path / "log.csv").read_text().splitlines()
    assert len(lines) == 4
    assert after == [*lines, lines[-1]]
    assert not csv.append


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, with numpy 2
def test_a_training_with_tensorboard_that_ended_goes_on_after_going_back(tmp_path: Path) -> None:
    import keras

    board = keras.callbacks.TensorBoard(tmp_path / "board", update_freq=1)
    with networks.mlp().session(callbacks=[board]) as session:
        session.run()
        session.wait()
        session.rewind(7)
        session.run()
        session.wait()
        assert session.state == "finished"
        assert session.step_index == 3 * STEPS_PER_EPOCH
    assert len(list((tmp_path / "board" / "train").glob("events*"))) == 2


def test_a_long_way_back_ends_where_somebody_asks_for_a_pause() -> None:
    with endless(snapshots=Snapshots(every=10**9)) as session:
        session.run(until=400)
        session.wait()
        session.ask_rewind(390)
        until(lambda: 0 < session.step_index < 390 or session.state != "running")
        session.pause()
        assert session.state == "paused"
        at = session.step_index
        assert at <= 390
        session.rewind(at)
        assert session.step_index == at


def test_progress_of_a_long_way_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnviz_widgets.core.traveller._TELL_S", 0.0)
    with endless(snapshots=Snapshots(every=10**9)) as session:
        session.run(until=60)
        session.wait()
        told: list[str] = []

        class Viewer:
            def wanted(self) -> frozenset[Any]:
                return frozenset()

            def notify(self) -> None:
                if session.activity is not None:
                    told.append(session.activity)

        session.add_viewer(Viewer())
        session.rewind(50)
        assert "going back: step 20 of 50 taken again" in told
        assert session.activity is None


def test_looking_at_the_past_never_touches_the_model(session: Session) -> None:
    weights = weights_of(session.model)
    for step in (1, 4):
        session.recording.tensor("hidden", "weights", step)
    assert session.step_index == 7
    assert_same_weights(weights_of(session.model), weights)


def test_each_branch_is_a_file_of_its_own(tmp_path: Path) -> None:
    with networks.mlp().session(record=tmp_path / "a.nnv", probe=Probe(every=1)) as session:
        session.step(6)
        session.rewind(4)
        kernel = session.model.get_layer("hidden").kernel.numpy()
        session.step(3)
        np.testing.assert_array_equal(session.recording.tensor("hidden", "weights", 4), kernel)
        losses = session.recording.metrics["batch_loss"]
    main, branch = open_recording(tmp_path / "a.nnv"), open_recording(tmp_path / "a.branch-1.nnv")
    assert main.steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert branch.steps.tolist() == [5, 6, 7]
    assert branch.metrics["batch_loss"].tolist() == losses.loc[5:].tolist()
    assert branch.tensor_steps("hidden", "weights").tolist() == [4, 5, 6, 7]
    main.close()
    branch.close()


def test_a_branch_that_cannot_be_written_is_told_of_and_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.branch-1.nnv").write_text("somebody else's")
    with networks.mlp().session(record=tmp_path / "a.nnv") as session:
        session.step(4)
        session.rewind(2)
        session.step()
        assert session.recording.steps.tolist() == [1, 2, 3]
        assert any("this branch is not written to disk" in text for _, _, text in session.recording.events)
    assert (tmp_path / "a.branch-1.nnv").read_text() == "somebody else's"


def test_training_outside_is_undone_by_going_back_to_where_it_happened(session: Session) -> None:
    clean = everything(session)
    session.model.train_on_batch(networks.features(), networks.classes())
    session.model.reset_metrics()
    with pytest.warns(UserWarning, match="trained outside"):
        session.step()
    after, loss = everything(session), session.batch_loss
    session.step()
    session.rewind(8)
    assert session.batch_loss == loss
    assert_same(everything(session), after)
    session.rewind(7)
    assert_same(everything(session), clean)


def test_what_is_changed_at_a_pause_is_part_of_the_steps_after_it(session: Session) -> None:
    before = everything(session)
    session.model.optimizer.learning_rate.assign(0.5)
    session.model.get_layer("hidden").kernel.assign(np.ones((5, 8), np.float32))
    session.step()
    then = everything(session)
    session.step()
    session.rewind(8)
    assert_same(everything(session), then)
    assert session.branches.names == ("main",), "nothing was gone back to before the change"
    session.rewind(7)
    assert_same(everything(session), before)


def test_only_what_differs_counts_as_a_change(session: Session) -> None:
    n = len(session._worker.travel._store or ())
    kernel = session.model.get_layer("hidden").kernel
    kernel.assign(kernel.numpy())
    session.step()
    assert len(session._worker.travel._store or ()) == n + 1


def test_K08_a_recompile_is_told_before_anything_is_put_back(session: Session) -> None:
    session.model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ReplayNotExact, match="The model must be the one that took the steps"):
        session.rewind(3)
    assert (session.state, session.step_index) == ("paused", 7)
    session.step()
    session.rewind(8)


def test_a_session_that_was_resumed_leads_back_to_its_first_step(tmp_path: Path, session: Session) -> None:
    session.save(tmp_path / "a.session")
    network = networks.mlp()
    with Session.resume(tmp_path / "a.session", network.model, network.x, network.y, **network._all({})) as resumed:
        assert resumed.branches["main"].last_step == 7
        resumed.rewind(7)
        with pytest.raises(ReplayNotExact, match=r"which is that of step 7. Received: step=3"):
            resumed.rewind(3)
        with pytest.raises(InvalidArgumentError, match="from 0 to 7"):
            resumed.rewind(8)


def test_a_session_without_a_past_says_so() -> None:
    with networks.line().session() as session:
        session.stop()
        with pytest.raises(ReplayNotExact, match="has taken no step, is closed, or"):
            session.rewind(0)
        session.close()
        assert session.replay_grade in ("exact", "state only")
        with pytest.raises(ReplayNotExact, match="has taken no step, is closed, or"):
            session.rewind_plan(0)


def test_stopping_does_not_wait_for_a_long_way_back() -> None:
    with endless(snapshots=Snapshots(every=10**9)) as session:
        session.run(until=400)
        session.wait()
        session.ask_rewind(399)
        until(lambda: 0 < session.step_index < 390 or session.state != "running")
        session.stop()
        assert session.state == "finished"
        assert session.step_index < 399


def test_viewers_see_the_branch_that_is_trained(session: Session) -> None:
    seen: list[tuple[str, int]] = []

    class Viewer:
        def wanted(self) -> frozenset[Any]:
            return frozenset()

        def notify(self) -> None:
            seen.append((session.branches.current.name, session.step_index))

    session.add_viewer(Viewer())
    session.rewind(2)
    assert seen[-1] == ("main", 2)
    session.step()
    assert seen[-1] == ("branch 1", 3)


def test_a_rewind_from_another_thread_is_the_same(session: Session) -> None:
    thread = threading.Thread(target=session.rewind, args=(2,))
    thread.start()
    ended(thread)
    assert (session.state, session.step_index) == ("paused", 2)


def test_epochs_are_counted_on(session: Session) -> None:
    session.rewind(STEPS_PER_EPOCH)
    assert (session.epoch, session.batch_index) == (0, 2)
    session.step()
    assert (session.epoch, session.batch_index) == (1, 0)
    session.run()
    session.wait()
    assert len(session.history["loss"]) == 3
