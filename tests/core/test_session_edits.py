"""Edits at a pause: what each changes, that undo is exact, what is refused, and what the journal says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import (
    InvalidArgumentError,
    LayerNotFound,
    NothingToUndo,
    SessionBusy,
    SessionClosed,
    UnknownAttribute,
)
from tests.core.networks import assert_same_weights, weights_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

X = np.random.default_rng(0).normal(size=(48, 5)).astype("float32")
Y = (X.sum(1) > 0).astype("int32")


def made(**options: Any) -> Session:
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(8, activation="relu", name="hidden"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.5, name="drop"),
            keras.layers.Dense(2, name="out"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(options.pop("optimizer", None) or keras.optimizers.Adam(0.01), loss)
    defaults: dict[str, Any] = {"batch_size": 8, "epochs": 4, "verbose": 0, "probe": Probe(every=1)}
    return Session(model, X, Y, **(defaults | options))


@pytest.fixture
def session() -> Iterator[Session]:
    with made() as one:
        one.step(4)
        yield one


def everything(session: Session) -> bytes:
    digest: bytes = session._training.digest()
    return digest


EDITS = {
    "learning_rate": lambda edit: edit.learning_rate(0.5),
    "hyperparameter": lambda edit: edit.hyperparameter("beta_1", 0.1),
    "clipnorm": lambda edit: edit.hyperparameter("clipnorm", 1e-4),
    "trainable": lambda edit: edit.trainable("hidden", False),
    "weights": lambda edit: edit.weights("hidden", 0.0, neuron=3),
    "bias": lambda edit: edit.weights("hidden", np.arange(8), "bias"),
    "reinitialize": lambda edit: edit.reinitialize("hidden", neuron=2, seed=5),
    "dropout": lambda edit: edit.dropout("drop", 0.0),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_what_follows_and_undo_takes_it_back_exactly(name: str) -> None:
    with made() as plain:
        plain.step(8)
        expected = weights_of(plain.model)
    with made() as session:
        session.step(4)
        before = everything(session)
        entry = EDITS[name](session.edit)
        assert session.state == "paused"
        assert (entry.step, entry.branch, entry.undone) == (4, "main", False)
        assert session.undo() is entry
        assert entry.undone
        assert everything(session) == before
        session.step(4)
        assert_same_weights(weights_of(session.model), expected)
    with made() as session:
        session.step(4)
        EDITS[name](session.edit)
        session.step(4)
        assert any((a != b).any() for a, b in zip(weights_of(session.model), expected, strict=True))
        changed = weights_of(session.model)
        session.rewind(7)
        session.step(1)
        assert_same_weights(weights_of(session.model), changed)
        session.rewind(2, "main")
        session.step(2)
        assert session.branches.names == ("main", "branch 1", "branch 2")
        session.step(4)
        assert_same_weights(weights_of(session.model), expected)


def test_the_values_are_those_that_were_given(session: Session) -> None:
    kernel = session.model.get_layer("hidden").kernel
    before = kernel.numpy()
    session.edit.weights("hidden", 0.0, neuron=3)
    after = kernel.numpy()
    assert (after[:, 3] == 0).all()
    np.testing.assert_array_equal(np.delete(after, 3, 1), np.delete(before, 3, 1))
    np.testing.assert_array_equal(session.recording.tensor("hidden", "weights", 4), after)
    session.edit.weights("hidden", np.arange(5), neuron=0)
    assert kernel.numpy()[:, 0].tolist() == [0, 1, 2, 3, 4]
    session.edit.learning_rate(0.25)
    assert float(session.model.optimizer.learning_rate) == 0.25
    session.undo()
    session.undo()
    session.undo()
    np.testing.assert_array_equal(kernel.numpy(), before)
    with pytest.raises(NothingToUndo, match="since step 4"):
        session.undo()


def test_reinitialize_draws_other_values_of_the_same_kind(session: Session) -> None:
    layer = session.model.get_layer("hidden")
    before = layer.kernel.numpy()
    session.edit.reinitialize("hidden", seed=3)
    limit = np.sqrt(6 / (5 + 8))
    after = layer.kernel.numpy()
    assert (after != before).all()
    assert (np.abs(after) <= limit).all()
    assert (layer.bias.numpy() == 0).all()
    session.edit.reinitialize("hidden", seed=3)
    np.testing.assert_array_equal(layer.kernel.numpy(), after)
    session.edit.reinitialize("hidden", neuron=1)
    np.testing.assert_array_equal(np.delete(layer.kernel.numpy(), 1, 1), np.delete(after, 1, 1))


def test_the_batch_size_changes_with_the_next_epoch(session: Session) -> None:
    assert session.total_steps == 24
    entry = session.edit.batch_size(16)
    assert "epoch 2" in entry.text
    session.step(2)
    assert session.batch is not None
    assert len(session.batch[0]) == 8
    session.step(1)
    assert (session.epoch, session.batch_index, session.total_steps) == (1, 0, 6 + 9)
    assert session.batch is not None
    assert len(session.batch[0]) == 16
    session.run(until="epoch")
    session.wait()
    assert session.step_index == 9
    weights = weights_of(session.model)
    session.rewind(5)
    assert session.total_steps == 24
    session.rewind(8)
    session.step(1)
    assert_same_weights(weights_of(session.model), weights)
    session.run()
    session.wait()
    assert (session.state, session.step_index) == ("finished", 15)


def test_weights_of_classes_count_from_the_next_epoch_on(session: Session) -> None:
    session.edit.class_weight({0: 1.0, 1: 0.0})
    session.step(2)
    assert session.batch is not None
    assert session.batch[2] is None
    session.step(1)
    _, y, weight = session.batch
    np.testing.assert_array_equal(weight, np.where(y == 1, 0, 1))
    losses = session.recording.metrics["batch_loss"]
    session.rewind(5)
    session.step(2)
    assert session.recording.metrics["batch_loss"][7] == losses[7]


def test_an_edit_after_going_back_begins_the_branch(session: Session) -> None:
    session.rewind(2)
    entry = session.edit.learning_rate(0.1)
    assert entry.branch == "branch 1"
    assert session.branches.current.name == "branch 1"
    session.step(2)
    assert session.branches.names == ("main", "branch 1")
    weights = weights_of(session.model)
    session.rewind(3)
    session.step(1)
    assert_same_weights(weights_of(session.model), weights)
    assert [str(entry) for entry in session.journal] == ["after step 2, branch 1: learning rate: 0.01 → 0.1"]


def test_an_edit_that_is_left_behind_is_undone(session: Session) -> None:
    with made() as plain:
        plain.step(6)
        expected = weights_of(plain.model)
    entry = session.edit.learning_rate(0.1)
    session.rewind(4)
    assert entry.undone
    assert float(session.model.optimizer.learning_rate) == pytest.approx(0.01)
    session.step(2)
    assert_same_weights(weights_of(session.model), expected)
    assert session.branches.names == ("main",)


def test_an_edit_where_a_guard_has_paused_lets_the_step_be_taken_otherwise() -> None:
    with made(optimizer=keras.optimizers.SGD(0.1)) as session:
        session.breakpoints.add("l2(out.gradients) > 0")
        session.run()
        session.wait()
        assert session.step_index == 0
        session.edit.learning_rate(0.0)
        session.breakpoints.disable(1)
        session.step(1)
        assert session.branches.names == ("main", "branch 1")
        assert (
            session.recording.tensor("hidden", "weights", 1).tolist()
            == session.recording.tensor("hidden", "weights", 0).tolist()
        )


@pytest.mark.parametrize("by_hand", [False, True], ids=["edit", "by hand"])
def test_a_refused_step_that_comes_out_otherwise_can_be_gone_back_to_on_either_branch(by_hand: bool) -> None:
    with made(optimizer=keras.optimizers.SGD(0.1)) as session:
        session.step(3)
        session.breakpoints.add("l2(out.gradients) > 0", once=True)
        session.run()
        session.wait()
        assert session.step_index == 3
        if by_hand:
            session.model.get_layer("out").bias.assign([2.0, -2.0])
        else:
            session.edit.learning_rate(0.5)
        session.step(2)
        assert session.branches.names == ("main", "branch 1")
        weights, losses = weights_of(session.model), session.recording.metrics["batch_loss"].copy()
        assert [entry.branch for entry in session.journal] == ["branch 1"]
        session.rewind(4, "main")
        assert float(session.model.optimizer.learning_rate) == pytest.approx(0.1)
        assert session.branches.current.name == "main"
        session.rewind(4, "branch 1")
        assert session.batch_loss == losses[4]
        session.rewind(5, "branch 1")
        assert_same_weights(weights_of(session.model), weights)


def refused(name: str, step: int = 4) -> Session:
    """Return a session whose guard has refused the step after an edit, and lets it pass from now on."""
    session = made()
    session.step(step)
    EDITS[name](session.edit)
    session.breakpoints.add(f"step == {step + 1} and gradient_l2 >= 0")
    session.run()
    session.wait()
    assert (session.step_index, session.recording.steps[-1]) == (step, step + 1)
    return session


def set_to(session: Session) -> tuple[Any, ...]:
    """Return what an edit changes beside variables."""
    model = session.model
    frozen = [layer.trainable for layer in model.layers]
    return (*frozen, model.get_layer("drop").rate, model.optimizer.clipnorm, model.optimizer.beta_1)


@pytest.mark.parametrize("name", ["learning_rate", "clipnorm", "trainable", "reinitialize", "dropout"])
def test_an_edit_can_be_undone_where_the_step_after_it_was_refused(name: str) -> None:
    with made() as plain:
        plain.step(4)
        before, settings = everything(plain), set_to(plain)
        plain.step(4)
        expected = weights_of(plain.model)
    with made() as session:
        session.step(4)
        EDITS[name](session.edit)
        session.step(1)
        changed = weights_of(session.model)
    with refused(name) as session:
        assert session.n_to_undo == 1
        entry = session.undo()
        assert (entry.step, entry.branch, entry.undone) == (4, "branch 1", True)
        assert session.n_to_undo == 0
        assert everything(session) == before
        assert set_to(session) == settings
        with pytest.raises(NothingToUndo):
            session.undo()
        session.step(4)
        assert_same_weights(weights_of(session.model), expected)
        assert session.branches.names == ("main", "branch 1")
        assert [(one.branch, one.undone) for one in session.journal] == [("main", False), ("branch 1", True)]
        session.rewind(5, "main")  # the step that was refused is still there, with the edit
        assert_same_weights(weights_of(session.model), changed)
        session.rewind(4, "branch 1")
        assert everything(session) == before
        session.rewind(8, "branch 1")
        assert_same_weights(weights_of(session.model), expected)
        assert not any("differs" in text for branch in session.branches for _, _, text in branch.recording.events)


def test_a_refused_step_that_is_taken_after_all_leaves_nothing_to_undo() -> None:
    with refused("learning_rate") as session:
        session.step(1)
        assert session.branches.names == ("main",)
        assert (session.n_to_undo, [str(one) for one in session.journal]) == (
            0,
            ["after step 4, main: learning rate: 0.01 → 0.5"],
        )
        with pytest.raises(NothingToUndo):
            session.undo()


def test_edits_before_and_after_a_refused_step_are_undone_one_after_the_other() -> None:
    with made() as plain:
        plain.step(4)
        before = everything(plain)
    with refused("learning_rate") as session:
        with_one = everything(session)
        session.edit.weights("hidden", 0.0)
        assert session.n_to_undo == 2
        session.undo()
        assert everything(session) == with_one
        session.undo()
        assert everything(session) == before
        assert session.branches.names == ("main", "branch 1")
        assert [(one.branch, one.undone) for one in session.journal] == [
            ("main", False),
            ("branch 1", True),
            ("branch 1", True),
        ]


def test_an_edit_before_an_earlier_step_is_not_undone_where_a_later_one_is_refused() -> None:
    with made() as session:
        session.step(4)
        session.edit.learning_rate(0.5)
        session.breakpoints.add("step == 7 and gradient_l2 >= 0")
        session.run()
        session.wait()
        assert (session.step_index, session.n_to_undo) == (6, 0)
        with pytest.raises(NothingToUndo):
            session.undo()
        assert session.branches.names == ("main",)


def test_what_a_refused_step_was_taken_with_stands_where_the_session_goes_elsewhere() -> None:
    with refused("learning_rate") as session:
        session.rewind(2)
        assert session.n_to_undo == 0
        assert [one.undone for one in session.journal] == [False]
        session.rewind(5, "main")
        assert float(session.model.optimizer.learning_rate) == pytest.approx(0.5)


def test_to_undo_nothing_begins_no_branch(session: Session) -> None:
    session.rewind(2)
    with pytest.raises(NothingToUndo):
        session.undo()
    with pytest.raises(NothingToUndo):
        session.ask_undo()
    assert session.branches.names == ("main",)


def test_an_edit_is_recorded_to_a_file_too(tmp_path: Path) -> None:
    with made(record=tmp_path / "a.nnv") as session:
        session.step(3)
        session.edit.weights("hidden", 0.25)
        session.step(1)
        session.rewind(2)
        session.edit.weights("hidden", 0.5)
        session.step(1)
    main, branch = open_recording(tmp_path / "a.nnv"), open_recording(tmp_path / "a.branch-1.nnv")
    assert (main.tensor("hidden", "weights", 3) == 0.25).all()
    assert ("edit", "hidden kernel → 0.25") in [(name, text) for _, name, text in main.events]
    assert (branch.tensor("hidden", "weights", 2) == 0.5).all()
    main.close()
    branch.close()


def test_an_edit_while_running_is_made_between_two_steps() -> None:
    with made(epochs=10**6) as session:
        session.run()
        entry = session.edit.learning_rate(0.0)
        assert session.state == "running"
        session.pause()
        assert 0 <= entry.step < session.step_index
        hidden = session.model.get_layer("hidden").kernel
        before = hidden.numpy()
        session.step(2)
        np.testing.assert_array_equal(hidden.numpy(), before)
        session.rewind(max(entry.step - 1, 0))
        assert float(session.model.optimizer.learning_rate) == pytest.approx(0.01)


def test_a_session_that_has_not_begun_is_prepared() -> None:
    with made() as session:
        entry = session.edit.learning_rate(0.5)
        assert (entry.step, session.state, session.step_index) == (0, "paused", 0)
        assert session.run() is None
        session.wait()
        assert session.state == "finished"
        with pytest.raises(SessionClosed, match="rewind"):
            session.edit.learning_rate(0.1)
        session.rewind(3)
        session.edit.learning_rate(0.1)


WRONG = [
    (lambda edit: edit.learning_rate(-1), "of at least 0"),
    (lambda edit: edit.learning_rate(float("nan")), "of at least 0"),
    (lambda edit: edit.learning_rate("fast"), "of at least 0"),
    (lambda edit: edit.hyperparameter("beta_3", 1), "Nearest: beta_"),
    (lambda edit: edit.hyperparameter("clipnorm", 0), "above 0"),
    (lambda edit: edit.trainable("hidden", 1), "True or False"),
    (lambda edit: edit.weights("hidden", np.ones(3)), r"shape \(5, 8\)"),
    (lambda edit: edit.weights("hidden", 0, neuron=8), "from 0 to 7"),
    (lambda edit: edit.weights("hidden", 0, "cornel"), "kernel, bias"),
    (lambda edit: edit.weights("hidden", "a"), "number or an array"),
    (lambda edit: edit.dropout("hidden", 0.1), "Those that have one: drop"),
    (lambda edit: edit.dropout("drop", 1), "below 1"),
    (lambda edit: edit.reinitialize("drop"), "has none"),
    (lambda edit: edit.batch_size(0), "at least 1"),
    (lambda edit: edit.class_weight([1, 2]), "map numbers of classes"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_cannot_be_is_refused_and_changes_nothing(session: Session, wrong: Any, words: str) -> None:
    before = everything(session)
    with pytest.raises(InvalidArgumentError, match=words):
        wrong(session.edit)
    assert everything(session) == before
    assert len(session.journal) == 0
    assert session.state == "paused"


def test_an_unknown_layer_is_told_with_the_nearest(session: Session) -> None:
    with pytest.raises(LayerNotFound, match="hidden"):
        session.edit.trainable("hiden", False)


def test_a_layer_that_the_optimizer_never_saw_cannot_become_trainable() -> None:
    with made() as session:
        session.model.get_layer("hidden").trainable = False
        session.step(1)
        with pytest.raises(InvalidArgumentError, match="never seen"):
            session.edit.trainable("hidden", True)


def test_a_rate_that_follows_a_schedule_is_refused() -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    with made(optimizer=keras.optimizers.SGD(schedule)) as session:
        session.step(1)
        with pytest.raises(InvalidArgumentError, match="ExponentialDecay"):
            session.edit.learning_rate(0.1)
        with pytest.raises(InvalidArgumentError, match="velocities"):
            session.edit.hyperparameter("momentum", 0.9)


def test_what_is_changed_by_hand_is_written_down(session: Session) -> None:
    session.model.get_layer("out").bias.assign([1, 2])
    session.edit.learning_rate(0.1)
    session.step(1)
    assert [entry.text for entry in session.journal] == ["learning rate: 0.01 → 0.1", "by hand: out/bias"]
    session.rewind(2)
    session.model.get_layer("out").bias.assign([3, 4])
    session.step(1)
    assert str(session.journal[-1]) == "after step 2, branch 1: by hand: out/bias"
    session.model.get_layer("out").trainable = False
    session.step(1)
    assert "trainable" in session.journal[-1].text or "frozen" in session.journal[-1].text


def test_a_change_by_hand_is_written_down_once_also_where_an_edit_follows_while_it_runs() -> None:
    with made(epochs=10**6) as session:
        session.step(2)
        session.model.get_layer("out").bias.assign([1, 2])
        session.run()
        session.edit.learning_rate(0.001)
        session.pause()
        assert [entry.text for entry in session.journal].count("by hand: out/bias") == 1


def test_a_misspelt_edit_names_the_nearest(session: Session) -> None:
    with pytest.raises(UnknownAttribute, match=r"Received: 'learningrate'\. Nearest: learning_rate"):
        session.edit.learningrate(0.1)


def test_the_plan_of_taking_a_refused_step_says_so() -> None:
    with made() as session:
        session.breakpoints.add("l2(out.gradients) > 0", once=True)
        session.run()
        session.wait()
        assert session.rewind_plan(0).remarks == ()
        assert session.rewind_plan(1).remarks == ("step 1, which a guard has refused, is taken",)


def test_undo_after_a_change_by_hand_keeps_the_stored_step_as_it_was(session: Session) -> None:
    weights = weights_of(session.model)
    session.model.get_layer("out").bias.assign([1, 2])
    session.edit.learning_rate(0.1)
    session.undo()
    session.rewind(4)
    assert_same_weights(weights_of(session.model), weights)


def test_what_if_tells_the_loss_and_leaves_everything_as_it_was(session: Session) -> None:
    before, drawn = everything(session), np.random.get_state()[1].tolist()
    x, y, _ = session.batch  # type: ignore[misc]
    kernel = session.model.get_layer("out").kernel
    value = float(kernel.numpy()[2, 1])
    answer = session.what_if("out", 3.0, index=(2, 1))
    assert everything(session) == before
    assert np.random.get_state()[1].tolist() == drawn
    assert answer.value == value
    assert answer.before == pytest.approx(session.model.compute_loss(y=y, y_pred=session.model(x, training=False)))
    assert session.what_if("out", value, index=(2, 1)).after == answer.before
    session.edit.weights("out", 3.0, index=(2, 1))
    assert kernel.numpy()[2, 1] == 3.0
    assert answer.after == pytest.approx(session.model.compute_loss(y=y, y_pred=session.model(x, training=False)))
    session.undo()
    assert everything(session) == before
    with pytest.raises(InvalidArgumentError, match="2 whole numbers"):
        session.what_if("out", 0.0, index=(8, 0))
    with pytest.raises(InvalidArgumentError, match="Only one of"):
        session.what_if("out", 0.0, neuron=1, index=(8, 0))


def test_the_callback_of_a_session_can_only_ask() -> None:
    told: list[BaseException] = []

    class Eager(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1 and not told:
                try:
                    session.edit.learning_rate(0.1)
                except SessionBusy as error:
                    told.append(error)
                session.ask_edit("learning_rate", value=0.125)

    session = made(callbacks=[Eager()])
    with session:
        session.step(4)
        assert len(told) == 1
        assert float(session.model.optimizer.learning_rate) == 0.125
        assert [entry.step for entry in session.journal] == [2]
