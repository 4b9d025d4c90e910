from __future__ import annotations

import json
import os

import ml_dtypes
import numpy as np
import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.core.deferred import MAX_COPY_BYTES, Deferred
from nnviz_widgets.core.frame import KINDS, Catalogue, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound, WrongArguments
from nnviz_widgets.sharing.export import export_html
from nnviz_widgets.sharing.privacy import Privacy
from nnviz_widgets.sharing.select import _in_range
from tests.sharing import runs
from tests.sharing.files import SharedFile, refuse, values
from tests.widgets.fakes import FakeSession

EVERYTHING = Privacy(include=("activations", "gradients", "inputs", "labels"))


@pytest.fixture(scope="module")
def recording():
    return runs.run(6)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.html"


def written(path, *args, **kwargs):
    """The file that a call wrote."""
    manifest = export_html(args[0], path, *args[1:], **kwargs)
    shared = SharedFile(path.read_text(encoding="utf-8"))
    assert manifest.n_bytes == path.stat().st_size
    return shared


def test_it_writes_what_it_returns(recording, path):
    manifest = nnviz.export_html(recording, str(path), title="a run")
    assert manifest == nnviz.read_manifest(path)
    assert manifest.title == "a run"


# What to show.


def test_layers_are_names_paths_and_patterns(recording, path):
    assert [each.path for each in written(path, recording).document.layers] == ["flatten", "hidden", "digits"]
    shared = written(path, recording, layers=["dig*", "hidden"])
    assert [each.path for each in shared.document.layers] == ["hidden", "digits"]
    only = written(path, recording, layers="digits", privacy=EVERYTHING)
    assert {picture.layer for picture in only.document.pictures} == {"digits"}
    assert {column.layer for column in only.document.series.columns} == {None, "digits"}
    assert {each.layer for each in only.document.series.health} == {"digits"}


def test_an_unknown_layer_is_refused_with_the_nearest(recording, path):
    with pytest.raises(LayerNotFound, match=r"Received: 'hiden', which matches none\. Nearest: 'hidden'"):
        export_html(recording, path, layers=["digits", "hiden"])
    with pytest.raises(InvalidArgumentError, match="`layers` must name at least one layer"):
        export_html(recording, path, layers=[])
    assert not path.exists()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(None, [0, 1, 2, 3, 4, 5, 6]), (range(2, 5), [2, 3, 4]), ([5, 1], [1, 5]), (3, [3]), ([0, -1], [0, 6])],
)
def test_steps_are_those_that_are_named(recording, path, steps, expected):
    shared = written(path, recording, steps=steps, kinds="weights", privacy=EVERYTHING)
    assert sorted({picture.step for picture in shared.pictures(part="map")}) == expected
    assert shared.document.status.step == 6


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([3, 99], "The nearest kept: 6. Use one of these"),
        (range(50, 60), "The nearest kept: 6. Use one of these"),
        ("3", "`steps` must be None, a step, or a list or range"),
        ([1.5], "`steps` must be None, a step, or a list or range"),
        ([-2], "`steps` must be None, a step, or a list or range"),
        (True, "`steps` must be None, a step, or a list or range"),
    ],
)
def test_a_step_that_is_not_kept_is_refused_with_the_nearest(recording, path, steps, words):
    with pytest.raises(InvalidArgumentError) as caught:
        export_html(recording, path, steps=steps)
    assert words in str(caught.value)
    assert not path.exists()


def test_kinds_are_those_that_are_named(recording, path):
    shared = written(path, recording, kinds=("weights", "gradients"), privacy=EVERYTHING)
    tensors = {shared.document.headers[picture.header].tensor for picture in shared.document.pictures}
    assert tensors == {"weights", "gradients"}
    with pytest.raises(InvalidArgumentError, match="`kind` must be one of"):
        export_html(recording, path, kinds="weight")
    with pytest.raises(InvalidArgumentError, match="`kinds` must be a list"):
        export_html(recording, path, kinds=3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": 3}, "`title` must be a text"),
        ({"max_bytes": "20 XB"}, "`max_bytes` must be a number of bytes"),
        ({"privacy": "inputs"}, "`privacy` must be None"),
        ({"layers": 3}, "`layers` must be None, a name or a sequence"),
    ],
)
def test_what_an_argument_must_be_is_said(recording, path, change, words):
    with pytest.raises(InvalidArgumentError, match=words):
        export_html(recording, path, **change)
    assert not path.exists()


def test_a_misspelt_argument_is_named(recording, path):
    with pytest.raises(WrongArguments, match=r"Did you mean `privacy`\?"):
        export_html(recording, path, privat=None)


