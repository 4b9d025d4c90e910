"""State and goal, shared by callers and the training thread."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.control import Control, Goal, parse_until
from nnviz_widgets.errors import InvalidArgumentError


@pytest.mark.parametrize(("until", "parsed"), [(None, None), ("epoch", "epoch"), (7, 7), (np.int32(7), 7), (0, 0)])
def test_until_is_a_step_or_the_epoch_or_nothing(until: Any, parsed: Any) -> None:
    assert parse_until(until) == parsed


@pytest.mark.parametrize("wrong", ["end", 7.0, True, "7", np.zeros(2), [7]])
def test_any_other_until_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="`until`"):
        parse_until(wrong)


def test_who_wants_the_end_is_told_how() -> None:
    with pytest.raises(InvalidArgumentError, match=r"Received: until='end'\. To train to the end use `until=None`"):
        parse_until("end")


def test_every_change_of_the_state_is_told() -> None:
    told: list[str] = []
    control = Control(lambda: told.append(control.state))
    control.start(Goal(until_step=3))
    assert control.running
    assert control.goal == Goal(until_step=3)
    control.set_state("paused")
    assert told == ["running", "paused"]


def test_wait_ends_with_the_run_or_with_the_time() -> None:
    control = Control(lambda: None)
    assert control.wait_while_running() is True
    control.start(Goal())
    begin = time.monotonic()
    assert control.wait_while_running(0.15) is False
    assert time.monotonic() - begin >= 0.15
    assert control.wait_while_running(0) is False
    threading.Timer(0.05, control.set_state, ["finished"]).start()
    assert control.wait_while_running(30) is True


def test_sleep_ends_when_something_changes() -> None:
    control = Control(lambda: None)
    threading.Timer(0.05, control.set_state, ["paused"]).start()
    begin = time.monotonic()
    control.sleep(30)
    assert time.monotonic() - begin < 20
