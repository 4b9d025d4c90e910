"""Branches of a recording: what they share with the one that they left, and what they do not."""

from __future__ import annotations

import gc
import weakref
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz_widgets.core.branches import Branches
from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import InvalidArgumentError

KEY = TensorKey("d", "weights", "kernel")
CATALOGUE = Catalogue(
    (LayerInfo("d", "d", "Dense", (None, 3), ("kernel",), 6, 1, 3),),
    (TensorSpec(KEY, (2, 3), "float32", ("in", "neuron"), 1),),
)


def add(recording: Recording, step: int, value: float) -> None:
    """Record a step whose every number is `value`."""
    recording.add_step(step, step // 5, step % 5, {"batch_loss": value})
    recording.add_vitals(step, VitalsReading(np.full((1, 9), value), np.full(12, value, np.float32)))
    recording.add_tensors(step, {KEY: np.full((2, 3), value, np.float32)}, labels=(f"{step}",))
    if step % 4 == 0:
        recording.add_event(step, "notice", f"{step} {value}")


def recorded(values: dict[int, float], recording: Recording | None = None) -> Recording:
    if recording is None:
        recording = Recording("r")
        recording.set_catalogue(CATALOGUE)
    for step, value in values.items():
        add(recording, step, value)
    return recording


def assert_equal(one: Recording, other: Recording) -> None:
    assert one.steps.tolist() == other.steps.tolist()
    assert one.metrics.equals(other.metrics)
    assert one.vitals("d", "weights").equals(other.vitals("d", "weights"))
    np.testing.assert_array_equal(one.neurons("d", "weights"), other.neurons("d", "weights"))
    steps = other.tensor_steps("d", "weights").tolist()
    assert one.tensor_steps("d", "weights").tolist() == steps
    for step in steps:
        np.testing.assert_array_equal(one.tensor("d", "weights", step), other.tensor("d", "weights", step))
        assert one.labels(step) == other.labels(step)
    assert one.events == other.events


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), max_size=4), st.integers(1, 80))
def test_R07_a_branch_reads_as_if_all_its_steps_had_been_recorded_alone(
    forks: list[tuple[float, int]], n_first: int
) -> None:
    values = {step: float(step) for step in range(1, n_first + 1)}
    recording = recorded(values)
    past = [(recording, dict(values))]
    for number, (share, n_steps) in enumerate(forks, 1):
        at = int(share * max(values))
        recording = recording.fork(at, f"branch {number}")
        values = {step: value for step, value in values.items() if step <= at}
        new = {step: step + 1000.0 * number for step in range(at + 1, at + n_steps + 1)}
        recorded(new, recording)
        values |= new
        past.append((recording, dict(values)))
    for one, alone in past:
        assert_equal(one, recorded(alone))


def test_what_is_read_once_more_of_a_shared_step_is_the_branchs_own() -> None:
    first = recorded({1: 1.0, 2: 2.0})
    branch = first.fork(2, "b")
    add(branch, 3, 3.0)
    branch.add_tensors(1, {KEY: np.full((2, 3), 7, np.float32)})
    assert branch.tensor("d", "weights", 1)[0, 0] == 7
    assert first.tensor("d", "weights", 1)[0, 0] == 1
    assert branch.tensor_steps("d", "weights").tolist() == [1, 2, 3]


def test_shared_tensors_take_no_memory_twice() -> None:
    first = recorded(dict.fromkeys(range(1, 50), 1.0))
    assert first.fork(40, "b").n_bytes < first.n_bytes / 2


def test_a_branch_can_be_saved_and_read(tmp_path: object) -> None:
    from pathlib import Path

    from nnviz_widgets.core.storage.reader import open_recording

    path = Path(str(tmp_path)) / "b.nnv"
    branch = recorded({5: -5.0, 6: -6.0}, recorded({step: float(step) for step in range(1, 9)}).fork(4, "b"))
    branch.save(path)
    found = open_recording(path)
    assert_equal(found, branch)
    found.close()


def grown() -> Branches:
    """Return branches: 1 left main after 5, 2 left 1 after 7, 3 left main after 3, when 1 was current."""
    first = recorded(dict.fromkeys(range(1, 11), 0.0))
    branches = Branches(first)

    def fork(step: int, n_steps: int) -> None:
        branches.fork(step, lambda name: branches.current.recording.fork(step, name))
        recorded(dict.fromkeys(range(step + 1, step + 1 + n_steps), 1.0), branches.current.recording)

    fork(5, 4)
    fork(7, 2)
    branches.go_to("branch 1")
    fork(3, 1)
    return branches


