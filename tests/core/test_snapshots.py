"""Which snapshots are taken, and which stay."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.sickness import SicknessWatch
from nnviz_widgets.core.snapshots import Kept, Snapshots, SnapshotStore, as_snapshots
from nnviz_widgets.errors import InvalidArgumentError


@dataclass
class State:
    n_bytes: int


def kept(step: int, n_bytes: int = 10, branch: str = "main", *, pinned: bool = False) -> Kept:
    return Kept(branch, step, step - 1, State(n_bytes), None, SicknessWatch(), 0, pinned)


def store(memory: int, steps: range | list[int], every: int | None = 1) -> SnapshotStore:
    filled = SnapshotStore(Snapshots(every, memory))
    for step in steps:
        filled.add(kept(step), 0.001)
    return filled


def steps_of(filled: SnapshotStore) -> list[int]:
    return filled.steps([("main", 10**9)])


def test_R08_over_the_budget_the_oldest_are_thinned_and_step_0_and_the_newest_stay() -> None:
    filled = store(100, range(200))
    assert filled.n_bytes <= 100
    left = steps_of(filled)
    assert left[0] == 0
    assert left[-1] == 199
    gaps = [b - a for a, b in itertools.pairwise(left)]
    assert gaps[-1] == 1
    assert gaps[0] > gaps[-1], left
    assert filled.n_dropped == 200 - len(left)


@given(st.lists(st.integers(0, 60), unique=True, min_size=1), st.integers(1, 100), st.integers(1, 30))
def test_R08_what_must_stay_stays_however_little_memory_there_is(steps: list[int], memory: int, size: int) -> None:
    filled = SnapshotStore(Snapshots(1, memory))
    for step in sorted(steps):
        filled.add(kept(step, size, pinned=step % 7 == 3), 0.001)
        left = set(steps_of(filled))
        must = {one for one in steps if one <= step and (one == 0 or one == step or one % 7 == 3)}
        assert must <= left
        assert filled.n_bytes <= memory or left == must
    assert (filled.over_budget() is not None) == (filled.n_bytes > memory)


def test_R08_that_it_is_too_little_is_said_in_words() -> None:
    filled = store(15, range(3))
    assert steps_of(filled) == [0, 2]
    assert filled.over_budget() == (
        "snapshots hold 20 B, more than their 15 B: only step 0 and the newest are left. Give them more: "
        "snapshots=nnviz.Snapshots(memory=...)"
    )


def test_one_of_the_same_step_takes_the_place_of_the_other() -> None:
    filled = store(1000, [0, 1, 2])
    again = kept(1, 50, pinned=True)
    filled.add(again, 0.001)
    assert filled.before([("main", 9)], 1) is again
    assert len(filled) == 3


def test_only_steps_of_the_branch_and_of_what_it_shares_count() -> None:
    filled = store(1000, range(0, 10, 2))
    filled.add(kept(7, branch="branch 1"), 0.001)
    lineage = [("branch 1", 9), ("main", 5)]
    assert filled.steps(lineage) == [0, 2, 4, 7]
    assert [filled.before(lineage, step).step for step in (0, 3, 6, 7, 100)] == [0, 2, 4, 7, 7]  # type: ignore[union-attr]
    assert filled.before([("other", 9)], 9) is None


def test_every_n_steps_where_that_is_asked_for() -> None:
    filled = SnapshotStore(Snapshots(every=3))
    assert [step for step in range(10) if filled.is_due(step)] == [0, 3, 6, 9]


def test_else_as_often_as_costs_little() -> None:
    filled = SnapshotStore(Snapshots())
    assert filled.is_due(1)
    filled.add(kept(1), seconds=1000.0)
    assert not filled.is_due(2)
    filled.forget()
    assert filled.is_due(3)
    assert not len(filled)


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "10"])
def test_steps_between_two_must_be_a_number(every: object) -> None:
    with pytest.raises(InvalidArgumentError, match="`every` must be a number of steps"):
        Snapshots(every=every)  # type: ignore[arg-type]


def test_options_are_checked() -> None:
    assert Snapshots(memory="2 MB").memory == 2_000_000
    with pytest.raises(InvalidArgumentError, match="`memory` must be"):
        Snapshots(memory="much")
    assert as_snapshots(None) == as_snapshots(True) == Snapshots()
    assert as_snapshots(False) is None
    with pytest.raises(InvalidArgumentError, match="`snapshots` must be"):
        as_snapshots(10)


def test_R08_a_snapshot_of_the_same_step_takes_the_bytes_of_the_other() -> None:
    filled = store(1000, range(5))
    filled.add(kept(3, 25), 0.001)
    assert (len(filled), filled.n_bytes) == (5, 4 * 10 + 25)
    filled.forget()
    assert filled.n_bytes == 0
