"""A comm that tells what was sent, a front end that need not be built, and no widget left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import comm
import ipywidgets
import pytest

from nnviz_widgets import front_end as front_end_module
from nnviz_widgets.widgets import clients, publisher
from nnviz_widgets.widgets import inspector as inspector_module
from nnviz_widgets.widgets.inspector import Inspector
from tests.widgets.fakes import Clock, FakeComm, FakeSession, Page, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _no_kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(comm, "create_comm", lambda *args, **kwargs: FakeComm(*args, **kwargs))
    yield
    ipywidgets.Widget.close_all()


@pytest.fixture
def stub_front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python side must be testable before the front end is built."""
    monkeypatch.setattr(inspector_module, "front_end", lambda: ("export default {}", ".nnv {}"))
    front_end_module.front_end.cache_clear()


@pytest.fixture
def make_inspector(stub_front_end: None) -> Iterator[Callable[..., Inspector]]:
    made = []

    def make(*args: Any, **kwargs: Any) -> Inspector:
        made.append(Inspector(*args, **kwargs))
        return made[-1]

    yield make
    for inspector in made:
        inspector.close()


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def inspector(make_inspector: Callable[..., Inspector], session: FakeSession) -> Inspector:
    return make_inspector(session)


@pytest.fixture
def page(inspector: Inspector) -> Page:
    page = Page(inspector)
    page.reply(page.ready())
    return page


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch, make_inspector: Callable[..., Inspector], session: FakeSession) -> Turns:
    """A publisher without a thread, on a clock that the test moves."""
    clock = Clock()
    for module in (clients, publisher):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(publisher.Publisher, "_hurry", lambda self: None)
    return Turns(make_inspector(session), session, clock)


@pytest.fixture
def looker(turns: Turns) -> Page:
    """A page that is ready, of an Inspector whose turns are taken by hand."""
    page = Page(turns.inspector)
    page.ready()
    turns.take()
    return page
