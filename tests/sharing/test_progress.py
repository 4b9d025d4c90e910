from __future__ import annotations

import io

import pytest

from nnviz_widgets.sharing.progress import Progress


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_short_work_says_nothing():
    stream, clock = io.StringIO(), Clock()
    with Progress("Writing", 10, stream, clock) as progress:
        for _ in range(10):
            clock.now += 0.09
            progress.advance()
    assert stream.getvalue() == ""


def test_long_work_tells_how_far_it_is_twice_a_second_and_cleans_up():
    stream, clock = io.StringIO(), Clock()
    with Progress("Writing", 40, stream, clock) as progress:
        for _ in range(20):
            clock.now += 0.125
            progress.advance(2)
    states = stream.getvalue().split("\r")
    assert states[1:-2] == ["Writing: 40 %", "Writing: 60 %", "Writing: 80 %", "Writing: 100 %"]
    assert states[-2:] == [" " * len("Writing: 100 %"), ""]


def test_the_line_goes_when_the_work_fails():
    stream, clock = io.StringIO(), Clock()

    def work():
        with Progress("Writing", 2, stream, clock) as progress:
            clock.now += 2
            progress.advance()
            raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"):
        work()
    assert stream.getvalue().endswith("Writing: 50 %\r" + " " * len("Writing: 50 %") + "\r")


def test_nothing_to_do_is_done():
    stream, clock = io.StringIO(), Clock()
    with Progress("Writing", 0, stream, clock) as progress:
        clock.now += 2
        progress.advance(0)
    assert "Writing: 0 %" in stream.getvalue()
