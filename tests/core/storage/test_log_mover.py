"""The log beside a file is moved into it while more is written, and stays short."""

from __future__ import annotations

import sqlite3
from threading import Event

import numpy as np
import pytest

from nnviz_widgets.core.storage import log_mover, schema, writer
from nnviz_widgets.core.storage.log_mover import LogMover
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.core.storage.schema import connect_to_write
from tests.core.catalogues import arrays_of, dense
from tests.core.storage.runs import open_writer

CATALOGUE = dense(60, 50)
STEP_BYTES = sum(array.nbytes for array in arrays_of(CATALOGUE).values())


def record(recording, first, last):
    """Record all tensors of some steps."""
    for step in range(first, last + 1):
        recording.add_step(step, 0, step, {"loss": 1.0})
        recording.add_tensors(step, arrays_of(CATALOGUE, seed=step))
        recording.commit()


def test_the_log_stays_short_however_much_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "LOG_BYTES", 20 * STEP_BYTES)
    monkeypatch.setattr(writer, "BATCH_BYTES", STEP_BYTES)
    recording = open_writer(tmp_path / "a.nnv")
    recording.set_catalogue(CATALOGUE)
    log, sizes = tmp_path / "a.nnv-wal", []
    for step in range(1, 601):
        record(recording, step, step)
        sizes.append(log.stat().st_size if log.exists() else 0)
    recording.close()
    assert max(sizes) < 2 * log_mover.LONGEST * schema.LOG_BYTES < 600 * STEP_BYTES
    found = open_recording(tmp_path / "a.nnv")
    for step in (1, 300, 600):
        np.testing.assert_array_equal(
            found.tensor("dense", "weights", step), arrays_of(CATALOGUE, seed=step)[CATALOGUE.specs[0].key]
        )


def test_more_is_written_while_the_disk_keeps_what_was(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "LOG_BYTES", STEP_BYTES)
    monkeypatch.setattr(log_mover, "LONGEST", 10**6)
    monkeypatch.setattr(writer, "BATCH_BYTES", STEP_BYTES)
    begun, gate = Event(), Event()

    def hang(self, execute):
        begun.set()
        assert gate.wait(30)

    monkeypatch.setattr(LogMover, "_pass", hang)
    recording = open_writer(tmp_path / "a.nnv")
    recording.set_catalogue(CATALOGUE)
    record(recording, 1, 10)
    assert begun.wait(20)
    record(recording, 11, 40)
    committed = Event()
    recording._sink._listeners.append(lambda: recording._sink._committed == 40 and committed.set())
    record(recording, 41, 41)
    assert committed.wait(20) or recording._sink._committed >= 40
    gate.set()
    recording.close()
    assert open_recording(tmp_path / "a.nnv").steps.size == 41


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), OSError(5, "Input/output error")])
def test_s03_a_disk_that_fails_while_it_is_moved_ends_the_recording_with_a_notice(tmp_path, monkeypatch, error):
    monkeypatch.setattr(schema, "LOG_BYTES", STEP_BYTES)
    monkeypatch.setattr(writer, "BATCH_BYTES", STEP_BYTES)

    def fail(self, execute):
        raise error

    monkeypatch.setattr(LogMover, "_pass", fail)
    recording = open_writer(tmp_path / "a.nnv")
    recording.set_catalogue(CATALOGUE)
    record(recording, 1, 60)
    recording.close()
    assert recording.steps.size == 60
    ((step, name, text),) = recording.events
    assert name == "notice"
    assert f"the recording stopped at step {step}: " in text
    assert open_recording(tmp_path / "a.nnv").steps.tolist() == list(range(1, step + 1))


def test_a_reader_that_stays_in_its_place_does_not_stop_the_writer(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "LOG_BYTES", STEP_BYTES)
    monkeypatch.setattr(log_mover, "LONGEST", 2)
    recording = open_writer(tmp_path / "a.nnv")
    recording.set_catalogue(CATALOGUE)
    record(recording, 1, 5)
    reader = schema.connect_to_read(tmp_path / "a.nnv")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM kept").fetchall()
    record(recording, 6, 100)
    recording.close()
    reader.close()
    assert open_recording(tmp_path / "a.nnv").steps.size == 100


def test_nothing_to_move_is_no_thread(tmp_path):
    mover = LogMover(tmp_path / "a.nnv", connect_to_write, 1 << 20)
    mover.wrote(100)
    mover.close()
    assert mover._thread is None
