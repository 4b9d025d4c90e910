"""A name that there is not leads to those that may be meant."""

import time

import pytest

from nnviz_widgets.core.names import nearest

KNOWN = ["hidden", "digits", "block/conv", "block/dense"]


@pytest.mark.parametrize(
    ("name", "found"),
    [("hiden", ["hidden"]), ("block/con", ["block/conv", "block/dense"]), ("zzz", KNOWN[:3]), ("", KNOWN[:3])],
)
def test_the_nearest_come_first_and_else_the_first(name, found):
    assert nearest(name, KNOWN) == found


def test_no_name_at_all():
    assert nearest("hidden", []) == []


def test_a_flood_of_a_name_costs_nothing():
    started = time.thread_time()
    nearest("hidden/" * 100_000, KNOWN)
    assert time.thread_time() - started < 0.5