@pytest.mark.parametrize("source", [3, None, [1]])
def test_what_is_no_run_is_refused(source, path):
    with pytest.raises(InvalidArgumentError, match="`source` must be a session, a recording, its path, or an inspec"):
        export_html(source, path)


def test_the_path_must_be_a_file_in_a_folder(recording, tmp_path):
    for wrong, words in (
        (tmp_path / "none" / "run.html", "in a folder that exists"),
        (tmp_path, "must be a file"),
        (3, "must be where to write"),
        ("", "must be where to write"),
    ):
        with pytest.raises(InvalidArgumentError, match=words):
            export_html(recording, wrong)
    assert list(tmp_path.iterdir()) == []


# P03: whatever a run is, the page is valid and its JSON strict.


def session_of(state, n_steps):
    session = FakeSession()
    for _ in range(n_steps):
        session.take_step(full=True)
    session.state = state
    return session


@pytest.mark.parametrize(
    ("state", "n_steps", "shown", "words"),
    [
        ("idle", 0, "finished", "recorded up to step 0"),
        ("running", 3, "finished", "recorded up to step 3"),
        ("paused", 1, "finished", "paused at step 1"),
        ("finished", 3, "finished", "finished at step 3"),
        ("failed", 2, "failed", "failed at step 2"),
        ("failed", 0, "failed", "failed at step 0"),
    ],
)
def test_p03_a_session_in_any_state(state, n_steps, shown, words, path):
    session = session_of(state, n_steps)
    session.failure_title, session.failure_text = "ValueError: secret-words", "File secret-words"
    shared = written(path, session, privacy=EVERYTHING)
    status = shared.document.status
    assert (status.state, status.step, status.failure, status.activity) == (shown, n_steps, None, words)
    assert len({picture.step for picture in shared.pictures(part="map")}) == n_steps + 1
    assert not any(b"secret-words" in data for data in shared.every_byte())
    assert ("why the run failed" in str(shared.manifest["left_out"])) == (state == "failed")


def test_p03_an_empty_recording_and_a_model_of_no_layers(path):
    for empty in (nnviz.Recording(), nnviz.Recording("name")):
        shared = written(path, empty)
        assert shared.document.pictures == []
        assert shared.document.layers == []
        assert shared.document.layer == ""
        assert shared.manifest["content"] == []
    with pytest.raises(LayerNotFound, match="no layer is known yet"):
        export_html(nnviz.Recording(), path, layers="dense")


def test_p03_layers_before_any_step(path):
    known = runs.catalogue()
    recording = runs.Recording("run")
    recording.set_catalogue(Catalogue(known.layers, (), known.reasons))
    shared = written(path, recording, privacy=EVERYTHING)
    assert [each.path for each in shared.document.layers] == ["flatten", "hidden", "digits"]
    assert shared.document.pictures == []


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int8", "bool", "complex64"])
@pytest.mark.parametrize("fill", ["mixed", "nan", "inf", "largest"])
def test_p03_any_number_of_any_type(dtype, fill, path):
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    array = np.zeros((30, 40), kind)
    floating = kind.kind in "fcV"
    if fill == "mixed":
        array[:] = np.random.default_rng(0).integers(0, 2, array.shape).astype(kind)
        if floating:
            array[0, :3] = [np.nan, np.inf, -np.inf]
    elif floating and fill != "largest":
        array[:] = kind.type(fill)
    elif kind.kind in "fV":
        array[:] = ml_dtypes.finfo(kind).max
    recording = runs.Recording("types")
    spec = TensorSpec(TensorKey("d", "weights", "kernel"), (30, 40), dtype, ("in", "neuron"), 1)
    recording.set_catalogue(Catalogue((LayerInfo("d", "d", "D", None, ("kernel",), 1200, 1, 40),), (spec,)))
    recording.add_tensors(0, {spec.key: array})
    recording.add_step(1, 0, 0, {"loss": np.nan, "inf": np.inf, "batch_loss": -np.inf})
    for privacy in (None, EVERYTHING):
        shared = written(path, recording, privacy=privacy)
        (picture,) = shared.pictures("d")
        cells = values(shared.cells(picture))
        with np.errstate(over="ignore"):
            wanted = np.abs(array).astype("f4") if kind.kind == "c" else array.astype("f4")
        assert np.array_equal(np.isnan(cells), np.isnan(wanted))
        assert picture.n_nan == np.isnan(wanted).sum()
    assert shared.document.status.logs == {"loss": None, "inf": None, "batch_loss": None}


