"""A real session that records, and a reader that has neither Keras nor TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError, RecordingNotWritable
from tests.core.storage.runs import assert_same
from tests.waiting import until


@pytest.fixture
def network():
    """The smallest classifier, and its data."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    return model, rng.normal(size=(32, 4)).astype("float32"), rng.normal(size=(32, 1)).astype("float32")


def test_a_session_is_read_back_bit_by_bit(tmp_path, network):
    model, x, y = network
    path = tmp_path / "runs" / "a.nnv"
    with Session(model, x, y, batch_size=8, epochs=3, probe=Probe(every=1), record=path) as session:
        session.run()
        session.wait()
    found = open_recording(path)
    assert found.steps.tolist() == list(range(1, 13))
    assert found.tensor_steps("dense", "weights").tolist() == list(range(13))
    assert_same(found, session.recording)


def test_what_the_session_computed_is_on_disk_before_it_is_closed(tmp_path, network):
    model, x, y = network
    with Session(model, x, y, batch_size=8, epochs=30, record=tmp_path / "a.nnv") as session:
        session.step(5)
        found = open_recording(tmp_path / "a.nnv", follow=True)
        session.step(5)
        until(lambda: found.steps.size == 10)
        assert_same(found, session.recording)
        found.close()


def test_it_trains_as_without(tmp_path, network):
    import keras

    model, x, y = network
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    twin.compile("sgd", "mse")
    with Session(model, x, y, batch_size=8, seed=3, probe=Probe(every=1), record=tmp_path / "a.nnv") as session:
        session.run()
        session.wait()
    with Session(twin, x, y, batch_size=8, seed=3) as other:
        other.run()
        other.wait()
    for weight, same in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def test_a_file_that_is_there_is_refused_and_the_model_stays_free(tmp_path, network):
    model, x, y = network
    (tmp_path / "a.nnv").touch()
    with pytest.raises(RecordingNotWritable, match="never overwritten"):
        Session(model, x, y, record=tmp_path / "a.nnv")
    Session(model, x, y).close()


def test_a_record_that_is_no_path_is_refused(network):
    model, x, y = network
    with pytest.raises(InvalidArgumentError, match="`record` must be a path"):
        Session(model, x, y, record=7)


def test_a_recording_is_read_where_tensorflow_is_not(tmp_path, network):
    model, x, y = network
    path = tmp_path / "a.nnv"
    with Session(model, x, y, batch_size=8, record=path) as session:
        session.run()
        session.wait()
    code = (
        "import sys; sys.modules.update(keras=None, tensorflow=None)\n"
        "import nnviz_widgets as nnviz\n"
        f"found = nnviz.open_recording({str(path)!r})\n"
        "print(len(found.metrics), found.tensor('dense', 'weights').shape, len(found.vitals('dense', 'weights')))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split()[0] == "4"