def test_branches_know_where_they_come_from() -> None:
    branches = grown()
    assert repr(branches) == (
        "  <Branch 'main': to step 10>\n"
        "  <Branch 'branch 1' of 'main' after step 5: to step 9>\n"
        "  <Branch 'branch 2' of 'branch 1' after step 7: to step 9>\n"
        "* <Branch 'branch 3' of 'main' after step 3: to step 4>"
    )
    assert branches.lineage("branch 2") == [("branch 2", 9), ("branch 1", 7), ("main", 5)]
    assert branches.lineage("branch 3") == [("branch 3", 4), ("main", 3)]
    assert len(branches) == 4
    assert [branch.name for branch in branches] == list(branches.names)


def test_a_recording_names_its_branches_and_gives_each() -> None:
    branches = grown()
    first = branches["main"].recording
    assert first.branches == ("main", "branch 1", "branch 2", "branch 3")
    assert first.branch("branch 2") is branches["branch 2"].recording
    assert first.branch("branch 2").branch("main") is first
    with pytest.raises(
        InvalidArgumentError, match=r"must be the name of a branch. Received: 'branch1'. Nearest: 'branch 1'"
    ):
        first.branch("branch1")


def test_a_recording_without_a_session_has_no_branches() -> None:
    alone = recorded({1: 1.0})
    assert alone.branches == ()
    with pytest.raises(InvalidArgumentError, match="this recording has none"):
        alone.branch("main")


# --- other names, and branches that go ---


def test_a_branch_has_the_name_that_it_is_given_and_those_that_left_it_know() -> None:
    branches = grown()
    changes: list[tuple[str, str | None]] = []
    branches.serve(nullcontext, lambda branch, name: changes.append((branch.name, name)))
    branches.rename("branch 1", "slower")
    branches.rename("branch 3", "last")
    branches.rename("main", "first")
    assert branches.names == ("first", "slower", "branch 2", "last")
    assert branches.current.name == "last"
    assert branches.lineage("branch 2") == [("branch 2", 9), ("slower", 7), ("first", 5)]
    assert branches["slower"].recording.name == "slower"
    assert branches["first"].recording.name == "r", "the name of the session"
    assert branches["slower"].begins == "branch 1 leaves main after step 5"
    assert changes == [("branch 1", "slower"), ("branch 3", "last"), ("main", "first")]


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("main", "has or had"),
        ("branch 1", "has or had"),
        ("", "1 to 60 characters"),
        (" x", "without spaces around"),
        ("x" * 61, "1 to 60"),
        (3, "1 to 60"),
    ],
)
def test_R02_what_is_no_new_name_is_refused(new: object, words: str) -> None:
    branches = grown()
    with pytest.raises(InvalidArgumentError, match=words):
        branches.rename("branch 1", new)  # type: ignore[arg-type]
    assert branches.names == ("main", "branch 1", "branch 2", "branch 3")


def test_a_name_is_never_used_again() -> None:
    branches = grown()
    branches.rename("branch 1", "branch 4")
    with pytest.raises(InvalidArgumentError, match="has or had"):
        branches.rename("branch 2", "branch 1")
    branches.drop("branch 2")
    branch = branches.fork(4, lambda name: branches.current.recording.fork(4, name))
    assert branch.name == "branch 5"
    with pytest.raises(InvalidArgumentError, match="has or had"):
        branches.rename("branch 5", "branch 2")


def test_a_branch_is_dropped_but_not_the_current_one_nor_one_that_others_left() -> None:
    branches = grown()
    with pytest.raises(InvalidArgumentError, match=r"must not be the current branch.*'branch 3'"):
        branches.drop("branch 3")
    with pytest.raises(InvalidArgumentError, match=r"'branch 1', which 'branch 2' left. Drop these first"):
        branches.drop("branch 1")
    with pytest.raises(InvalidArgumentError, match="'branch 1', 'branch 3' left"):
        branches.drop("main")
    with pytest.raises(InvalidArgumentError, match="must be the name of a branch"):
        branches.drop("branch 7")
    branches.drop("branch 2")
    branches.drop("branch 1")
    assert branches.names == branches["main"].recording.branches == ("main", "branch 3")


def test_the_memory_of_a_dropped_branch_is_free() -> None:
    branches = grown()
    recording = weakref.ref(branches["branch 2"].recording)
    branches.drop("branch 2")
    gc.collect()
    assert recording() is None