def test_p03_an_empty_tensor_is_said_to_have_no_picture(path):
    recording = runs.Recording("odd")
    spec = TensorSpec(TensorKey("b", "activations"), (None, 0), "float32", ("sample", "x"))
    recording.set_catalogue(Catalogue((LayerInfo("b", "b", "D", None, (), 0, None, 0),), (spec,)))
    recording.add_tensors(0, {spec.key: np.zeros((3, 0), "f4")})
    shared = written(path, recording, privacy=EVERYTHING)
    (picture,) = shared.document.pictures
    assert "no values" in shared.document.headers[picture.header].missing


def test_p03_what_is_too_large_for_its_device_is_left_out(path):
    recording = runs.run(0)
    key = TensorKey("hidden", "weights", "kernel")
    huge = Deferred((1 << 20, MAX_COPY_BYTES >> 20), "f4", None)
    recording.add_tensors(0, {key: huge})
    shared = written(path, recording)
    assert shared.pictures("hidden", "weights", variable="kernel") == []
    assert shared.pictures("digits", "weights", variable="kernel")


def test_p03_every_number_in_the_page_is_strict_json(recording, path):
    shared = written(path, recording, privacy=EVERYTHING)
    for text in (shared.index, json.dumps(shared.manifest)):
        json.loads(text, parse_constant=refuse)


# P09: the size.


@pytest.mark.parametrize("most", [60_000, 120_000, 250_000, "1 MB"])
def test_p09_a_file_is_no_larger_than_it_may_be(most, path):
    recording = runs.run(40, known=runs.catalogue(n_hidden=40, side=10))
    manifest = export_html(recording, path, max_bytes=most, privacy=EVERYTHING)
    assert path.stat().st_size <= (most if isinstance(most, int) else 1_000_000)
    assert path.stat().st_size == manifest.n_bytes
    shared = SharedFile(path.read_text(encoding="utf-8"))
    steps = sorted({picture.step for picture in shared.pictures("hidden", "weights", variable="kernel")})
    assert (steps[0], steps[-1]) == (0, 40)
    if len(steps) < 41:
        assert f"{len(steps)} of 41 kept steps" in " ".join(manifest.left_out)


def test_p09_what_cannot_fit_is_refused_with_an_estimate_before_anything_is_written(path):
    recording = runs.run(40, known=runs.catalogue(n_hidden=40, side=10))
    path.write_text("what was there before")
    with pytest.raises(InvalidArgumentError) as caught:
        export_html(recording, path, max_bytes="12 kB", privacy=EVERYTHING)
    assert "with all that was asked for it would be" in str(caught.value)
    assert "Choose fewer layers or steps" in str(caught.value)
    assert path.read_text() == "what was there before"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_p09_a_failing_disk_leaves_the_old_file(recording, path, monkeypatch):
    path.write_text("what was there before")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        export_html(recording, path)
    assert path.read_text() == "what was there before"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


# The safe default.


def test_a_public_file_has_weights_statistics_and_words_only(recording, path):
    shared = written(path, recording)
    drawn = {shared.document.headers[each.header].tensor for each in shared.document.pictures if each.cells >= 0}
    assert drawn == {"weights"}
    for kind in KINDS[1:]:
        (one,) = {shared.document.headers[each.header].missing for each in shared.pictures("hidden", kind)}
        assert one.startswith("left out of this file: ")
        assert [each.layer for each in shared.pictures("hidden", kind) if each.histogram] == ["hidden"] * 6
    assert {each.tensor for each in shared.document.withheld} == {*KINDS[1:], "inputs", "labels"}
    assert shared.document.labels == {}
    assert {line.name for line in shared.document.lines} == {"weights_l2"}
    assert not any(each.product for each in shared.document.fed)
    assert shared.manifest["opened"] == []


def test_its_weights_are_pooled_and_of_sixteen_steps_at_most(path):
    recording = runs.run(40, known=runs.catalogue(n_hidden=300, side=20))
    shared = written(path, recording)
    steps = {each.step for each in shared.pictures("hidden", "weights", variable="kernel")}
    assert len(steps) == 16
    assert {0, 40} <= steps
    sizes = {(plane.rows, plane.cols) for plane in shared.document.headers}
    assert max(side for size in sizes for side in size) <= 256


def test_no_two_of_these_steps_are_in_a_row(recording, path):
    """With plain descent, weights of two steps in a row differ by the gradient of one batch."""
    for public in (None, Privacy(include=("activations", "inputs", "labels"))):
        shared = written(path, recording, privacy=public)
        for variable in ("kernel", "bias"):
            assert [each.step for each in shared.pictures("hidden", "weights", variable=variable)] == [0, 2, 4, 6]
    shared = written(path, recording, privacy=Privacy("gradients"))
    assert len(shared.pictures("hidden", "weights", variable="kernel")) == 7


