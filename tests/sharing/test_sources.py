"""What may be exported: a session also while it runs, an Inspector, an inspection, a recording without TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnviz_widgets as nnviz
from tests.core import networks
from tests.sharing import runs
from tests.sharing.files import SharedFile
from tests.widgets.fakes import FakeSession

ROOT = Path(__file__).parents[2]
EVERYTHING = nnviz.Privacy(include=("activations", "gradients", "inputs", "labels"))


def written(path, source, **arguments):
    nnviz.export_html(source, path, **arguments)
    return SharedFile(path.read_text(encoding="utf-8"))


def test_a_session_that_runs_stands_at_the_step_that_was_newest(tmp_path):
    network = networks.mlp()
    with network.session(epochs=10**6, probe=nnviz.Probe(every=1, samples=8)) as session:
        session.step()
        session.run()
        for _ in range(4):
            before = session.step_index
            shared = written(tmp_path / "run.html", session, privacy=EVERYTHING)
            step = shared.document.status.step
            assert before <= step <= session.step_index
            assert {picture.step for picture in shared.document.pictures} <= set(range(step + 1))
            assert shared.pictures(tensor="gradients")
            assert shared.document.status.state == "finished"
        assert session.state == "running"
        session.stop()


def test_an_inspection_and_the_inspector_of_it(tmp_path):
    network = networks.mlp()
    inspector = nnviz.inspect(network.model, network.x[:12], network.y[:12])
    of_inspection = written(tmp_path / "a.html", inspector.source, privacy=EVERYTHING)
    of_inspector = written(tmp_path / "b.html", inspector, privacy=EVERYTHING)
    inspector.close()
    assert of_inspector.document.status.source == of_inspection.document.status.source == "inspection"
    assert of_inspector.document.pictures == of_inspection.document.pictures
    assert {picture.step for picture in of_inspection.document.pictures} == {0}
    assert "timeline" not in of_inspector.document.panels
    kernel = of_inspection.pictures(tensor="weights", variable="kernel")[0]
    assert np.count_nonzero(of_inspection.cells(kernel))


def test_an_inspector_shows_its_panels_and_begins_where_it_looks(tmp_path):
    session = FakeSession()
    session.take_step(full=True)
    inspector = nnviz.Inspector(session, panels=["weights", "timeline"])
    inspector.cursor.layer = "digits"
    shared = written(tmp_path / "run.html", inspector)
    inspector.close()
    assert shared.document.panels == ["weights", "timeline"]
    assert shared.document.layer == "digits"
    whole = written(tmp_path / "run.html", session.recording)
    assert whole.document.panels == list(nnviz.Inspector.PANELS)


def test_a_recording_is_exported_where_tensorflow_is_not_installed(tmp_path):
    code = f"""
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
import nnviz_widgets as nnviz
from tests.sharing import runs
import nnviz_widgets.sharing.page as page
page.page_front_end = lambda: ("", "")
print(nnviz.export_html(runs.run(2), {str(tmp_path / "run.html")!r}).steps, "pandas" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.split() == ["2", "False"]


def test_a_recording_is_exported_from_its_file(tmp_path):
    recording = runs.run(3)
    recording.save(tmp_path / "run.nnviz")
    shared = written(tmp_path / "a.html", tmp_path / "run.nnviz", privacy=EVERYTHING)
    assert shared.document.pictures == written(tmp_path / "b.html", recording, privacy=EVERYTHING).document.pictures
    assert str(tmp_path).encode() not in b"".join(shared.every_byte())
    with pytest.raises(nnviz.NnvizError):
        nnviz.export_html(tmp_path / "a.html", tmp_path / "c.html")
    assert not (tmp_path / "c.html").exists()


def test_two_exports_of_one_recording_are_the_same(tmp_path):
    recording = runs.run(3)
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    for path in (first, second):
        nnviz.export_html(recording, path, privacy=EVERYTHING)
    assert first.read_bytes() == second.read_bytes()


def test_a_call_of_a_shared_layer_has_the_weights_of_the_first(tmp_path):
    network = networks.Network(*shared_layer())
    with network.session(probe=nnviz.Probe(every=1)) as session:
        session.step()
        shared = written(tmp_path / "run.html", session, privacy=EVERYTHING)
    for variable in ("kernel", "bias"):
        first = shared.pictures("shared", "weights", variable=variable)
        second = shared.pictures("shared#1", "weights", variable=variable)
        assert [each.cells for each in first] == [each.cells for each in second]
        assert len(first) == 2
    firsts, seconds = (shared.pictures(path, "activations", step=1) for path in ("shared", "shared#1"))
    assert firsts[0].cells != seconds[0].cells


def shared_layer():
    """A model that calls one layer twice, and its data."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    given = keras.Input((4,))
    layer = keras.layers.Dense(4, name="shared")
    model = keras.Model(given, layer(layer(given)))
    model.compile("sgd", "mse")
    return model, np.ones((16, 4), "f4"), np.ones((16, 4), "f4")
