"""Readers on other threads see whole steps while the training thread writes."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np

from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import TensorNotRecorded

KEY = TensorKey("dense", "activations")
N_STEPS = 4000


def catalogue(n_neurons: int) -> Catalogue:
    return Catalogue((), (TensorSpec(KEY, (None, n_neurons), "float32", ("sample", "neuron"), 1),))


def write(recording: Recording, done: Event) -> None:
    """Write steps whose every number is the step; thin, amend and change the catalogue on the way."""
    try:
        for step in range(1, N_STEPS + 1):
            if step % 1000 == 0:
                recording.set_catalogue(catalogue(4 + step // 1000))
            n_neurons = 4 + step // 1000
            recording.add_step(step, step // 100, step % 100, {"batch_loss": step, f"late_{step // 500}": step})
            recording.add_vitals(step, VitalsReading(np.full((1, 9), float(step)), np.full(4 * n_neurons, step, "f4")))
            recording.add_tensors(step, {KEY: np.full((8, n_neurons), step, np.float32)}, labels=(str(step),))
            if step % 50 == 0:
                recording.amend_step(step, {"val_loss": step})
                recording.budget_bytes = 1_000_000 + step
    finally:
        done.set()


def read(recording: Recording, done: Event) -> int:
    """Check what is read until the writer is done, and return how often."""
    n_reads = 0
    while True:
        last = done.is_set()
        check_metrics(recording)
        check_vitals(recording)
        check_tensors(recording)
        n_reads += 1
        if last:
            return n_reads


def check_metrics(recording: Recording) -> None:
    steps, columns = recording.metric_arrays()
    np.testing.assert_array_equal(steps, np.arange(1, steps.size + 1))
    for name, values in columns.items():
        there = ~np.isnan(values)
        np.testing.assert_array_equal(values[there], steps[there])
        assert there.all() or name != "batch_loss"


def check_vitals(recording: Recording) -> None:
    steps, values = recording.vital_arrays(KEY, "mean")
    np.testing.assert_array_equal(values, steps)
    steps, series = recording.neuron_arrays(KEY)
    np.testing.assert_array_equal(series, np.repeat(steps[:, None], series.shape[1], axis=1))


def check_tensors(recording: Recording) -> None:
    for step in recording.tensor_steps("dense", "activations")[-3:]:
        try:
            frame = recording.frame(KEY, int(step))
        except TensorNotRecorded:
            continue  # it was thinned away in between, which is no fault
        assert frame.step == step
        assert (frame.array == step).all()
    assert recording.n_bytes > 0
    assert repr(recording).startswith("<Recording: ")


def test_readers_see_whole_steps_while_a_writer_writes():
    recording = Recording(budget_bytes=1_000_000)
    recording.set_catalogue(catalogue(4))
    recording.add_tensors(0, {KEY: np.zeros((8, 4), np.float32)})
    done = Event()
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, recording, done) for _ in range(3)]
        pool.submit(write, recording, done).result()
        assert all(reader.result() > 1 for reader in readers)
    assert recording.steps.size == N_STEPS
    assert recording.frame(KEY).step == N_STEPS
    assert recording.n_bytes <= recording.budget_bytes
    assert 100 < len(recording.tensor_steps("dense", "activations")) < N_STEPS
    assert recording.metrics["val_loss"].notna().sum() == N_STEPS // 50
