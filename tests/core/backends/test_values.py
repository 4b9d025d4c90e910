"""Arrays share TensorFlow's memory on a CPU; what is on a device is copied, later or never if it is too large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.deferred import Deferred
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session

pytest.importorskip("tensorflow")


class OnDevice:
    """A tensor of 4 GB on a device, as far as is asked before it is fetched."""

    device = "/job:localhost/replica:0/task:0/device:GPU:0"

    def __init__(self, *shape: int) -> None:
        import tensorflow as tf

        self.shape = tf.TensorShape(shape)
        self.dtype = tf.float32

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        assert self.shape.num_elements() < 1000, "it was fetched"
        return np.ones(self.shape, np.float32)

    def __getitem__(self, index: Any) -> np.ndarray:
        return np.broadcast_to(np.float32(2), self.shape)[index]


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> Any:
    from nnviz_widgets.core.backends.tensorflow import values

    convert = values.tf.convert_to_tensor
    monkeypatch.setattr(
        values.tf, "convert_to_tensor", lambda tensor: tensor if isinstance(tensor, OnDevice) else convert(tensor)
    )
    return values


def test_memory_is_shared_on_a_cpu(values: Any) -> None:
    import tensorflow as tf

    variable = tf.Variable(np.ones((100, 100), np.float32))
    tensor = variable.read_value()
    now, later = values.read_now(tensor), values.read_when_asked(tensor)
    assert np.shares_memory(now, later)
    assert not now.flags.writeable
    variable.assign_add(tf.ones((100, 100)))
    variable.assign(variable * 2)
    assert (now == 1).all()


def test_rows_cut_from_more_do_not_keep_the_rest(values: Any) -> None:
    import tensorflow as tf

    whole = tf.ones((1000, 128))
    first = whole[:4]  # TensorFlow shares the memory of the first rows
    assert np.shares_memory(np.asarray(first), np.asarray(whole))
    assert not np.shares_memory(values.read_now(first, cut=True), np.asarray(whole))
    assert np.shares_memory(values.read_now(whole), np.asarray(whole))


@pytest.mark.parametrize(("rows", "shared"), [(64, False), (4, True)])
def test_a_step_shares_activations_unless_they_are_the_first_of_more(rows: int, shared: bool) -> None:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2048, name="d")])
    model.compile("sgd", "mse")
    x = np.ones((rows, 3), np.float32)
    with Session(model, x, np.ones((rows, 2048)), batch_size=rows, probe=Probe(samples=8), verbose=0) as session:
        session.step()
        for kind in ("activations", "activation_gradients"):
            array = session.recording.tensor("d", kind)
            while isinstance(array.base, np.ndarray):
                array = array.base
            assert array.shape == (min(rows, 8), 2048)
            assert (array.base is not None) == shared


def test_K18_gigabytes_on_a_device_are_not_fetched(values: Any) -> None:
    now, later = values.read_now(OnDevice(1 << 15, 1 << 15)), values.read_when_asked(OnDevice(1 << 15, 1 << 15))
    assert isinstance(now, Deferred)
    assert (now.shape, now.nbytes, now.kept) == ((1 << 15, 1 << 15), 1 << 32, False)
    assert isinstance(later, Deferred)
    assert later.kept
    assert not later.readable
    assert later.part(np.s_[:2, 0]).tolist() == [2, 2]


def test_small_ones_on_a_device_are_read_now_or_when_asked(values: Any) -> None:
    np.testing.assert_array_equal(values.read_now(OnDevice(2, 3)), np.ones((2, 3)))
    later = values.read_when_asked(OnDevice(2, 3))
    assert isinstance(later, Deferred)
    np.testing.assert_array_equal(later.read(), np.full((2, 3), 2))


def test_a_sparse_gradient_is_made_dense_when_asked(values: Any) -> None:
    import tensorflow as tf

    sparse = tf.IndexedSlices(tf.ones((2, 3)), tf.constant([4, 4]), tf.constant([5, 3]))
    later = values.read_when_asked(sparse)
    assert isinstance(later, Deferred)
    assert later.shape == (5, 3)
    np.testing.assert_array_equal(later.read(), np.array([[0, 0, 0]] * 4 + [[2, 2, 2]]))
