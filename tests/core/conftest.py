"""A session for tests that need no other, and an end of what tests of `fit` leave behind."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from tests.core import networks

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def session() -> Iterator[Session]:
    """A session of nine steps that nobody watches."""
    with networks.line().session(probe=Probe(layers=())) as made:
        yield made


@pytest.fixture
def no_fit_left_behind() -> Iterator[None]:
    """What `fit` leaves in mid-epoch waits for the garbage collector, and whoever collects waits for its threads."""
    yield
    gc.collect()
