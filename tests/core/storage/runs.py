"""A small run without TensorFlow, the same each time, and what must be read back of it."""

from __future__ import annotations

import numpy as np

from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.storage.options import Record
from nnviz_widgets.core.storage.writer import Writer
from tests.core.catalogues import arrays_of, dense, reading_of

CATALOGUE = dense(6, 5, 3)
N_STEPS = 12


def open_writer(path, *, name="run", **options):
    """Return a recording that is written to `path`."""
    connect = options.pop("connect", None)
    return Recording(name, sink=Writer(Record(path, **options), name, connect=connect))


def take_step(recording, step, catalogue=CATALOGUE):
    """Record a step as a session does: metrics, vitals, and tensors at every second step."""
    arrays = arrays_of(catalogue, seed=step)
    values = {"batch_loss": 1.0 / step, "loss": 2.0 / step}
    recording.add_step(step, (step - 1) // 4, (step - 1) % 4, values if step % 3 else values | {"gradient_l2": step})
    recording.add_vitals(step, reading_of(catalogue, arrays))
    if step % 2 == 0:
        recording.add_tensors(step, arrays, labels=tuple("abcde"))
    if step % 7 in (2, 3, 5):
        recording.add_event(step, "no_update", f"step {step} updated no variable")
    if step % 5 == 0:
        recording.add_event(step, "notice", f"at step {step}")
    recording.commit()


def begin(recording, catalogue=CATALOGUE):
    """Record the state before any step."""
    recording.set_catalogue(catalogue)
    weights = {key: array for key, array in arrays_of(catalogue, seed=0).items() if key.kind == "weights"}
    recording.add_tensors(0, weights, pinned=True)


def run(recording, n_steps=N_STEPS):
    """Record a whole run."""
    begin(recording)
    for step in range(1, n_steps + 1):
        take_step(recording, step)
        if step % 4 == 0:
            recording.amend_step(step, {"val_loss": step / 7})
    return recording


def in_memory(n_steps=N_STEPS):
    """Return what a run of so many steps leaves in memory."""
    return run(Recording("run"), n_steps)


def bits(array):
    """Return what two arrays share if they are equal bit by bit."""
    return str(array.dtype), array.shape, array.tobytes()


def assert_same(found, expected):
    """Assert that two recordings hold the same, bit by bit."""
    assert found.catalogue == expected.catalogue
    np.testing.assert_array_equal(found.steps, expected.steps)
    np.testing.assert_array_equal(found.epochs, expected.epochs)
    assert set(found.metric_arrays()[1]) == set(expected.metric_arrays()[1])
    for name, column in expected.metric_arrays()[1].items():
        assert bits(found.metric_arrays()[1][name]) == bits(column), name
    assert found.events == expected.events
    for spec in expected.catalogue.specs:
        key = spec.key
        place = (key.layer, key.kind, key.variable)
        assert found.tensor_steps(*place).tolist() == expected.tensor_steps(*place).tolist()
        for step in expected.tensor_steps(*place).tolist():
            assert bits(found.frame(key, step).array) == bits(expected.frame(key, step).array)
            assert found.labels(step) == expected.labels(step)
        for of in (found.readings(), expected.readings()):
            assert np.all(np.diff(of.rows(key)[0]) > 0)
        assert [bits(each) for each in found.readings().rows(key)] == [
            bits(each) for each in expected.readings().rows(key)
        ]
        assert [bits(each) for each in found.neuron_arrays(key, "max")] == [
            bits(each) for each in expected.neuron_arrays(key, "max")
        ]
