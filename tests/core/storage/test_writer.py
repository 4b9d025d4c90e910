from __future__ import annotations

import shutil
import stat
import time
from threading import Event, current_thread

import numpy as np
import pytest

from nnviz_widgets.core.frame import VitalsReading
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.storage import metric_rows, vital_rows
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.core.storage.schema import connect_to_write
from nnviz_widgets.errors import NotARecording, RecordingDamaged, RecordingNotWritable, TensorNotRecorded
from tests.core.catalogues import arrays_of, dense, reading_of
from tests.core.storage.runs import CATALOGUE, N_STEPS, assert_same, begin, in_memory, open_writer, run, take_step
from tests.waiting import until


def test_a_run_comes_back_bit_by_bit(tmp_path):
    path = tmp_path / "runs" / "a.nnv"
    run(open_writer(path)).close()
    found = open_recording(path)
    assert found.name == "run"
    assert_same(found, in_memory())
    found.close()


def test_so_does_a_long_one_whose_pieces_are_joined(tmp_path, monkeypatch):
    monkeypatch.setattr(metric_rows, "BLOCK", 16)
    monkeypatch.setattr(vital_rows, "MAX_BLOCK", 16)
    monkeypatch.setattr(vital_rows, "MIN_BLOCK", 16)
    monkeypatch.setattr("nnviz_widgets.core.storage.writer.BATCH_BYTES", 10_000)
    run(open_writer(tmp_path / "a.nnv"), 100).close()
    assert_same(open_recording(tmp_path / "a.nnv"), in_memory(100))


def test_the_file_is_its_owners_alone_and_nothing_else_is_left(tmp_path):
    run(open_writer(tmp_path / "a.nnv")).close()
    assert [file.name for file in tmp_path.iterdir()] == ["a.nnv"]
    assert stat.S_IMODE((tmp_path / "a.nnv").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "a.nnv").write_text("mine")
    with pytest.raises(RecordingNotWritable, match="never overwritten"):
        open_writer(tmp_path / "a.nnv")
    assert (tmp_path / "a.nnv").read_text() == "mine"


def test_a_model_that_changes_keeps_both_its_lives(tmp_path):
    other = dense(6, 7, 3)
    recordings = [open_writer(tmp_path / "a.nnv"), Recording("run")]
    for recording in recordings:
        run(recording, 4)
        recording.set_catalogue(other)
        take_step(recording, 5, other)
        take_step(recording, 6, other)
    recordings[0].close()
    assert_same(open_recording(tmp_path / "a.nnv"), recordings[1])


class Gated:
    """A connection on which no transaction begins before an event."""

    def __init__(self, database, gate):
        self._database, self._gate = database, gate

    def execute(self, statement, values=()):
        if statement.startswith("BEGIN") and current_thread().name == "nnviz writer":
            self._gate.wait(10)
        return self._database.execute(statement, values)

    def __getattr__(self, name):
        return getattr(self._database, name)


@pytest.mark.parametrize(("dtype", "digits"), [("float16", 3), ("bfloat16", 2)])
def test_tensors_are_rounded_on_request_and_nothing_else_is(tmp_path, dtype, digits):
    run(open_writer(tmp_path / "a.nnv", dtype=dtype)).close()
    found, exact = open_recording(tmp_path / "a.nnv"), in_memory()
    array = found.tensor("dense", "weights")
    assert array.dtype.name == dtype
    np.testing.assert_allclose(array.astype(np.float64), exact.tensor("dense", "weights"), rtol=10.0**-digits * 4)
    np.testing.assert_array_equal(found.metrics, exact.metrics)


def test_what_memory_gave_up_is_read_from_the_file(tmp_path):
    recording = open_writer(tmp_path / "a.nnv")
    recording.budget_bytes = 20_000
    run(recording, 60)
    recording.close()
    steps = recording.tensor_steps("dense", "weights").tolist()
    assert steps == list(range(0, 61, 2))
    assert recording._tensors.n_dropped > 10
    expected = in_memory(60)
    for step in steps:
        np.testing.assert_array_equal(
            recording.tensor("dense", "weights", step), expected.tensor("dense", "weights", step)
        )
        assert recording.labels(step) == expected.labels(step)
    with pytest.raises(TensorNotRecorded, match="nearest kept: 2 and 4"):
        recording.tensor("dense", "weights", 3)


def test_quota_thins_the_oldest_and_keeps_metrics(tmp_path):
    catalogue = dense(100, 50)
    recording = open_writer(tmp_path / "a.nnv", quota="4 MB")
    begin(recording, catalogue)
    for step in range(1, 301):
        take_step(recording, step, catalogue)
    recording.close()
    found = open_recording(tmp_path / "a.nnv")
    assert (tmp_path / "a.nnv").stat().st_size <= 4_000_000
    assert found.steps.tolist() == list(range(1, 301))
    steps = found.tensor_steps("dense", "weights")
    assert steps[0] == 0
    assert 20 < steps.size < 140
    assert steps[-1] == 300
    assert np.all(np.diff(steps[-8:]) == 2)
    full = Recording()
    begin(full, catalogue)
    for step in range(1, 301):
        take_step(full, step, catalogue)
    for step in steps.tolist():
        np.testing.assert_array_equal(found.tensor("dense", "weights", step), full.tensor("dense", "weights", step))


