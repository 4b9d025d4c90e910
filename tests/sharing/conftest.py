"""A page whose script and style are short, whatever was built."""

from __future__ import annotations

import pytest

from tests.sharing.files import SCRIPT, STYLE


@pytest.fixture(autouse=True)
def _short_page(monkeypatch):
    monkeypatch.setattr("nnviz_widgets.sharing.page.page_front_end", lambda: (SCRIPT, STYLE))
