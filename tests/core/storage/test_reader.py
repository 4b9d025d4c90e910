"""What can be done with a recording that was opened from its file, and what it says of the rest."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.storage.listing import list_recordings
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import RecordingClosed, RecordingNotWritable
from tests.core.catalogues import arrays_of, reading_of
from tests.core.storage.runs import CATALOGUE, in_memory, open_writer, run
from tests.waiting import until


@pytest.fixture
def opened(tmp_path):
    """A run that was opened from its file."""
    run(open_writer(tmp_path / "a.nnv")).close()
    return open_recording(tmp_path / "a.nnv")


WRITES = {
    "set_catalogue": (CATALOGUE,),
    "add_step": (99, 0, 0, {"loss": 1.0}),
    "amend_step": (1, {"loss": 1.0}),
    "add_vitals": (99, reading_of(CATALOGUE, arrays_of(CATALOGUE))),
    "add_tensors": (99, arrays_of(CATALOGUE)),
    "add_event": (99, "notice", "hello"),
}


@pytest.mark.parametrize("name", WRITES)
def test_it_cannot_be_written_to_and_is_as_it_was(opened, name):
    steps, events = opened.steps.tolist(), opened.events
    with pytest.raises(RecordingNotWritable, match=r"can only be read. Received: 'run'"):
        getattr(opened, name)(*WRITES[name])
    assert (opened.steps.tolist(), opened.events) == (steps, events)


def test_once_it_is_closed_it_says_so(opened, tmp_path):
    opened.tensor("dense", "weights", 4)
    opened.close()
    opened.close()
    with pytest.raises(RecordingClosed, match=r"must be open to be read.*a.nnv', which was closed. Open it again"):
        opened.tensor("dense", "weights", 4)
    assert repr(opened) == "<Recording 'run': 12 steps, closed>"
    assert opened.steps.size == 12, "what was read when it was opened stays"


def test_a_recording_in_memory_can_be_read_after_it_was_closed():
    recording = in_memory()
    recording.close()
    np.testing.assert_array_equal(recording.tensor("dense", "weights", 4), in_memory().tensor("dense", "weights", 4))
    assert "closed" not in repr(recording)


def test_the_class_of_the_model_goes_along_where_it_is_saved(tmp_path):
    recording = Recording("run", about={"model": "Sequential"})
    run(recording).save(tmp_path / "a.nnv")
    open_recording(tmp_path / "a.nnv").save(tmp_path / "b.nnv")
    assert list_recordings(tmp_path)["model"].to_dict() == {"a.nnv": "Sequential", "b.nnv": "Sequential"}


@pytest.mark.parametrize("accumulated", [2, 3])
def test_steps_that_updated_nothing_are_as_few_in_the_file_as_in_memory(tmp_path, accumulated):
    recording = open_writer(tmp_path / "a.nnv")
    recording.set_catalogue(CATALOGUE)
    followed = None
    for step in range(1, 1201):
        recording.add_step(step, 0, step, {"loss": 1.0})
        if step % accumulated:
            recording.add_event(step, "no_update", f"step {step} updated no variable")
        if step % 200 == 0:
            recording.add_event(step, "epoch", f"end of epoch {step // 200}")
        recording.commit()
        if step == 500:
            followed = open_recording(tmp_path / "a.nnv", follow=True)
    recording.close()
    found = open_recording(tmp_path / "a.nnv")
    assert found.events == recording.events
    assert len(found.events) <= 206
    assert found._let_go.__self__.rows("SELECT count(*) FROM idle") == [(len(found.events) - 6,)]
    until(lambda: followed.events == recording.events)
    found.save(tmp_path / "b.nnv")
    assert open_recording(tmp_path / "b.nnv").events == recording.events
    followed.close()
