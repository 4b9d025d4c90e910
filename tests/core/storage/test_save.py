from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.storage import schema
from nnviz_widgets.core.storage.options import Record
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import RecordingNotWritable
from tests.core.catalogues import dense
from tests.core.storage.runs import assert_same, in_memory, open_writer, run, take_step


def test_what_is_in_memory_is_saved_bit_by_bit(tmp_path):
    recording = in_memory(70)
    recording.save(tmp_path / "a.nnv")
    assert [file.name for file in tmp_path.iterdir()] == ["a.nnv"]
    assert_same(open_recording(tmp_path / "a.nnv"), recording)


def test_so_is_what_was_opened_and_what_changed_its_layers(tmp_path):
    recording = in_memory(4)
    other = dense(6, 7, 3)
    recording.set_catalogue(other)
    take_step(recording, 6, other)
    recording.save(tmp_path / "a.nnv")
    open_recording(tmp_path / "a.nnv").save(tmp_path / "b.nnv")
    assert_same(open_recording(tmp_path / "b.nnv"), recording)


def test_an_empty_recording_can_be_saved(tmp_path):
    Recording("nothing").save(tmp_path / "a.nnv")
    found = open_recording(tmp_path / "a.nnv")
    assert (found.name, found.steps.size, found.layers, found.events) == ("nothing", 0, (), ())


def test_a_run_that_is_thinned_in_memory_is_saved_whole_from_its_file(tmp_path):
    recording = open_writer(tmp_path / "a.nnv")
    recording.budget_bytes = 20_000
    run(recording, 40)
    recording.close()
    recording.save(tmp_path / "b.nnv")
    found, expected = open_recording(tmp_path / "b.nnv"), in_memory(40)
    steps = found.tensor_steps("dense", "weights").tolist()
    assert steps == expected.tensor_steps("dense", "weights").tolist()
    for step in steps:
        np.testing.assert_array_equal(found.tensor("dense", "weights", step), expected.tensor("dense", "weights", step))


def test_options_round_and_a_file_that_is_there_stays(tmp_path):
    in_memory().save(Record(tmp_path / "a.nnv", dtype="float16"))
    assert open_recording(tmp_path / "a.nnv").tensor("dense", "weights").dtype == np.float16
    before = (tmp_path / "a.nnv").read_bytes()
    with pytest.raises(RecordingNotWritable, match="never overwritten"):
        in_memory().save(tmp_path / "a.nnv")
    assert (tmp_path / "a.nnv").read_bytes() == before


def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch):
    prepare = schema.prepare_to_write

    def full(database):
        prepare(database)
        n_pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {n_pages + 1}").fetchall()

    monkeypatch.setattr(schema, "prepare_to_write", full)
    with pytest.raises(RecordingNotWritable, match="full"):
        in_memory(100).save(tmp_path / "a.nnv")
    assert list(tmp_path.iterdir()) == []
