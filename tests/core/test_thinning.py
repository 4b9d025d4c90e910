"""Old steps are given up for new ones: within the places there are, and the sparser the older."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.thinning import drop_order, surviving


def simulated(n_steps: int, n_places: int) -> np.ndarray:
    """Keep one step after another, thinning whenever there are too many, and return the ordinals left."""
    kept = np.empty(0, np.int64)
    for ordinal in range(n_steps):
        kept = np.append(kept, ordinal)
        if kept.size > n_places:
            kept = kept[surviving(kept, ordinal, n_places - n_places // 8)]
    return kept


@given(st.integers(1, 900), st.integers(4, 60))
def test_never_more_than_places_and_always_the_newest_and_the_first(n_steps, n_places):
    kept = simulated(n_steps, n_places)
    assert kept.size <= n_places
    assert kept[-1] == n_steps - 1
    assert kept[0] == 0


@given(st.integers(2, 900), st.integers(16, 60))
def test_spacing_grows_with_age(n_steps, n_places):
    gaps = np.diff(simulated(n_steps, n_places))
    assert (np.diff(gaps) <= 0).all(), gaps
    assert gaps[-1] == 1


@given(st.integers(100, 900), st.integers(16, 60))
def test_spacing_is_proportional_to_age(n_steps, n_places):
    """No stretch of the past is forgotten while another is kept finely: a gap is at most twice its own age."""
    kept = simulated(n_steps, n_places)
    ages = n_steps - 1 - kept[1:]
    assert (np.diff(kept) <= 2 * np.maximum(1, ages)).all()


@given(st.lists(st.integers(0, 5000), unique=True, min_size=1).map(sorted), st.integers(0, 100))
def test_order_names_each_step_once_whatever_was_dropped_before(ordinals, later):
    order = drop_order(ordinals, ordinals[-1] + later)
    assert sorted(order) == list(range(len(ordinals)))


def test_newest_is_dropped_last():
    assert drop_order(range(1, 101), 100)[-1] == 99


def test_places_left_over_are_no_reason_to_drop():
    assert surviving([0, 1, 2], 2, 10).all()


def test_many_steps_are_ordered_in_one_pass():
    """A million ordinals survive as many as there are places, down to 2 of 10^6."""
    ordinals = np.arange(1_000_000)
    for n_places in (2, 1000, 500_000):
        assert surviving(ordinals, ordinals[-1], n_places).sum() == n_places
