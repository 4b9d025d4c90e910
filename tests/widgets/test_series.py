"""The timeline's lines: bounded, with every extreme."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.protocol import MAX_FRAME_BYTES
from nnviz_widgets.widgets.decimate import decimate, without_pauses
from nnviz_widgets.widgets.series import series_message
from tests.widgets.fakes import FakeSession


def columns_of(recording):
    message, buffers = series_message(recording)
    lines = {}
    for column in message.columns:
        x = np.frombuffer(buffers[column.x_buffer], "<f8")
        y = np.frombuffer(buffers[column.y_buffer], "<f4")
        assert len(x) == len(y) == column.n
        lines[column.layer or column.name] = (x, y)
    return message, lines, sum(map(len, buffers))


@given(st.integers(1, 5000), st.integers(4, 600), st.integers(0, 10**6))
def test_extremes_and_ends_stay(n, n_points, seed):
    values = np.random.default_rng(seed).standard_normal(n)
    x, y = decimate(np.arange(n), values, n_points)
    assert len(x) <= max(n_points, 4)
    assert (np.diff(x) > 0).all()
    assert {values.astype("f4").min(), values.astype("f4").max()} <= set(y)
    assert (x[0], x[-1]) == (0, n - 1)


def test_a_gap_stays_a_gap_and_an_infinity_stays():
    values = np.ones(6000)
    values[3000:4000] = math.nan
    values[5500] = math.inf
    x, y = decimate(np.arange(6000), values, 100)
    assert np.isnan(y[(x > 3100) & (x < 3900)]).all()
    assert np.isinf(y).sum() == 1


def test_a_metric_of_validation_is_a_line_and_a_nan_loss_is_a_gap():
    steps = np.arange(1, 101)
    validation = np.full(100, math.nan)
    validation[9::10] = 0.5
    assert without_pauses(steps, validation)[0].tolist() == list(range(10, 101, 10))
    loss = np.ones(100)
    loss[40:] = math.nan
    assert without_pauses(steps, loss)[0] is steps


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
    assert message.health[0].non_finite == 0


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
    import msgspec

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
