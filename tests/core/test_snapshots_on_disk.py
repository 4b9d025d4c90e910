"""Snapshots that memory has no room for: in files, exact to the last bit, and gone with the session."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.errors import InvalidArgumentError, ReplayNotExact
from tests.core import networks
from tests.core.backends.resumable import dataset, loose, mixed, on, without_seed
from tests.core.backends.test_rewind import taken_one_by_one
from tests.core.backends.test_rewind_once import nested, of_words
from tests.core.sessions import assert_same, everything

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.session import Session

MEMORY = 100_000
"""Room for few: Python spends 30 kB on each."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where temporary files lie."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def files(folder: Path) -> list[Path]:
    """List the files of snapshots; TensorFlow writes others."""
    return sorted(folder.glob("nnviz-snapshots-*/*"))


def session_of(network: networks.Network, disk: int | str | None, memory: int = MEMORY, **arguments: Any) -> Session:
    options = Snapshots(every=1, memory=memory, disk=disk)
    return network.session(**{"probe": Probe(layers=()), "snapshots": options, **arguments})


KINDS = {
    "mlp": networks.mlp,
    "cnn": networks.cnn,
    "mixed": mixed,
    "loose": loose,
    "without a seed": without_seed,
    "data set": on(dataset),
    "data set of dicts": nested,
    "data set of sparse tensors": of_words,
}


@pytest.mark.filterwarnings("ignore:.*shuffle.*")
@pytest.mark.parametrize("name", KINDS)
def test_a_snapshot_that_was_read_back_is_what_it_was(name: str, folder: Path) -> None:
    with session_of(KINDS[name](), "1 GB", 1_000_000) as session:  # half of the memory is for batches
        states, losses, batches = [{}], [0.0], [None]
        for step in range(1, 8):
            session.run(until=step)
            session.wait()
            states.append(everything(session))
            losses.append(session.batch_loss)
            batches.append(session.batch)
        session._worker.travel._store._make_room(0)
        assert len(files(folder)) >= 6
        for step in (2, 6, 1, 4):
            assert session.rewind_plan(step).n_again == 0
            session.rewind(step)
            assert_same(everything(session), states[step])
            assert session.batch_loss == losses[step]
            assert_same_batch(session.batch, batches[step])
    assert not list(folder.glob("nnviz-snapshots-*"))


def assert_same_batch(one: Any, other: Any) -> None:
    import keras

    for left, right in zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True):
        np.testing.assert_array_equal(left, right)


def test_every_step_of_a_long_run_is_gone_back_to_without_taking_a_step_again(folder: Path) -> None:
    with session_of(networks.mlp(), "1 GB", epochs=6) as session:
        states, _ = taken_one_by_one(session)
        last = len(states) - 1
        assert len(session.snapshot_steps) >= last
        assert session._worker.travel._store.n_bytes <= MEMORY
        for step in range(1, last, 3):
            session.rewind(step)
            assert_same(everything(session), states[step])


def test_without_disk_nothing_is_written(folder: Path) -> None:
    with session_of(networks.mlp(), None) as session:
        session.step(8)
        assert not files(folder)
        assert len(session.snapshot_steps) < 8


def notices(session: Session, words: str) -> list[str]:
    return [text for _, _, text in session.recording.events if words in text]


def test_R08_files_over_their_budget_are_thinned_and_branches_keep_where_they_begin(folder: Path) -> None:
    with session_of(networks.mlp(), 60_000, 1, epochs=10) as session:
        session.step(4)
        session.rewind(2)
        session.run()
        session.wait()
        session.rewind(29)
        size = sum(path.stat().st_size for path in files(folder))
        assert 30_000 < size <= 60_000
        stored = session.snapshot_steps
        assert {0, 2} <= set(stored), "where all and where the branch begins"
        assert len(stored) < 25
        assert len(notices(session, "files of snapshots have reached their 60 kB")) == 1
        then = everything(session)
        session.rewind(17)
        session.rewind(29)
        assert_same(everything(session), then)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_R08_a_disk_that_is_full_is_told_once_and_training_goes_on(folder: Path, monkeypatch: Any) -> None:
    from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot
    from nnviz_widgets.core.backends.tensorflow.written_snapshot import WrittenSnapshot

    monkeypatch.setattr(Snapshot, "write", lambda self, path: WrittenSnapshot.of(self, Path("/dev/full")))
    with session_of(networks.mlp(), "1 GB") as session:
        session.run()
        session.wait()
        assert session.state == "finished"
        assert len(notices(session, "not written to disk any more (OSError: [Errno 28]")) == 1
        session.rewind(5)
        assert session.step_index == 5


def test_R08_a_directory_that_is_not_there_is_told_once(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "gone"))
    with session_of(networks.mlp(), "1 GB") as session:
        session.run()
        session.wait()
        assert session.state == "finished"
        assert len(notices(session, "not written to disk any more (FileNotFoundError")) == 1


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [Path.unlink, emptied, flipped])
def test_R08_where_a_file_is_lost_an_older_one_leads_to_the_step(folder: Path, harm: Callable[[Path], None]) -> None:
    with session_of(networks.mlp(), "1 GB") as session:
        states, _ = taken_one_by_one(session)
        store = session._worker.travel._store
        lost = store.at("main", 4)
        assert lost.file is not None
        harm(lost.file)
        session.rewind(4)
        assert_same(everything(session), states[4])
        assert len(notices(session, "state of step 4 cannot be read back from disk")) == 1


def test_R08_where_all_files_are_gone_nothing_is_done(folder: Path) -> None:
    with session_of(networks.mlp(), "1 GB", 1) as session:
        session.step(5)
        before = everything(session)
        for path in files(folder):
            path.unlink()
        with pytest.raises(
            ReplayNotExact, match="must not be before the oldest state that is stored, which is that of"
        ):
            session.rewind(3)
        assert (session.state, session.step_index) == ("paused", 5)
        assert_same(everything(session), before)
        session.step()


def test_files_are_gone_when_the_interpreter_ends_and_a_child_leaves_them(tmp_path: Path) -> None:
    code = """
import os, pathlib, sys
from tests.core import networks
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.core.probe import Probe
session = networks.line().session(probe=Probe(layers=()), snapshots=Snapshots(every=1, memory=1, disk="1 GB"))
session.step(5)
folder = next(pathlib.Path(sys.argv[1]).iterdir())
n = len(list(folder.iterdir()))
child = os.fork()
if not child:
    session._worker.travel._store._files._remove()
    os._exit(0)
os.waitpid(child, 0)
print(n, len(list(folder.iterdir())))
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert before == after >= 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("disk", [0, -1, "much", 1.5, True])
def test_a_number_of_bytes_is_asked_for(disk: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="`disk` must be a number of bytes"):
        Snapshots(disk=disk)


def test_a_text_is_a_number_of_bytes() -> None:
    assert Snapshots(disk="10 GB").disk == 10**10
    assert Snapshots().disk is None
