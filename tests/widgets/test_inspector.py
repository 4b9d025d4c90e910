"""The widget itself: its arguments, what is saved of it, and its end."""

import gc
import json
import threading
import weakref

import ipywidgets
import pytest

from nnviz_widgets import front_end as front_end_module
from nnviz_widgets.errors import FrontEndMissing, InvalidArgumentError
from nnviz_widgets.widgets.cursor import Cursor
from nnviz_widgets.widgets.inspector import Inspector
from tests.widgets.fakes import FakeSession, Page, dense_catalogue, until


def publishers():
    return [thread for thread in threading.enumerate() if thread.name == "nnviz publisher"]


def test_it_knows_its_source(make_inspector, session):
    inspector = make_inspector(session)
    assert inspector.source is session
    assert inspector.recording is session.recording
    assert inspector.cursor.layer == "hidden"
    assert inspector.get_state("cursor") == {"cursor": f"IPY_MODEL_{inspector.cursor.model_id}"}
    assert inspector._panels == list(Inspector.PANELS)


def test_inspectors_of_one_session_share_its_cursor(make_inspector, session):
    first, second = make_inspector(session), make_inspector(session, panels=["weights"])
    assert first.cursor is second.cursor
    assert second._panels == ["weights"]
    own = Cursor()
    assert make_inspector(session, cursor=own).cursor is own


def test_an_unknown_panel_names_the_choices(stub_front_end, session):
    with pytest.raises(InvalidArgumentError, match='"timeline"'):
        Inspector(session, panels=["wieghts"])
    assert session.viewers == []


def test_what_is_no_source_is_refused(stub_front_end):
    with pytest.raises(InvalidArgumentError, match="TrainingSession"):
        Inspector(42)


def test_a_front_end_that_is_not_built_is_said(monkeypatch, tmp_path, session):
    monkeypatch.setattr(front_end_module, "STATIC", tmp_path)
    front_end_module.front_end.cache_clear()
    with pytest.raises(FrontEndMissing, match="make build"):
        Inspector(session)
    (tmp_path / "inspector.js").write_text("export default {}")
    (tmp_path / "inspector.css").write_text(".nnv {}")
    inspector = Inspector(session)
    assert (inspector._esm, inspector._css) == ("export default {}", ".nnv {}")
    inspector.close()
    front_end_module.front_end.cache_clear()


def test_no_thread_before_a_page_is_there(inspector):
    assert publishers() == []
    page = Page(inspector)
    page.reply(page.ready())
    assert len(publishers()) == 1


def test_C20_closed_and_collected(stub_front_end, session):
    inspector = Inspector(session)
    page = Page(inspector)
    page.reply(page.ready())
    session.turn("running")
    page.watch("weights", "activations")
    until(page.poll)
    inspector.close()
    inspector.close()
    reference = weakref.ref(inspector)
    del inspector, page
    gc.collect()
    assert reference() is None
    assert publishers() == []
    assert session.viewers == []
    session.take_step()


def test_C20_a_session_is_not_kept_alive_by_its_widgets(stub_front_end):
    session = FakeSession()
    inspector = Inspector(session)
    inspector.close()
    reference = weakref.ref(session)
    del session, inspector
    gc.collect()
    assert reference() is None


def test_C20_closed_by_the_page(inspector, session):
    inspector.comm.handle_close({})
    assert session.viewers == []
    assert inspector.comm is None


def test_C21_saved_state_is_small_and_holds_no_tensor(make_inspector):
    names = tuple(f"block_{number}/dense" for number in range(300))
    session = FakeSession(dense_catalogue(*[20] * 301, names=names))
    inspector = make_inspector(session)
    page = Page(inspector)
    page.ready()
    session.take_step(full=True)
    session.failure_title, session.failure_text = "x" * 10**5, "y" * 10**6
    session.turn("failed")
    page.watch("weights", layer="block_7/dense")
    until(page.poll)
    until(lambda: inspector._status["failure"])
    state = ipywidgets.Widget.get_manager_state()["state"]
    for model in state.values():
        model["state"].pop("_esm", None)
        model["state"].pop("_css", None)
        assert not model.get("buffers")
    assert len(json.dumps(state, allow_nan=False)) < 64 << 10


def test_a_page_cannot_write_what_is_ours(inspector):
    before = inspector.get_state(["_status", "_panels", "_esm"])
    inspector.set_state({"_status": {"state": "hacked"}, "_panels": [], "_esm": "alert(1)", "tooltip": "fine"})
    assert inspector.get_state(["_status", "_panels", "_esm"]) == before
    assert inspector.tooltip == "fine"


def test_P01_the_fallback_for_a_dead_kernel_is_escaped_text(make_inspector):
    session = FakeSession(name="</b><script>alert(1)</script>")
    data, _ = make_inspector(session)._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert "<script>" not in data["text/html"]
    assert "run the cell again" in data["text/html"]
    assert "\n" not in data["text/plain"]


def test_a_closed_inspector_says_so(inspector):
    inspector.close()
    assert "closed" in repr(inspector)
