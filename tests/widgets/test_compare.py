"""`nnviz.compare`: an Inspector on two runs, of whatever they are, and the refusal of two models."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError, NotARecording
from nnviz_widgets.widgets.compare import compare
from tests.core.catalogues import dense
from tests.core.storage.runs import CATALOGUE, in_memory, open_writer, run
from tests.pictures.test_comparison import kernel
from tests.pictures.test_comparison import run as made_run
from tests.waiting import until
from tests.widgets.fakes import FakeSession, Page


@pytest.fixture
def make_comparison(stub_front_end):
    made = []

    def make(*args, **kwargs):
        made.append(compare(*args, **kwargs))
        return made[-1]

    yield make
    for inspector in made:
        inspector.close()


def looking_at(inspector):
    """A page that is ready."""
    page = Page(inspector)
    page.reply(page.ready())
    return page


def watch(page, name, step=-1, layer="dense"):
    """Ask for the weights of a run, and wait for them."""
    maps = [{"tensor": "weights", "max_rows": 64, "max_cols": 64}]
    before = len(page.poll())
    assert page.reply(page.ask("watch", layer=layer, step=step, sample=0, maps=maps, run=name))["ok"]
    until(lambda: len(page.poll()) > before)
    frame, buffers = page.frames[-1]
    (plane,) = frame["planes"]
    return frame, plane, np.frombuffer(buffers[0], "<f4").reshape(plane["rows"], plane["cols"]) if buffers else None


def test_a_page_gets_both_their_difference_and_the_lines_of_both(make_comparison):
    first, second = made_run(6, name="slow"), made_run(6, seed=1, name="fast")
    inspector = make_comparison(first, second)
    page = looking_at(inspector)
    assert (inspector._status["source"], inspector._status["runs"]) == ("comparison", ["slow", "fast"])
    until(lambda: page.comm.customs("series"))
    ((series, _), *_) = page.comm.customs("series")
    assert {column["run"] for column in series["columns"]} == {0, 1}
    for name, expected in (
        ("first", kernel(first, 6)),
        ("second", kernel(second, 6)),
        ("difference", kernel(second, 6) - kernel(first, 6)),
    ):
        frame, plane, cells = watch(page, name)
        assert (frame["step"], plane["missing"]) == (6, None)
        np.testing.assert_array_equal(cells, expected)
        where = {"layer": "dense", "step": 6, "sample": 0, "tensor": "weights", "row": 1, "column": 4, "run": name}
        assert np.float32(page.reply(page.ask("read", **where))["values"]["weights"]) == expected[1, 4]


def test_paths_are_opened_named_after_their_files_and_closed_with_the_view(make_comparison, tmp_path):
    paths = [tmp_path / "before.nnv", tmp_path / "after.nnv"]
    for path in paths:
        run(open_writer(path)).close()
    inspector = make_comparison(str(paths[0]), paths[1])
    assert inspector._status["runs"] == ["before", "after"]
    _, plane, cells = watch(looking_at(inspector), "difference")
    assert plane["missing"] is None
    assert not cells.any()
    read = [inspector.source.recording, inspector.source.other]
    inspector.close()
    for recording in read:
        with pytest.raises(nnviz.NnvizError):
            recording.tensor("dense", "weights")


def test_recordings_that_were_given_stay_open(make_comparison, tmp_path):
    run(open_writer(tmp_path / "a.nnv")).close()
    with_path = open_recording(tmp_path / "a.nnv")
    make_comparison(with_path, in_memory()).close()
    assert with_path.tensor("dense", "weights").shape == (6, 5)
    with_path.close()


def test_the_view_keeps_both_alive_and_its_cursor_neither(make_comparison):
    inspector = make_comparison(in_memory(), in_memory())
    cursor, alive = inspector.cursor, weakref.ref(inspector.source.other)
    gc.collect()
    assert alive() is not None
    assert [layer.path for layer in inspector.recording.layers] == ["dense", "dense_1"]
    cursor.layer = "dense_1"
    assert cursor.layer_index == 1
    inspector.close()
    gc.collect()
    assert alive() is not None, "who holds the view may still ask for its recordings"


def test_a_cursor_keeps_no_run_alive(stub_front_end):
    inspector = compare(in_memory(), in_memory())
    cursor, alive = inspector.cursor, weakref.ref(inspector.source)
    inspector.close()
    del inspector
    until(lambda: gc.collect() >= 0 and alive() is None)
    cursor.refresh()
    assert cursor.layer == "dense"


def test_two_views_of_one_comparison_share_their_cursor(make_comparison, make_inspector):
    inspector = make_comparison(in_memory(), in_memory(), names=("a", "b"))
    again = make_inspector(inspector, panels=["timeline"])
    assert again.cursor is inspector.cursor
    assert again._status["runs"] == ["a", "b"]
    assert repr(again) == "<Inspector of <Comparison of 'a' and 'b' by step>: timeline>"


def test_sessions_are_followed_and_asked_for_what_is_shown(make_comparison):
    first, second = FakeSession(CATALOGUE, "one"), FakeSession(CATALOGUE, "two")
    inspector = make_comparison(first, second)
    page = looking_at(inspector)
    for session in (first, second):
        session.take_step(full=True)
        session.turn("running")
    until(lambda: inspector._status["state"] == "running")
    page.ask("watch", layer="dense", step=-1, sample=0, run="difference", maps=[WEIGHTS])
    until(lambda: inspector._publisher._wanted)
    wanted = second.take_step()
    assert {(key.layer, key.kind) for key in wanted} == {("dense", "weights")}
    first.take_step(full=True)
    until(lambda: any(frame["step"] == 2 for frame, _ in page.poll()))
    assert page.reply(page.ask("run"))["error"].startswith("A recording cannot be trained")
    inspector.close()
    assert first.viewers == second.viewers == []


WEIGHTS = {"tensor": "weights", "max_rows": 9, "max_cols": 9}


def test_notices_of_both_are_told(make_comparison):
    first, second = in_memory(), in_memory()
    page = looking_at(make_comparison(first, second))
    until(lambda: page.comm.customs("notice"))
    ((notice, _), *_) = page.comm.customs("notice")
    assert notice["text"] == "at step 5. at step 10. at step 5. at step 10"


@pytest.mark.parametrize(
    ("given", "stems", "expected"),
    [
        (("sequential", "sequential_1"), ("slow", "fast"), ["slow", "fast"]),
        (("sequential", "sequential_1"), ("a", "a"), ["sequential", "sequential_1"]),
        (("mine", "sequential_1"), ("slow", "fast"), ["mine", "sequential_1"]),
        (("a", "a"), ("slow", "fast"), ["slow", "fast"]),
        (("a", "b"), ("", ""), ["a", "b"]),
        (("a", "a"), ("", ""), ["first", "second"]),
        (("", "b"), ("", ""), ["first", "second"]),
    ],
)
def test_names_tell_them_apart(make_comparison, tmp_path, given, stems, expected):
    recordings = [in_memory(), in_memory()]
    for number, (recording, name, stem) in enumerate(zip(recordings, given, stems, strict=True)):
        recording.name = name
        if stem:
            recordings[number] = tmp_path / str(number) / f"{stem}.nnv"
            recording.save(recordings[number])
    assert make_comparison(*recordings)._status["runs"] == expected
    assert make_comparison(*recordings, names=["x", "y"])._status["runs"] == ["x", "y"]


def test_another_model_is_refused_with_what_differs(stub_front_end, tmp_path):
    path = tmp_path / "a.nnv"
    recording = open_writer(path)
    recording.set_catalogue(dense(6, 4, 3))
    recording.close()
    with pytest.raises(InvalidArgumentError) as refusal:
        compare(in_memory(), path)
    assert "must be runs of the same model. Received: 'run' and 'run': `dense/kernel` has the shape (6, 5)" in str(
        refusal.value
    )
    with pytest.raises(InvalidArgumentError, match="no layer of the second is known yet"):
        compare(in_memory(), nnviz.Recording("empty"))


def test_a_file_that_was_opened_for_a_refused_comparison_is_closed(stub_front_end, tmp_path, monkeypatch):
    from nnviz_widgets.widgets import compare as module

    run(open_writer(tmp_path / "a.nnv")).close()
    opened = []
    monkeypatch.setattr(module, "open_recording", lambda path: opened.append(open_recording(path)) or opened[-1])
    with pytest.raises(NotARecording):
        compare(tmp_path / "a.nnv", tmp_path / "none.nnv")
    with pytest.raises(nnviz.NnvizError):
        opened[0].tensor("dense", "weights")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"b": 3}, "`b` must be a recording, the path of one, or a session. Received: 3"),
        ({"by": "batch"}, '`by` must be "step" or "epoch". Received: by=\'batch\''),
        ({"names": ("a",)}, "`names` must be two texts"),
        ({"names": "ab"}, "`names` must be two texts"),
        ({"panels": ["maps"]}, "`panels` must be among"),
    ],
)
def test_what_is_none_of_it_is_refused(stub_front_end, arguments, words):
    with pytest.raises(InvalidArgumentError) as refusal:
        compare(**{"a": in_memory(), "b": in_memory(), **arguments})
    assert words in str(refusal.value)


def test_one_file_is_of_one_run(make_comparison, tmp_path):
    inspector = make_comparison(in_memory(), in_memory(), names=("a", "b"))
    with pytest.raises(InvalidArgumentError, match=r"must be one run\. Received: <Comparison"):
        nnviz.export_html(inspector, tmp_path / "a.html")
    with nnviz.options(static=True):
        data, _ = inspector._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_still_picture_is_of_the_first_and_says_so(make_comparison):
    inspector = make_comparison(in_memory(), in_memory(), names=("a", "b"))
    picture = inspector._still()
    assert picture is not None
    assert "a, compared with b: comparison" in picture.words
