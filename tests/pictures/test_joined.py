"""What is made of kept arrays is made once, and no longer held than they are."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.pictures import joined
from nnviz_widgets.pictures.joined import joined_once


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "_held", {})


def both(*halves: np.ndarray) -> np.ndarray:
    return np.concatenate(halves)


def test_the_same_parts_are_joined_once_whatever_views_they_come_as() -> None:
    one, other = np.arange(3.0), np.arange(3.0, 6.0)
    first = joined_once(both, one.view(), other.view())
    assert joined_once(both, one.view(), other.view()) is first
    np.testing.assert_array_equal(first, np.arange(6.0))


def test_parts_that_lie_elsewhere_in_the_same_memory_are_other_parts() -> None:
    one = np.arange(6.0)
    np.testing.assert_array_equal(joined_once(both, one[:3], one[3:]), one)
    np.testing.assert_array_equal(joined_once(both, one[3:], one[:3]), [3, 4, 5, 0, 1, 2])


def test_what_is_joined_goes_with_its_parts() -> None:
    one, other = np.arange(3.0), np.arange(3.0, 6.0)
    joined_once(both, one.view(), other.view())
    assert len(joined._held) == 1
    del one
    assert joined._held == {}


def test_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "MOST_BYTES", 100)
    parts = [np.full(4, float(n)) for n in range(3)]  # joined with itself, 64 bytes
    made = [joined_once(both, part, part) for part in parts]
    assert [array for _, array in joined._held.values()] == [made[2]]
    large = np.zeros(40)
    assert joined_once(both, large, large).size == 80
    assert joined._held == {}
