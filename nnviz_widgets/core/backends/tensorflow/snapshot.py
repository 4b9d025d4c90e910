"""The state of a run between two steps, put aside in a few hundred microseconds.

Values are not copied. TensorFlow writes to a variable in place only where nobody else holds its value; so a snapshot
holds the values, and the step that follows makes new ones of those that it changes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow import callback_state, random_streams
from nnviz_widgets.core.backends.tensorflow.replicas import has_strategy, parts
from nnviz_widgets.core.backends.tensorflow.state import of_tensorflow, variables_of
from nnviz_widgets.core.backends.tensorflow.written_snapshot import WrittenSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nnviz_widgets.core.backends.tensorflow.position import Position
    from nnviz_widgets.core.backends.tensorflow.setup import Setup
    from nnviz_widgets.core.backends.tensorflow.traced import StepOutput


_HELD_BYTES = 30_000
"""What Python spends on a snapshot beside the values: nearly all on the states of Python's and numpy's streams."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the steps after it change.

    Attributes:
        n_bytes: Memory that is held.
        position: The place in the data.
        epoch: Of the last step, 0-based.
        output: Of the last step, without tensors but with its batch; `None` before any.
        setup: What the training was set to beside its variables.
        streams: Where the random streams of the process were.
        memories: What the callbacks remembered.
        stop_training: Whether the model was told to stop.
        place: How much had come from data that come once; 0 for others.
    """

    n_bytes: int
    position: Position
    epoch: int
    output: StepOutput | None
    setup: Setup
    place: int
    _variables: Sequence[tf.Variable]
    _values: Sequence[tf.Tensor]
    streams: random_streams.Streams
    memories: callback_state.Memories
    stop_training: bool

    def is_same(self, other: Snapshot) -> bool:
        """Whether another one of the same variables has the same values, and is of the same setup."""
        return self.setup is other.setup and all(
            _is_same(one, two) for one, two in zip(self._values, other._values, strict=True)
        )

    def write(self, path: Path) -> WrittenSnapshot:
        """Return the same with everything large in a file, from which `read` brings it back.

        Raises:
            OSError: If the disk does not take it.
        """
        return WrittenSnapshot.of(self, path)

    def put_back(self, training: Any, *, streams: bool = True) -> None:
        """Give the model and the callbacks what they had, and where `streams` is true the random streams, too."""
        self.put_back_values()
        callback_state.remind(training.callbacks, self.memories)
        if streams:
            random_streams.put_back(self.streams)
        training.model.stop_training = self.stop_training

    def put_back_values(self) -> None:
        """Give all variables what they had."""
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)

    def values(self) -> dict[int, np.ndarray]:
        """Return the values of TensorFlow's variables by their `id`."""
        return {id(one): value.numpy() for one, value in zip(self._variables, self._values, strict=True)}

    def differing(self, other: Snapshot) -> list[tuple[tf.Variable, np.ndarray]]:
        """Return the variables that `other` has otherwise, with the values that it has."""
        pairs = zip(self._variables, self._values, other._values, strict=True)
        return [(variable, after.numpy()) for variable, before, after in pairs if not _is_same(before, after)]


class SnapshotTaker:
    """Takes snapshots of the runs of one model, as long as that has the same variables."""

    def __init__(self, model: Any) -> None:
        """Look at nothing yet: the first step may make variables."""
        self._model = model
        self._variables: list[tf.Variable] = []
        self._read: Callable[[], Sequence[tf.Tensor]] = list
        self._n_bytes = 0

    def take(self, training: Any, output: StepOutput | None) -> Snapshot | None:
        """Put the state of `training` aside, which stands between two steps, the last of which returned `output`.

        Returns:
            The snapshot, `None` if memory does not suffice.
        """
        try:
            values = self._read_all(training)
        except tf.errors.ResourceExhaustedError:
            return None
        if not self._n_bytes:
            self._n_bytes = sum(_n_bytes(value) for value in values)
        kept = None if output is None else output.without_tensors()
        return Snapshot(
            n_bytes=_HELD_BYTES + self._n_bytes + (0 if kept is None else sum(map(_n_bytes, _leaves(kept.batch)))),
            position=training.position,
            epoch=training.epoch,
            output=kept,
            setup=training.setup,
            place=training.place,
            _variables=self._variables,
            _values=values,
            streams=random_streams.held(),
            memories=callback_state.remembered(training.callbacks),
            stop_training=bool(training.model.stop_training),
        )

    def digest(self, training: Any) -> bytes:
        """Return what tells the values of all variables from any others, to the last bit."""
        found = hashlib.blake2b(digest_size=16)
        for value in self._read_all(training):
            array = value.numpy()
            if (sick := array != array).any():
                array = np.where(sick, array.dtype.type("nan"), array)  # a NaN may have any sign
            found.update(array.tobytes())
        return found.digest()

    def _read_all(self, training: Any) -> Sequence[tf.Tensor]:
        """Return the values of all variables."""
        if not self._variables or self._model.run_eagerly:  # run eagerly, a step may make variables at any time
            self._find(training)
        return self._read()

    def _find(self, training: Any) -> None:
        found = variables_of(self._model, training.keras_state).values()
        own = [of_tensorflow(variable) for variable in found]
        self._variables = variables = [part for variable in own for part in parts(variable)]

        def read() -> list[tf.Tensor]:
            return [variable.read_value() for variable in variables]

        # One call of a compiled function instead of one a variable. Variables of several devices are read one by one.
        # Traced by hand: TensorFlow would warn of too many tracings once a process has made some sessions.
        one_by_one = has_strategy(self._model) or self._model.run_eagerly
        self._read = read if one_by_one else tf.function(read, autograph=False).get_concrete_function()


def _is_same(one: tf.Tensor, two: tf.Tensor) -> bool:
    """Whether two values are equal; of one that nobody has written to since both are one piece of memory."""
    first, second = one.numpy(), two.numpy()
    where = "__array_interface__"
    if getattr(first, where, {}).get("data") == getattr(second, where, {}).get("data"):
        return True
    return bool(np.asarray(first).tobytes() == np.asarray(second).tobytes())


def _leaves(batch: Any) -> list[Any]:
    return [leaf for leaf in tf.nest.flatten(batch, expand_composites=True) if isinstance(leaf, tf.Tensor)]


def _n_bytes(tensor: tf.Tensor) -> int:
    return int(tensor.shape.num_elements() or 0) * int(tensor.dtype.size)