@pytest.mark.parametrize("n_samples", [9, 10])
def test_statistics_are_over_ten_samples_or_more(n_samples, path):
    shared = written(path, runs.run(2, n_samples=n_samples))
    found = [each for each in shared.document.pictures if each.histogram and each.cells < 0]
    assert bool(found) == (n_samples >= 10)


def test_few_values_have_no_histogram(recording, path):
    """A histogram of the 8 gradients of the biases would tell each of them."""
    shared = written(path, recording)
    sizes = {"kernel": 6, "bias": 0}
    for variable, n in sizes.items():
        found = shared.pictures("hidden", "gradients", variable=variable)
        assert sum(bool(each.histogram) for each in found) == n
        assert len(found) == 6


def test_the_last_batch_of_few_samples_has_no_statistics(path):
    recording = runs.run(2)
    recording.add_step(3, 0, 2, {"loss": 1.0, "batch_loss": 1.0})
    recording.add_tensors(3, runs.arrays_at(recording.catalogue, 3, n_samples=3))
    shared = written(path, recording)
    assert {each.step for each in shared.document.pictures if each.histogram and each.cells < 0} == {1, 2}


def test_the_ends_of_a_histogram_are_no_values_of_a_sample(path):
    recording = runs.run(1)
    shared = written(path, recording)
    (picture,) = shared.pictures("hidden", "activations")
    array = recording.tensor("hidden", "activations", 1)
    assert picture.low < array.min()
    assert picture.high > array.max()
    assert sum(picture.histogram) == array.size
    assert picture.clip_low is None
    assert picture.first_bad is None


@pytest.mark.parametrize(
    ("opened", "drawn"),
    [
        ("activations", {("hidden", "activations"), ("digits", "activations"), ("hidden", "weights")}),
        ("inputs", {("flatten", "activations"), ("hidden", "weights")}),
        ("gradients", {("hidden", "gradients"), ("hidden", "activation_gradients"), ("hidden", "weights")}),
        ("labels", {("hidden", "weights")}),
    ],
)
def test_each_name_opens_its_own(recording, path, opened, drawn):
    shared = written(path, recording, privacy=Privacy(include=(opened,)))
    found = {
        (each.layer, shared.document.headers[each.header].tensor)
        for each in shared.document.pictures
        if each.cells >= 0 and shared.document.headers[each.header].part == "map"
    }
    assert {each for each in found if each[0] != "digits"} == {each for each in drawn if each[0] != "digits"}
    assert bool(shared.document.labels) == (opened == "labels")
    inputs = {each.layer for each in shared.pictures(part="input") if each.cells >= 0}
    assert inputs == {"activations": {"digits"}, "inputs": {"flatten", "hidden"}}.get(opened, set())
    assert shared.manifest["opened"] == [opened]
    assert Privacy.REVEALS[opened] in shared.manifest["reveals"]


def test_what_a_notice_quotes_is_left_out(path):
    recording = runs.run(1)
    recording.add_event(1, "notice", "callback at secret/place said no")
    recording.add_event(1, "notice", "step 1: not finite (loss nan)")
    recording.add_event(1, "epoch", "end of epoch 1")
    shared = written(path, recording, privacy=EVERYTHING)
    assert sorted(event.text for event in shared.document.series.events) == [
        "a notice of the session, left out of this file",
        "end of epoch 1",
        "step 1: not finite (loss nan)",
    ]


@pytest.mark.skipif(os.name == "nt", reason="there links need a right of their own")
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "published").mkdir()
    target, link = tmp_path / "published" / "run.html", tmp_path / "newest.html"
    target.write_text("before")
    link.symlink_to(target)
    export_html(runs.run(1), link)
    assert link.is_symlink()
    assert "nnviz" in target.read_text(encoding="utf-8")
    assert [path.name for path in target.parent.iterdir()] == ["run.html"]


@pytest.mark.parametrize("name", ["half \ud800", "\udfff"])
def test_half_a_character_in_the_name_of_a_run_is_a_mark(path, name):
    manifest = export_html(runs.run(1, name=name), path)
    assert manifest.model == manifest.title == name.encode(errors="replace").decode()


@pytest.mark.parametrize(
    "steps",
    [range(10**15), range(0, 2**80, 3), range(10**12, -1, -1), range(1, 5, 2), range(5, 0, -3), range(0), range(1, 2)],
)
def test_a_range_takes_the_newest_kept_step_at_each_however_long_it_is(steps):
    kept = (0, 1, 4, 9, 10)
    some = range(steps.start, min(steps.stop, 60), steps.step) if steps.step > 0 else steps[-60:]
    newest = {max(step for step in kept if step <= at) for at in some}
    expected = tuple(step for step in kept if step in newest and step >= min(some, default=0))
    assert _in_range(kept, steps) == expected
