"""S14: a long run is opened without reading its vitals, and any of them are found without reading the others."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.frame import VitalsReading
from nnviz_widgets.core.storage.file_readings import FileBlock
from nnviz_widgets.core.storage.pages import AT_HAND_BYTES
from nnviz_widgets.core.storage.reader import open_recording
from tests.core.catalogues import arrays_of, dense, reading_of
from tests.core.storage.runs import open_writer

CATALOGUE = dense(2, 16, 1)
KEY = CATALOGUE.specs[0].key


@pytest.fixture(scope="module")
def model():
    """A reading that those of all steps are made of."""
    return reading_of(CATALOGUE, arrays_of(CATALOGUE))


@pytest.fixture(params=[16_667, pytest.param(1_000_000, marks=pytest.mark.soak)])
def long_run(request, tmp_path, model):
    """The file of a long run whose vitals at step `n` are `n` times those of the model, and its length."""
    recording = open_writer(tmp_path / "a.nnv")
    recording.budget_bytes = 16 << 20
    recording.set_catalogue(CATALOGUE)
    for step in range(1, request.param + 1):
        recording.add_step(step, 0, step, {"loss": 1 / step})
        recording.add_vitals(step, VitalsReading(model.table * step, model.neurons * np.float32(step % 100)))
        recording.commit()
    recording.close()
    return tmp_path / "a.nnv", request.param


def test_s14_a_long_run_is_opened_and_any_step_of_it_found(long_run, model):
    path, n_steps = long_run
    found = open_recording(path)
    assert found.steps.size == n_steps
    blocks = found.readings().blocks
    assert sum(isinstance(block, FileBlock) for block in blocks) >= n_steps // 4096
    in_memory = sum(block.tables.nbytes for block in blocks if not isinstance(block, FileBlock))
    assert in_memory + found._tensors.n_bytes < AT_HAND_BYTES + (8 << 20)
    row = blocks[0].segment.rows[KEY]
    for step in np.random.default_rng(0).integers(1, n_steps, size=20).tolist():
        block = next(block for block in blocks if block.steps[-1] >= step)
        place = int(np.searchsorted(block.steps, step))
        np.testing.assert_array_equal(block.rows(row)[place], model.table[row] * step)
    steps, means = found.vital_arrays(KEY, "mean")
    assert steps.tolist() == list(range(1, n_steps + 1))
    np.testing.assert_array_equal(means, model.table[row, 0] * steps)
    assert found._tensors.n_bytes <= AT_HAND_BYTES
    assert [file.name for file in path.parent.iterdir() if not file.name.endswith(("-wal", "-shm"))] == ["a.nnv"]


def test_s14_the_newest_of_them_are_found_too(long_run):
    path, n_steps = long_run
    newest = open_recording(path).readings().newest(20)
    assert newest.rows(KEY)[0].tolist() == list(range(n_steps - 19, n_steps + 1))
    assert newest.neurons(KEY, 0)[1].shape == (20, 16)
