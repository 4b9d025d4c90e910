"""Going back to a snapshot, and whether the steps after it can be taken once more, bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from keras import callbacks as of_keras
from keras.src.callbacks.progbar_logger import ProgbarLogger
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

from nnviz_widgets.core.backends.tensorflow import callback_state
from nnviz_widgets.core.backends.tensorflow.data import StoredOrderAdapter
from nnviz_widgets.core.backends.tensorflow.position import epochs_stand_alone, why_not
from nnviz_widgets.errors import ReplayNotExact

if TYPE_CHECKING:
    from nnviz_widgets.core.backends.tensorflow.position import Position
    from nnviz_widgets.core.backends.tensorflow.setup import Setup
    from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot

_WRITERS = (
    of_keras.BackupAndRestore,
    of_keras.CSVLogger,
    of_keras.TensorBoard,
    of_keras.RemoteMonitor,
    ProgbarLogger,
)
"""Keras' own that change nothing of the training: they write somewhere what a step was."""


class Rewinding:
    """The way of a `Training` to a snapshot.

    Arrays are found again: those in the session's own order at once, others by passing over the batches of one epoch.
    Any other data begin anew with the epoch, and only the state is what it was.

    Args:
        snapshot: Where to go.
        iterator: Keras' epoch iterator over the data.

    Attributes:
        position: The place in the data.
        done: Whether it is reached.
    """

    activity = "going back"
    begins_epoch = False

    def __init__(self, snapshot: Snapshot, iterator: Any) -> None:
        self._snapshot = snapshot
        self._finds_data = epochs_stand_alone(iterator)
        adapter = iterator.data_adapter
        self._order = adapter if isinstance(adapter, StoredOrderAdapter) else None
        self.position: Position = snapshot.position
        self.done = False

    @property
    def setup(self) -> Setup:
        """What the training was set to."""
        return self._snapshot.setup

    @property
    def epoch(self) -> int:
        """The epoch of the last step before, 0-based."""
        return self._snapshot.epoch

    @property
    def logs(self) -> dict[str, float]:
        """The metrics after the last step before."""
        return {} if self._snapshot.output is None else dict(self._snapshot.output.logs)

    def require_done(self) -> None:
        """Refuse data that ended before the place was reached."""
        if not self.done:
            raise ReplayNotExact(
                f"The data must reach batch {self.position.batch} of epoch {self.position.epoch + 1} again to go back "
                "there. Received: data that ended before. Go back to the beginning of an epoch."
            )

    def go_to_epoch(self, training: Any) -> None:
        """Go to the beginning of the epoch of the next step, in an order of its own at once to the batch."""
        if self._finds_data:
            training.random.bit_generator.state = self.position.order
        if self._order is not None:
            self._order.begin_with(self.position.batch)

    def pass_over(self, batch: int, batches: Any, training: Any) -> bool:
        """Leave a batch that was trained on before; whether it was the last of them."""
        if self._finds_data and self._order is None:
            next(batches)
        if batch + 1 < self.position.batch:
            return False
        self.put_back(training)
        return True

    def put_back(self, training: Any) -> None:
        """Give the model, the random streams and the callbacks what they had."""
        self._snapshot.put_back(training)
        self.done = True


def why_not_exact(training: Any) -> str | None:
    """Say why the same steps cannot be taken once more, bit by bit; `None` if they can.

    Args:
        training: A `Training` that is prepared.
    """
    iterator = training.iterator
    if iterator is None:
        return "the session is closed, or has not begun"
    if not epochs_stand_alone(iterator):
        arrays = isinstance(iterator.data_adapter, ArrayDataAdapter)
        what = "arrays with steps_per_epoch" if arrays else _kind(training.arguments.x)
        return f"the batches of {what} come once and cannot be found again"
    reason = why_not(iterator, seeded=training.origin["tensorflow_seed"] is not None)
    if reason is not None:
        return reason
    hidden = training.hidden_streams()
    if hidden:
        return f"the model draws random numbers with {', '.join(hidden)} of TensorFlow, whose state cannot be read"
    if tf.config.list_logical_devices("GPU") and not tf.config.experimental.get_op_determinism():
        return "a GPU adds in another order each time: call tf.config.experimental.enable_op_determinism() before"
    return None


def _kind(x: Any) -> str:
    return "a data set" if isinstance(x, tf.data.Dataset) else f"a {type(x).__name__}"


def called_again(callbacks: Iterable[Any]) -> list[str]:
    """Name those callbacks of which it is not known what they do, and which are called once more in a replay."""
    writers = {kind.__name__ for kind in _WRITERS}
    return [name for name in dict.fromkeys(callback_state.forgetful(callbacks)) if name not in writers]


def calls_users(callbacks: Iterable[Any]) -> bool:
    """Whether a callback is more than one of Keras' own: somebody would hear of a step once more."""
    return bool(called_again(callbacks)) or any(isinstance(one, of_keras.LambdaCallback) for one in callbacks)


def reads_on(training: Any) -> str | None:
    """Name what gives validation data that come once: where an epoch ends again, others come; `None` if none does."""
    data = training.arguments.validation_data
    return f"a {type(data).__name__}" if isinstance(data, Iterator) else None


def only_writes(callback: Any) -> bool:
    """Whether a callback is one of Keras' own that writes down what it is told, and changes nothing of the training."""
    return type(callback) in _WRITERS


@contextmanager
def kept_logs(callbacks: Iterable[Any]) -> Iterator[None]:
    """Within the block, let the beginning of training not empty the files of a `CSVLogger`, which are written on."""
    emptying = [callback for callback in callbacks if type(callback) is of_keras.CSVLogger and not callback.append]
    for callback in emptying:
        callback.append = True
    try:
        yield
    finally:
        for callback in emptying:
            callback.append = False


class _NotSaved:
    """A model to a `ModelCheckpoint` that is called once more: it counts and compares as it did, and writes nothing."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Leave the file as it is."""

    save_weights = save

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


@contextmanager
def kept_checkpoints(callbacks: Iterable[Any]) -> Iterator[None]:
    """Within the block, let each `ModelCheckpoint` find the best anew without writing the model once more."""
    saving = [callback for callback in callbacks if type(callback) is of_keras.ModelCheckpoint]
    models = [callback.model for callback in saving]
    for callback, model in zip(saving, models, strict=True):
        callback.set_model(_NotSaved(model))
    try:
        yield
    finally:
        for callback, model in zip(saving, models, strict=True):
            callback.set_model(model)
