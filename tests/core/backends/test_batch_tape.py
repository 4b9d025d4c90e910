"""What the batches of data that come once are taken to hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.backends.tensorflow.batch_tape import _HELD_BYTES, BatchTape, n_bytes_of


def batches() -> dict[str, tuple[Any, list[int]]]:
    """Return batches of each structure, and the bytes of the tensors that they are made of."""
    import tensorflow as tf

    x, y = tf.zeros((3, 5)), tf.zeros(3, tf.int64)
    ragged = tf.ragged.constant([[1, 2], [3]])
    sparse = tf.sparse.from_dense(np.eye(3, dtype="float64"))
    return {
        "a tensor": (x, [60]),
        "x and y": ((x, y), [60, 24]),
        "nothing in the place of y": ((x, None, y), [60, 24]),
        "a scalar and an empty one": ((tf.constant(True), tf.zeros((0, 5))), [1, 0]),
        "dictionaries": (({"a": x, "b": y}, {"c": (x, [y])}), [60, 24, 60, 24]),
        "a list": ([x, y], [60, 24]),
        "ragged": ((ragged, y), [12, 24, 24]),
        "sparse": (sparse, [48, 24, 16]),
        "halves": ((tf.zeros(3, tf.bfloat16), tf.zeros(3, tf.float16), tf.zeros(3, tf.complex128)), [6, 6, 48]),
        "arrays of numpy, which belong to others": ((np.zeros(5), x), [60]),
    }


@pytest.mark.parametrize("name", batches())
def test_a_batch_holds_what_its_tensors_hold(name: str) -> None:
    batch, sizes = batches()[name]
    assert n_bytes_of(batch) == sum(sizes) + _HELD_BYTES * len(sizes)


def test_a_tape_counts_what_it_keeps() -> None:
    batch, sizes = batches()["x and y"]
    tape = BatchTape(10**6)
    for _ in range(5):
        tape.add(batch)
    assert tape.n_bytes == 5 * (sum(sizes) + _HELD_BYTES * len(sizes))