def test_a_quota_that_vitals_alone_exceed_ends_the_recording_with_a_notice(tmp_path):
    catalogue = dense(100, 50)
    reading = reading_of(catalogue, arrays_of(catalogue))
    noise = np.random.default_rng(0).normal(size=(1200, *reading.table.shape))
    recording = open_writer(tmp_path / "a.nnv", quota="4 MB")
    recording.set_catalogue(catalogue)
    for step in range(1, 1201):
        recording.add_step(step, 0, step, {"batch_loss": 1.0})
        recording.add_vitals(step, VitalsReading(noise[step - 1], np.float32(noise[step - 1, 0, 0]) * reading.neurons))
        recording.commit()
    recording.close()
    assert recording.steps.size == 1200
    assert [name for _, name, _ in recording.events] == ["notice"]
    step, _, text = recording.events[0]
    assert "the quota of 4,000,000 bytes is used up" in text
    found = open_recording(tmp_path / "a.nnv")
    assert found.steps.tolist() == list(range(1, step + 1))
    assert (tmp_path / "a.nnv").stat().st_size <= 4_000_000


def test_a_disk_that_is_too_slow_loses_tensors_alone_where_that_was_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr("nnviz_widgets.core.storage.writer.CAPACITY_BYTES", 400_000)
    gate, catalogue = Event(), dense(100, 50)

    def connect(path):
        return Gated(connect_to_write(path), gate)

    recording = open_writer(tmp_path / "a.nnv", overflow="thin", connect=connect)
    recording.set_catalogue(catalogue)
    for step in range(1, 41):
        recording.add_step(step, 0, step, {"batch_loss": float(step)})
        recording.add_tensors(step, arrays_of(catalogue, seed=step))
        recording.commit()
    gate.set()
    recording.close()
    found = open_recording(tmp_path / "a.nnv")
    assert found.metrics["batch_loss"].tolist() == list(range(1, 41))
    written = found.tensor_steps("dense", "weights")
    assert 5 < written.size < 30
    assert f"the whole tensors of {40 - written.size} steps" in found.events[-1][2]


def alone(path, folder):
    """Return the recording of a file that was copied without its log."""
    folder.mkdir()
    return open_recording(shutil.copy(path, folder / path.name))


@pytest.mark.parametrize("looks", ["nobody", "the session", "a recording", "in the middle"])
def test_a_recording_that_was_closed_is_one_file_whoever_looks_at_it(tmp_path, looks):
    recording = run(open_writer(tmp_path / "a.nnv"))
    reader = None
    if looks == "the session":
        until(lambda: recording._sink.stored().known())
        recording._sink.stored().steps(CATALOGUE.specs[0].key)
    elif looks != "nobody":
        until(lambda: recording._sink._committed == N_STEPS)
        reader = open_recording(tmp_path / "a.nnv")
        if looks == "in the middle":
            reader._tensors._pages._database.execute("SELECT * FROM blobs").fetchone()
    recording.close()
    assert_same(alone(tmp_path / "a.nnv", tmp_path / "copy"), in_memory())
    if reader is not None:
        reader.close()


def test_a_run_that_rests_can_be_copied_as_one_file(tmp_path):
    recording = run(open_writer(tmp_path / "a.nnv"))
    until(lambda: recording._sink._committed == N_STEPS)
    folders = iter(tmp_path / f"copy{n}" for n in range(1000))

    def whole():
        time.sleep(0.1)
        try:
            return alone(tmp_path / "a.nnv", next(folders)).steps.size == N_STEPS
        except (NotARecording, RecordingDamaged):
            return False

    until(whole)
    recording.close()


def test_a_writer_that_has_nothing_to_write_sleeps(tmp_path, monkeypatch):
    """It was awake for ever once steps had come while as much as a transaction was being written."""
    monkeypatch.setattr("nnviz_widgets.core.storage.writer.BATCH_BYTES", 20_000)
    gate, catalogue = Event(), dense(100, 50)
    recording = open_writer(tmp_path / "a.nnv", connect=lambda path: Gated(connect_to_write(path), gate))
    recording.set_catalogue(catalogue)
    for step in range(1, 6):  # the first of them are being written, behind the gate, when the last ones come
        recording.add_step(step, 0, step, {"batch_loss": float(step)})
        recording.add_tensors(step, arrays_of(catalogue, seed=step))
        recording.commit()
        time.sleep(0.05)
    writer = recording._sink
    gate.set()
    until(lambda: not writer._n_bytes)
    n_looks = 0
    take = writer._take

    def counted():
        nonlocal n_looks
        n_looks += 1
        return take()

    writer._take = counted
    time.sleep(1.0)
    recording.close()
    assert n_looks < 50, "once in 0.2 s is what it sleeps"


def test_a_disk_that_is_too_slow_blocks_by_default_and_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("nnviz_widgets.core.storage.writer.CAPACITY_BYTES", 3000)
    run(open_writer(tmp_path / "a.nnv"), N_STEPS).close()
    assert_same(open_recording(tmp_path / "a.nnv"), in_memory())
