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
from nnviz_widgets.core.backends.tensorflow.replicas import has_strategy
from nnviz_widgets.errors import ReplayNotExact

if TYPE_CHECKING:
    from nnviz_widgets.core.backends.tensorflow.position import Position
    from nnviz_widgets.core.backends.tensorflow.setup import Setup
    from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot
    from nnviz_widgets.core.backends.tensorflow.source import Taped

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
    Of any other data what came after the snapshot comes from the tape; if that does not reach so far, they begin anew
    with the epoch, and only the state is what it was.

    Args:
        snapshot: Where to go.
        iterator: Keras' epoch iterator over the data.
        taped: Where data come from that come once, `None` for others.

    Attributes:
        position: The place in the data.
        on_tape: Whether what comes after it is on the tape.
        done: Whether it is reached.
    """

    activity = "going back"
    begins_epoch = False

    def __init__(self, snapshot: Snapshot, iterator: Any, taped: Taped | None) -> None:
        self._snapshot = snapshot
        self._taped = taped
        self.on_tape = taped is not None and taped.tape.reaches(snapshot.place)
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
        if self._taped is not None and self.on_tape:
            self._taped.go_to(self._snapshot.place)
        elif self._taped is not None:
            self._taped.begin_anew()

    def pass_over(self, batch: int, batches: Any, training: Any) -> bool:
        """Leave a batch that was trained on before; whether it was the last of them."""
        if self._finds_data and self._order is None:
            next(batches)
        if batch + 1 < self.position.batch:
            return False
        self.put_back(training)
        return True

    def put_back(self, training: Any) -> None:
        """Give the model, the random streams and the callbacks what they had.

        Streams from which the data may draw are theirs: they are further on than the training.
        """
        self._snapshot.put_back(training, streams=not (self.on_tape and self._taped.in_python))  # type: ignore[union-attr]
        self.done = True


def why_not_exact(training: Any, snapshot: Snapshot | None) -> str | None:
    """Say why the same steps cannot be taken once more, bit by bit; `None` if they can.

    Args:
        training: A `Training` that is prepared.
        snapshot: The state before the first of them; `None` for one that would be taken now.
    """
    iterator = training.iterator
    if iterator is None:
        return "the session is closed, or has not begun"
    if epochs_stand_alone(iterator):
        reason = why_not(iterator, seeded=training.origin["tensorflow_seed"] is not None)
    else:
        reason = _why_not_again(training, snapshot)
    if reason is not None:
        return reason
    hidden = training.hidden_streams()
    if hidden:
        return f"the model draws random numbers with {', '.join(hidden)} of TensorFlow, whose state cannot be read"
    if tf.config.list_logical_devices("GPU") and not tf.config.experimental.get_op_determinism():
        return "a GPU adds in another order each time: call tf.config.experimental.enable_op_determinism() before"
    return None


def _why_not_again(training: Any, snapshot: Snapshot | None) -> str | None:
    """Say why the batches after a snapshot of data that come once do not come again; `None` if they do."""
    what = batches_of(training)
    if training.taped is None:
        on = " on replicas" if has_strategy(training.model) else ""
        return f"{what}{on} come once and cannot be found again"
    if snapshot is not None and not training.taped.tape.reaches(snapshot.place):
        return f"{what} come once, and those that came then are not held any more"
    return None


def batches_of(training: Any) -> str:
    """Name the batches of data that come once."""
    arrays = isinstance(training.iterator.data_adapter, ArrayDataAdapter)
    return f"the batches of {'arrays with steps_per_epoch' if arrays else _kind(training.arguments.x)}"


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
    if isinstance(data, tf.data.Dataset) and training.arguments.validation_steps is not None:
        return "a data set with validation_steps"
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
