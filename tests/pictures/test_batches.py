"""Whether two runs took the same batches, as the difference of what tells of samples says it. Real sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.pictures.comparison import Comparison
from nnviz_widgets.pictures.frames import frame_message, keys_of
from nnviz_widgets.pictures.kept import Beside, whose_batches
from nnviz_widgets.pictures.moments import moment_of
from nnviz_widgets.pictures.source import as_source
from nnviz_widgets.protocol import MapRequest, Watch
from tests.core import networks

if TYPE_CHECKING:
    from pathlib import Path

    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.session import Session

OF_RUNS = "each run has batches of its own"
FEW_BYTES = 1
"""Too little to hold a batch that comes once."""
OF_STEPS = "each step has a batch of its own"


def session(**arguments: object) -> Session:
    return networks.mlp().session(probe=Probe(every=1), **arguments)


def note(first: Recording, second: Recording, step: int) -> str | None:
    """Return what is said beside the difference of the activations of two runs at a step."""
    source = Comparison(as_source(first), as_source(second), "step", ("one", "other"))
    watch = Watch(1, "page", "hidden", step, 0, [MapRequest("activations", 9, 9)], run="difference")
    moment = moment_of(source, watch, lambda recording: keys_of(recording, watch))
    frame, _ = frame_message(
        moment.recording, moment.watch, moment.keys, moment.step, 1, exact=True, beside=moment.beside
    )
    (plane,) = frame.planes
    assert plane.missing is None
    return plane.note


def said(first: Recording, second: Recording, step: int, minus: int | None = None) -> str | None:
    """Return the same where the shapes differ, or of two steps: the second's, and that of the first."""
    source = Comparison(as_source(first), as_source(second), "step", ("one", "other"))
    return whose_batches(second, step, Beside(first, source.alignment, step if minus is None else minus))


def fed(session: Session) -> np.ndarray:
    """Return the inputs of the last batch."""
    assert session.batch is not None
    return np.asarray(session.batch[0])


@pytest.mark.parametrize("seed", [None, 5], ids=["own order", "seeded"])
def test_a_fork_takes_the_batches_of_the_first_and_nothing_else_is_said(seed: int | None) -> None:
    with session(seed=seed) as first:
        first.step(2)
        with first.fork(learning_rate=0.5) as fork:
            first.step(5)
            fork.step(5)
            np.testing.assert_array_equal(fed(first), fed(fork))
            assert note(first.recording, fork.recording, 7) is None
            with fork.fork() as second:
                second.step(1)
                first.step(1)
                assert note(first.recording, second.recording, 8) is None


def test_a_fork_with_other_batches_has_batches_of_its_own() -> None:
    with session() as first:
        first.step(2)
        with first.fork(batch_size=4) as fork:
            first.step(7)
            fork.step(7)
            assert note(first.recording, fork.recording, 3) is None, "from the next epoch on"
            assert said(first.recording, fork.recording, 9) == OF_RUNS


def test_two_sessions_have_batches_of_their_own_even_if_both_have_one_branch() -> None:
    with session() as one, session(shuffle=False) as other:
        one.step(2)
        other.step(2)
        assert one.recording.branches == other.recording.branches == ("main",)
        assert (fed(one) != fed(other)).any()
        assert note(one.recording, other.recording, 2) == OF_RUNS


def test_branches_take_the_same_batches_until_one_is_fed_otherwise() -> None:
    with session() as one:
        one.step(9)
        one.rewind(2)
        one.edit.batch_size(4)
        one.step(5)
        main, branch = (one.branches[name].recording for name in ("main", "branch 1"))
        assert note(main, branch, 3) is None
        assert said(main, branch, 7) == OF_RUNS


def test_a_way_back_that_is_not_exact_brings_other_batches() -> None:
    import tensorflow as tf

    network = networks.mlp()
    data = tf.data.Dataset.from_tensor_slices((network.x, network.y)).shuffle(22).batch(8)
    few = Snapshots(every=2, memory=FEW_BYTES)
    with networks.Network(network.model, data).session(probe=Probe(every=1), snapshots=few, shuffle=False) as one:
        one.run(until=5)
        one.wait()
        one.rewind(3, state_only=True)
        one.step(2)
        main, branch = (one.branches[name].recording for name in ("main", "branch 1"))
        assert said(main, branch, 2) == OF_RUNS


def test_two_steps_of_branches_have_a_batch_each() -> None:
    with session() as one:
        one.step(8)
        one.rewind(2)
        one.step(5)
        main, branch = (one.branches[name].recording for name in ("main", "branch 1"))
        assert said(main, branch, 6) is None
        assert said(main, branch, 6, minus=5) == OF_STEPS


def test_a_recording_that_was_opened_does_not_tell(tmp_path: Path) -> None:
    from nnviz_widgets.core.storage.reader import open_recording

    with session() as one:
        one.step(2)
        path = tmp_path / "a.nnv"
        one.recording.save(path)
        found = open_recording(path)
        assert note(one.recording, found, 2) == OF_RUNS
        found.close()
