"""Batches that were taken once, given to the very functions that were compiled for the iterator over the data."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.data.util import structure


class Refeed:
    """An iterator of the type of another one, which gives what is put into it.

    No value is copied: the tensors wait in a queue of TensorFlow's.

    Args:
        spec: The `element_spec` of the other iterator.

    Attributes:
        iterator: Gives one batch for each that was put.
    """

    def __init__(self, spec: Any) -> None:
        self._spec = spec
        self._queue = queue = tf.queue.FIFOQueue(1, structure.get_flat_tensor_types(spec))

        def taken(_: Any) -> Any:
            tensors = queue.dequeue()
            return structure.from_tensor_list(spec, tensors if isinstance(tensors, list) else [tensors])

        options = tf.data.Options()
        options.autotune.enabled = False  # else a batch might be asked for before it is put
        options.experimental_optimization.apply_default_optimizations = False
        self.iterator = iter(tf.data.Dataset.range(2**62).map(taken).with_options(options))

    def put(self, batch: Any) -> None:
        """Let a batch be the next; the one before must have been taken."""
        self._queue.enqueue(structure.to_tensor_list(self._spec, batch))
