"""The timeline's lines: bounded, with every extreme."""

import math
import time

import msgspec
import numpy as np
import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.pictures.series import series_message
from nnviz_widgets.protocol import MAX_FRAME_BYTES
from tests.widgets.fakes import N_SAMPLES, FakeSession


def columns_of(recording):
    message, buffers = series_message(recording)
    lines = {}
    for column in message.columns:
        x = np.frombuffer(buffers[column.x_buffer], "<f8")
        y = np.frombuffer(buffers[column.y_buffer], "<f4")
        assert len(x) == len(y) == column.n
        lines[column.layer or column.name] = (x, y)
    return message, lines, sum(map(len, buffers))


def test_a_loss_that_no_float32_holds_is_drawn_as_infinite():
    recording = Recording()
    recording.add_step(1, 0, 0, {"loss": 1e300})
    _, lines, _ = columns_of(recording)
    assert lines["loss"][1].tolist() == [math.inf]


def test_a_short_run_is_whole():
    session = FakeSession()
    for _ in range(25):
        session.take_step(full=True)
    session.recording.add_event(20, "epoch", "epoch 1")
    session.recording.add_event(21, "unheard of", "x" * 1000)
    message, lines, _ = columns_of(session.recording)
    assert (message.first_step, message.last_step) == (0, 25), "step 0 has weights"
    assert set(lines) == {"loss", "accuracy", "batch_loss", "hidden", "digits"}
    np.testing.assert_allclose(lines["loss"][1], 1 / np.arange(1, 26), rtol=1e-6)
    assert [(event.name, len(event.text)) for event in message.events] == [("epoch", 7), ("notice", 200)]
    key = session.recording.resolve("hidden", "gradients")
    assert lines["hidden"][1][-1] == np.float32(session.recording.vital_arrays(key, "l2")[1][-1])
    assert message.health[0].gradient_l2 == session.recording.vital_arrays(key, "l2")[1][-1]
    assert message.health[0].dead_share == 0
    assert message.health[0].non_finite == []


def test_what_is_not_finite_is_named_with_its_size():
    """Of variables the size is known, of activations from the tensor that is kept, or where no value is finite."""
    session = FakeSession()
    session.take_step(full=True)
    recording = session.recording
    sick = {
        TensorKey("hidden", "weights", "kernel"): 3,
        TensorKey("hidden", "activations"): 2,
        TensorKey("digits", "activations"): N_SAMPLES * 3,
    }
    arrays = session._tensors()
    for key, count in sick.items():
        arrays[key].flat[:count] = np.tile([math.nan, math.inf], count)[:count]

    def found():
        health = {each.layer: each.non_finite for each in series_message(recording)[0].health}
        return {path: [msgspec.structs.astuple(each) for each in tensors] for path, tensors in health.items()}

    recording.add_vitals(2, session._reading(arrays))
    assert found() == {
        "hidden": [("weights", "kernel", 3, 12 * 8), ("activations", None, 2, None)],
        "digits": [("activations", None, N_SAMPLES * 3, N_SAMPLES * 3)],
    }
    recording.add_tensors(2, arrays)
    assert found()["hidden"][1] == ("activations", None, 2, N_SAMPLES * 8)


def test_dead_units_need_twenty_readings():
    session = FakeSession()
    key = session.recording.resolve("hidden", "activations")
    tensors = session._tensors

    def with_dead_units(*kinds):
        arrays = tensors(*kinds)
        if key in arrays:
            arrays[key][:, :2] = 0
        return arrays

    session._tensors = with_dead_units
    for n in range(1, 21):
        session.take_step(full=True)
        share = series_message(session.recording)[0].health[0].dead_share
        assert share == (None if n < 20 else 2 / 8)


def test_an_empty_recording():
    message, lines, n_bytes = columns_of(Recording("nothing"))
    assert (message.first_step, message.last_step, lines, n_bytes, message.health) == (0, 0, {}, 0, [])


def long_run(n_steps, n_layers, n_readings):
    recording = Recording("long", budget_bytes=1 << 28)
    layers = tuple(LayerInfo(f"d{i}", f"d{i}", "Dense", (None, 4), ("kernel",), 16, 1, 4) for i in range(n_layers))
    specs = tuple(
        TensorSpec(TensorKey(layer.path, kind, "kernel"), (4, 4), "float32", ("in", "neuron"), 1)
        for layer in layers
        for kind in ("weights", "gradients")
    )
    recording.set_catalogue(Catalogue(layers, specs))
    table = np.random.default_rng(0).random((n_readings, len(specs), 9))
    neurons = np.zeros(4 * 4 * len(specs), "f4")
    reading = iter(range(n_readings))
    for step in range(1, n_steps + 1):
        recording.add_step(step, step // 1000, step % 1000, {"loss": 1.0, "accuracy": 0.5, "batch_loss": step})
        if step % (n_steps // n_readings) == 0:
            recording.add_vitals(step, VitalsReading(table[next(reading)], neurons))
        if step % 1000 == 0:
            recording.add_event(step, "epoch", f"epoch {step // 1000}")
    return recording


@pytest.mark.parametrize(("n_steps", "n_layers", "n_readings"), [(100_000, 200, 400), (2_000, 3_000, 4)])
def test_a_long_run_of_a_deep_model_stays_small(n_steps, n_layers, n_readings):
    recording = long_run(n_steps, n_layers, n_readings)
    started = time.perf_counter()
    message, lines, n_bytes = columns_of(recording)
    seconds = time.perf_counter() - started
    assert n_bytes + len(msgspec.json.encode(message)) <= MAX_FRAME_BYTES
    assert all(len(x) <= 600 for x, _ in lines.values())
    assert len(lines["d0"][0]) <= 120
    assert len(message.events) <= 500
    assert message.last_step == n_steps
    assert lines["batch_loss"][1][-1] == n_steps
    assert seconds < 3


@pytest.mark.soak
def test_a_million_steps():
    recording = long_run(1_000_000, 200, 2000)
    message, _, n_bytes = columns_of(recording)
    assert n_bytes <= MAX_FRAME_BYTES
    assert message.last_step == 1_000_000
