"""A session that looks like one and trains nothing."""

from __future__ import annotations

import pytest

from tests.widgets.fakes import FakeSession


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()
