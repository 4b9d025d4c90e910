"""`nnviz.inspect`, and Inspectors on what it returns and on a bare recording."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.core.deferred import Deferred
from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.pictures.source import RecordingSource
from nnviz_widgets.pictures.status import status_of
from nnviz_widgets.widgets.inspector import Inspector
from tests.waiting import until
from tests.widgets.fakes import N_SAMPLES, FakeSession, Page


@pytest.fixture
def inspector(stub_front_end: None) -> Iterator[Inspector]:
    pytest.importorskip("tensorflow")
    from tests.core.networks import mlp

    network = mlp()
    inspector = nnviz.inspect(network.model, network.x, network.y)
    yield inspector
    inspector.close()


def test_status_is_that_of_an_inspection(inspector: Inspector) -> None:
    status = inspector._status
    assert (status["source"], status["name"], status["step"], status["samples"]) == ("inspection", "mlp", 0, 22)
    assert status["logs"] == {"loss": pytest.approx(inspector.source.loss)}


def test_source_recording_and_cursor(inspector: Inspector) -> None:
    assert isinstance(inspector.source, nnviz.Inspection)
    assert inspector.recording is inspector.source.recording
    assert (inspector.cursor.layer, inspector.cursor.step) == ("hidden", 0)
    inspector.cursor.sample = 99
    assert inspector.cursor.sample == 21
    assert "timeline" not in inspector._panels


def test_a_page_gets_layers_and_a_picture_of_each_map(inspector: Inspector) -> None:
    page = Page(inspector)
    page.reply(page.ready())
    page.watch("activations", "weights", "gradients")
    until(page.poll)
    frame, buffers = page.frames[0]
    assert [plane["missing"] for plane in frame["planes"]] == [None] * 3
    assert frame["step"] == 0
    weights = np.frombuffer(buffers[frame["planes"][1]["buffer"]], "<f4").reshape(5, 8)
    np.testing.assert_array_equal(weights, inspector.recording.tensor("hidden", "weights"))
    assert frame["planes"][2]["note"] == "in inference mode"
    (layers, _), *_ = page.comm.customs("layers")
    assert [layer["path"] for layer in layers["layers"]] == ["hidden", "drop", "out"]


def test_nothing_can_be_pressed(inspector: Inspector) -> None:
    page = Page(inspector)
    page.reply(page.ready())
    reply = page.reply(page.ask("run", until=None))
    assert not reply["ok"]


def test_a_second_inspector_on_the_result_shares_its_cursor(inspector: Inspector, make_inspector: Any) -> None:
    second = make_inspector(inspector, panels=["weights"])
    assert second.source is inspector.source
    assert second.cursor is inspector.cursor
    third = make_inspector(inspector.source)
    assert third.cursor is inspector.cursor


@pytest.mark.parametrize(("with_weights", "layer"), [(True, "d"), (False, "scale")])
def test_it_begins_at_the_first_layer_with_weights(stub_front_end: None, with_weights: bool, layer: str) -> None:
    keras = pytest.importorskip("keras")
    plain = [keras.Input((2, 3)), keras.layers.Rescaling(0.5, name="scale"), keras.layers.Flatten(name="flat")]
    model = keras.Sequential([*plain, *([keras.layers.Dense(2, name="d")] if with_weights else [])])
    inspector = nnviz.inspect(model, np.ones((4, 2, 3), "float32"))
    assert (inspector.cursor.layer, inspector.recording.layers[inspector.cursor.layer_index].path) == (layer, layer)
    inspector.close()


def test_a_loss_may_be_given(stub_front_end: None) -> None:
    pytest.importorskip("tensorflow")
    from tests.core.networks import line

    network = line()
    inspector = nnviz.inspect(network.model, network.x, network.y, loss="mae")
    errors = network.model(network.x).numpy() - network.y
    assert inspector._status["logs"] == {"loss": pytest.approx(float(np.abs(errors).mean()), rel=1e-5)}
    inspector.close()


def test_what_it_read_goes_when_it_is_closed(stub_front_end: None) -> None:
    pytest.importorskip("tensorflow")
    from tests.core.networks import line

    network = line()
    inspector = nnviz.inspect(network.model, network.x)
    recording = weakref.ref(inspector.recording)
    inspector.close()
    del inspector
    gc.collect()
    assert recording() is None


def test_panels_can_be_chosen(stub_front_end: None) -> None:
    pytest.importorskip("tensorflow")
    from tests.core.networks import line

    network = line()
    inspector = nnviz.inspect(network.model, network.x, panels=["weights"])
    assert inspector._panels == ["weights"]
    inspector.close()


def test_an_inspector_on_a_bare_recording(make_inspector: Any) -> None:
    session = FakeSession()
    session.take_step(full=True)
    inspector = make_inspector(session.recording)
    assert inspector.source is session.recording
    assert inspector._status["source"] == "recording"
    assert inspector._status["samples"] == N_SAMPLES
    assert inspector._status["logs"]["loss"] == 1.0
    page = Page(inspector)
    page.reply(page.ready())
    page.watch("weights")
    until(page.poll)
    assert page.frames[0][0]["step"] == 1


def test_an_empty_recording_has_a_status() -> None:
    recording = Recording("nothing")
    assert status_of(RecordingSource(recording)).step == 0
    recording.add_tensors(0, {TensorKey("d", "weights", "kernel"): np.zeros((2, 2))})
    assert status_of(RecordingSource(recording)).samples == 0


def test_K18_samples_are_counted_where_a_tensor_is_too_large_for_a_copy() -> None:
    session = FakeSession()
    first, second = [spec.key for spec in session.recording.catalogue.specs if spec.key.kind == "activations"][:2]
    huge = Deferred((4, 1 << 29), np.float32, lambda index: pytest.fail(f"{index} was fetched"))
    session.recording.add_tensors(0, {first: huge, second: np.zeros((4, 2), np.float32)})
    assert RecordingSource(session.recording).n_samples == 4


def test_K18_a_tensor_too_large_for_a_copy_has_words_for_a_picture(make_inspector: Any) -> None:
    session = FakeSession()
    asked: list[Any] = []
    huge = Deferred((1 << 15, 1 << 15), np.float32, asked.append)
    session.recording.add_tensors(0, {TensorKey("hidden", "weights", "kernel"): huge})
    page = Page(make_inspector(session.recording))
    page.reply(page.ready())
    page.watch("activations", "weights")
    until(page.poll)
    words = page.frames[0][0]["planes"][1]["missing"]
    assert "4.29 GB" in words
    assert 'recording.tensor("hidden", "weights"' in words
    reply = page.reply(page.ask("read", layer="hidden", tensor="weights", step=-1, sample=0, row=0, column=0))
    assert not reply["ok"]
    assert "4.29 GB" in reply["error"]
    assert asked == []
