"""A warning points at the line of the user."""

from __future__ import annotations

import inspect

import pytest

from nnviz_widgets.core.session import Session
from nnviz_widgets.core.warn import warn


def test_line_is_that_of_the_caller_outside_the_package(session: Session) -> None:
    session.step()
    line = inspect.currentframe().f_lineno + 2
    with pytest.warns(UserWarning, match="changes nothing") as caught:
        session.run(until=1)
    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, line)]


def test_direct_call_warns_at_its_own_line() -> None:
    with pytest.warns(UserWarning, match="^hot$") as caught:
        warn("hot")
    assert caught[0].filename == __file__
