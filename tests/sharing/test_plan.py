from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.sharing.plan import FEW_STEPS, apart, choose, evenly, least, whole

STEPS = tuple(range(200))


def n_bytes(choice):
    """A file of one square picture at each step and for each of 16 samples."""
    cells = min(choice.room.side, 1000) ** 2 * min(choice.room.samples, 16)
    return len(choice.steps) * cells * (1 if choice.palette else 2) + choice.points


def fit(most, steps=STEPS, palette=False):
    return choose(steps, n_bytes, most, palette=palette)


def test_everything_is_taken_if_it_fits():
    assert fit(n_bytes(whole(STEPS, palette=False))) == whole(STEPS, palette=False)


def test_bytes_come_first():
    choice = fit(n_bytes(whole(STEPS, palette=False)) - 1)
    assert choice == whole(STEPS, palette=True)


def test_then_fewer_steps_with_the_first_and_the_last():
    choice = fit(n_bytes(whole(STEPS, palette=True)) * 0.4)
    assert choice.room == whole(STEPS, palette=True).room
    assert FEW_STEPS <= len(choice.steps) == 79
    assert (choice.steps[0], choice.steps[-1]) == (0, 199)


def test_then_smaller_pictures_and_not_fewer_than_fifty_steps():
    choice = fit(n_bytes(whole(STEPS, palette=True)) * 0.1)
    assert choice.room.side == 512
    assert len(choice.steps) >= FEW_STEPS


def test_then_fewer_steps_again_and_at_last_fewer_samples():
    few = fit(32 * 32 * 16 * 9)
    assert (few.room.side, len(few.steps)) == (32, 8)
    assert few.room.samples >= 16
    fewest = fit(32 * 32 * 2 * 3)
    assert fewest.room.samples < 16
    assert len(fewest.steps) >= 2


@pytest.mark.parametrize("most", [10**k for k in range(4, 11)])
def test_what_is_chosen_fits(most):
    choice = fit(most)
    assert choice is None or n_bytes(choice) <= most


def test_more_room_is_never_less():
    sizes = [n_bytes(choice) for k in range(30, 110) if (choice := fit(10 ** (k / 10))) is not None]
    assert len(sizes) > 50
    assert sizes == sorted(sizes)


def test_nothing_is_chosen_where_not_even_the_least_fits():
    assert fit(n_bytes(least(STEPS)) - 1) is None
    assert fit(n_bytes(least(STEPS))) is not None


def test_a_run_without_steps_has_one_choice():
    assert fit(1000, steps=()) == whole((), palette=False)


def test_steps_are_spread_evenly_over_the_run():
    assert evenly(range(1, 11), 4) == (1, 4, 7, 10)
    assert evenly((1, 5), 4) == (1, 5)
    assert evenly((1, 5, 7), 1) == (7,)
    assert evenly((), 3) == ()
    # A recording keeps the newest steps densely: not all that are taken are new.
    assert evenly((1, 50, *range(80, 101)), 5) == (1, 50, 80, 81, 100)
    assert evenly((1, 20, 50, 70, *range(80, 101)), 5) == (1, 20, 50, 80, 100)


def test_the_state_before_any_step_is_beside_the_first_one():
    assert evenly(range(11), 4) == (0, 1, 5, 10)
    assert evenly(range(11), 2) == (0, 10)


@given(st.sets(st.integers(0, 500), min_size=1), st.integers(1, 60))
def test_as_many_steps_as_may_be_are_taken(steps, n):
    steps = sorted(steps)
    found = evenly(steps, n)
    assert len(found) == min(n, len(steps))
    assert list(found) == sorted(set(found))
    assert set(found) <= set(steps)
    assert found[-1] == steps[-1]
    assert n == 1 or found[0] == steps[0]


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        ([], []),
        ([3], [3]),
        ([0, 1], [1]),
        ([0, 1, 2], [0, 2]),
        ([0, 1, 2, 3], [0, 3]),
        ([0, 1, 20, 21, 22, 30], [0, 20, 22, 30]),
    ],
)
def test_steps_can_be_kept_apart(steps, kept):
    assert apart(steps, 2) == kept
    assert apart(steps, 1) == steps
