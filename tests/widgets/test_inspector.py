"""The widget itself: its arguments, what is saved of it, and its end."""

import base64
import gc
import html
import inspect
import io
import json
import threading
import weakref
from html.parser import HTMLParser

import ipywidgets
import pytest
from PIL import Image

from nnviz_widgets import front_end as front_end_module
from nnviz_widgets.errors import FrontEndMissing, InvalidArgumentError, UnknownAttribute, WrongArguments
from nnviz_widgets.sharing import page as page_module
from nnviz_widgets.sharing.export import export_html
from nnviz_widgets.sharing.privacy import Privacy
from nnviz_widgets.widgets import fallback as fallback_module
from nnviz_widgets.widgets import inspector as inspector_module
from nnviz_widgets.widgets.cursor import Cursor
from nnviz_widgets.widgets.inspector import Inspector
from nnviz_widgets.widgets.options import options
from nnviz_widgets.widgets.static import HEIGHT_WIDE, TIMELINE_HEIGHT
from tests.waiting import until
from tests.widgets.fakes import FakeSession, Page, dense_catalogue

WIDGET = "application/vnd.jupyter.widget-view+json"


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
    with pytest.raises(InvalidArgumentError, match=r"`panels` must be among .* Received: panels=True"):
        Inspector(session, True)


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
    hostile = "</b><script>alert(1)</script>"
    session = FakeSession(dense_catalogue(4, 3, names=(hostile,)), name=hostile)
    data, metadata = make_inspector(session)._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "image/png", WIDGET}
    assert "<script>" not in data["text/html"]
    assert metadata["image/png"]["alt"].count(hostile) == 2
    assert html.unescape(data["text/html"]).count(metadata["image/png"]["alt"]) == 1
    assert "\n" not in data["text/plain"]


def test_the_still_picture_is_in_the_output_and_in_no_trait(make_inspector, session):
    session.take_step(full=True)
    inspector = make_inspector(session)
    data, metadata = inspector._repr_mimebundle_()
    png = base64.b64decode(data["image/png"])
    image = Image.open(io.BytesIO(png))
    assert image.size == (2 * metadata["image/png"]["width"], 2 * metadata["image/png"]["height"])
    assert f"data:image/png;base64,{data['image/png']}" in data["text/html"]
    assert len(json.dumps(data)) < 200 << 10
    assert data["image/png"][:400] not in json.dumps(inspector.get_state(), default=str)


def test_the_still_picture_is_of_what_is_looked_at(make_inspector, session):
    session.take_step(full=True)
    inspector = make_inspector(session)
    first = inspector._repr_mimebundle_()[0]["image/png"]
    inspector.cursor.layer = "digits"
    second = inspector._repr_mimebundle_()[0]["image/png"]
    inspector.cursor.step = 0
    assert len({first, second, inspector._repr_mimebundle_()[0]["image/png"]}) == 3


@pytest.mark.parametrize("words", ["run the cell again", "This page forbids the widget code (CSP script-src blob:)"])
def test_C09_C17_the_fallback_says_what_may_be_wrong_and_how_to_get_back(inspector, words):
    assert words in inspector._repr_mimebundle_()[0]["text/html"]


def test_a_view_is_shown_and_the_log_says_why_where_no_still_can_be_drawn(inspector, monkeypatch, caplog):
    monkeypatch.setattr(fallback_module, "still", lambda *_: 1 / 0)
    data, metadata = inspector._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", WIDGET}
    assert metadata == {}
    assert "run the cell again" in data["text/html"]
    assert "the still picture of a view could not be drawn" in caplog.text


@pytest.fixture
def stub_page(monkeypatch):
    """The page of shared files must not have to be built for the Python side to be tested."""
    monkeypatch.setattr(page_module, "page_front_end", lambda: ('say("a & b")', "b {}"))


def frame_of(data):
    """The attributes of the frame in an output."""
    attributes = {}

    class Frames(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag == "iframe":
                attributes.update(attrs)

    Frames().feed(data["text/html"])
    return attributes


@pytest.fixture
def displayed(monkeypatch):
    """What was displayed beside the cell's own value."""
    seen = []
    monkeypatch.setattr(inspector_module, "display", lambda data, raw: seen.append(data))
    return seen


def test_show_static_is_the_page_of_a_file_in_a_frame_without_rights(inspector, session, stub_page, displayed):
    session.take_step(full=True)
    assert inspector.show_static(title='a "title"') is None
    (data,) = displayed
    frame = frame_of(data)
    assert frame["sandbox"] == "allow-scripts allow-downloads"
    assert frame["title"] == 'a "title"'
    assert frame["srcdoc"].startswith("<!doctype html>")
    assert 'say("a & b")' in frame["srcdoc"]
    assert '"left_out":["left out: ' in frame["srcdoc"]
    assert set(data) == {"text/plain", "text/html", "image/png"}


def test_show_static_takes_what_export_html_takes(inspector, session, stub_page, displayed):
    session.take_step(full=True)
    inspector.show_static(layers="hidden", steps=-1, kinds="weights", max_bytes="300 kB", privacy=Privacy("inputs"))
    assert '"digits"' not in frame_of(displayed[0])["srcdoc"].partition("nnviz-manifest")[2].partition("</script>")[0]
    ours = inspect.signature(inspector.show_static).parameters
    theirs = [
        each for name, each in inspect.signature(export_html).parameters.items() if name not in ("source", "path")
    ]
    assert list(ours) == [each.name for each in theirs]
    with pytest.raises(WrongArguments, match="Did you mean `layers`"):
        inspector.show_static(layer="hidden")
    with pytest.raises(InvalidArgumentError, match="max_bytes"):
        inspector.show_static(max_bytes="1 kB")


def test_a_static_view_without_a_timeline_is_less_high(make_inspector, session, stub_page):
    session.take_step(full=True)
    with options(static=True):
        whole, less = (
            make_inspector(session, panels=panels)._repr_mimebundle_()[0]["text/html"]
            for panels in (None, ["layers", "weights"])
        )
    assert f"clamp({HEIGHT_WIDE}px" in whole
    assert f"clamp({HEIGHT_WIDE - TIMELINE_HEIGHT}px" in less


def test_a_static_view_is_shown_where_the_option_says_so(inspector, session, stub_page):
    session.take_step(full=True)
    with options(static=True):
        data, _ = inspector._repr_mimebundle_()
    assert WIDGET not in data
    assert frame_of(data)["srcdoc"].startswith("<!doctype html>")
    assert WIDGET in inspector._repr_mimebundle_()[0]


def test_options_know_their_names_and_values():
    assert repr(options) == "<Options: static=False>"
    options.static = True
    assert options.static is True
    options.reset()
    assert options.static is False
    with pytest.raises(UnknownAttribute, match="`static`"):
        options.statc = True
    with pytest.raises(InvalidArgumentError, match="True or False"):
        options.static = "yes"
    with pytest.raises(WrongArguments, match="Did you mean `static`"):
        options(statik=True)
    with pytest.raises(ZeroDivisionError), options(static=True):
        raise ZeroDivisionError
    assert options.static is False


def test_a_closed_inspector_says_so(inspector):
    inspector.close()
    assert "closed" in repr(inspector)
