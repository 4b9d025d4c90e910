"""A session for tests that need no other."""

from __future__ import annotations

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
