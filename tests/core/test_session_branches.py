"""Branches of a session that get another name, or go: what is known by their names, and what they hold."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError, ReplayNotExact, SessionBusy
from tests.core import networks
from tests.core.networks import assert_same_weights, weights_of
from tests.core.sessions import endless

if TYPE_CHECKING:
    from nnviz_widgets.core.session import Session


def branched(**arguments: Any) -> Session:
    """Return a session with main to step 6, and a branch after step 3 with another learning rate, to step 5."""
    session = networks.mlp().session(**{"snapshots": Snapshots(every=1), **arguments})
    session.step(6)
    session.rewind(3)
    session.edit.learning_rate(0.5)
    session.step(2)
    return session


def open_files() -> list[str]:
    """Return the names of the files that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.append(str(link.readlink()))
    return found


def test_a_renamed_branch_is_gone_back_to_by_its_new_name() -> None:
    with branched() as session:
        weights = weights_of(session.model)
        session.branches.rename("branch 1", "faster")
        session.branches.rename("main", "first")
        assert [entry.branch for entry in session.journal] == ["faster"]
        assert session.snapshot_steps == (0, 1, 2, 3, 4, 5)
        assert "faster" in repr(session)
        session.rewind(5, "first")
        assert session.branches.current.name == "first"
        session.rewind(5, "faster")
        assert_same_weights(weights_of(session.model), weights)
        session.rewind(4)
        session.step(1)
        assert session.branches.names == ("first", "faster", "branch 2")
        with pytest.raises(InvalidArgumentError, match="Nearest"):
            session.rewind(5, "branch 1")
        assert session._worker.difference is None


def test_what_is_edited_is_undone_and_written_down_under_the_new_name(tmp_path: Path) -> None:
    with branched() as session:
        entry = session.edit.dropout("drop", 0.0)
        session.branches.rename("branch 1", "faster")
        assert entry.branch == "faster"
        session.journal.to_script(tmp_path / "a.py")
        assert "learning rate: 0.01 → 0.5" in (tmp_path / "a.py").read_text()
        assert session.undo() is entry
        session.step(1)
        assert session.branches.names == ("main", "faster")


def test_a_guard_that_has_refused_a_step_knows_the_branch_by_its_new_name() -> None:
    with branched() as session:
        session.breakpoints.add("step == 6 and gradient_l2 >= 0")
        session.run()
        session.wait()
        session.branches.rename("branch 1", "faster")
        session.step(1)
        assert session.branches.names == ("main", "faster")
        assert session.recording.steps.tolist() == [1, 2, 3, 4, 5, 6]


def test_a_dropped_branch_frees_its_states_and_its_share_of_memory() -> None:
    with branched() as session:
        session.rewind(6, "main")
        n_bytes, budget = session._worker.travel.n_bytes, session.recording.budget_bytes
        dropped = session.branches["branch 1"].recording
        session.branches.drop("branch 1")
        assert session._worker.travel.n_bytes < n_bytes
        assert session.recording.budget_bytes == 2 * budget
        assert session.recording.branches == ("main",)
        with pytest.raises(InvalidArgumentError, match="must be the name of a branch"):
            session.rewind(5, "branch 1")
        assert dropped.steps.tolist() == [1, 2, 3, 4, 5], "who has it reads it"
        session.rewind(4)
        session.step(1)
        assert session.branches.names == ("main", "branch 2"), "a name is not used twice"
        session.rewind(6, "main")


def test_states_on_disk_go_with_their_branch() -> None:
    with branched(snapshots=Snapshots(every=1, memory=60_000, disk="10 MB")) as session:
        session.rewind(6, "main")
        files = session._worker.travel._store._files  # type: ignore[union-attr]
        before = files.n_bytes
        session.branches.drop("branch 1")
        assert files.n_bytes < before


def test_the_file_of_a_dropped_branch_is_whole_and_stays(tmp_path: Path) -> None:
    path, other = tmp_path / "a.nnv", tmp_path / "a.branch-1.nnv"
    with branched(record=path) as session:
        session.branches.rename("branch 1", "faster")
        session.rewind(6, "main")
        recording = session.branches["faster"].recording
        losses = recording.metrics["batch_loss"].to_numpy()
        assert any("branch-1" in name for name in open_files())
        session.branches.drop("faster")
        assert not any("branch-1" in name for name in open_files())
        found = open_recording(other)
        np.testing.assert_array_equal(found.metrics["batch_loss"].to_numpy(), losses[-found.steps.size :])
        found.close()
        session.rewind(4)
        session.step(1)
        assert (tmp_path / "a.branch-2.nnv").exists()
    assert path.exists()
    assert other.exists()


def test_a_session_without_snapshots_has_branches_to_rename() -> None:
    with networks.line().session(snapshots=False) as session:
        session.step(2)
        session.branches.rename("main", "only")
        session.step(1)
        assert session.branches.names == ("only",)
        with pytest.raises(ReplayNotExact):
            session.rewind(1)


def test_R01_while_it_runs_branches_stay_as_they_are() -> None:
    with endless() as session:
        session.run()
        with pytest.raises(SessionBusy, match=r"must rest for its branches.*session.pause\(\) first"):
            session.branches.rename("main", "a")
        with pytest.raises(SessionBusy, match="must rest for its branches"):
            session.branches.drop("main")
        session.pause()
        session.branches.rename("main", "a")
    session.branches.rename("a", "b")  # also once it is closed
    assert session.branches.names == ("b",)
