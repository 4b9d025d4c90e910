"""A `fit` that the user called: it takes its steps in our function, which stands in for the model's own."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow.events import EpochEnd, Step
from nnviz_widgets.core.backends.tensorflow.replicas import has_strategy
from nnviz_widgets.core.backends.tensorflow.training import Training
from nnviz_widgets.core.fit_arguments import FitArguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.fit_call import FitCall
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.schedule import Variant


@functools.cache
def as_keras_callback(cls: type) -> type:
    """Return `cls` as a `keras.callbacks.Callback` too; what it does not define is Keras'."""
    if issubclass(cls, keras.callbacks.Callback):
        return cls
    more = {"__module__": cls.__module__, "__doc__": cls.__doc__, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (cls, keras.callbacks.Callback), more)


class FitTraining(Training):
    """What a session must know of a `fit` that runs, and the way to take its steps.

    Args:
        model: The model that `fit` trains.
        probe: What to read.
        on_activity: As for `Training`.
        n_batches: Batches an epoch, `None` if `fit` does not know.
        epochs: How many epochs there will be, counted from epoch 0.
    """

    def __init__(
        self,
        model: Any,
        probe: Probe,
        on_activity: Callable[[str | None], None],
        n_batches: int | None,
        epochs: int,
    ) -> None:
        super().__init__(model, FitArguments(), probe, on_activity)
        self.arguments.epochs = epochs
        self.feed.n_batches = n_batches
        self._begun = False
        # Keras looks for a batch before it takes one of several steps: at the end of the data nothing is counted.
        self.functions.takes_batches = model.steps_per_execution > 1 and not has_strategy(model)

    @property
    def validates(self) -> bool:
        """Whether there may be metrics of a validation: `fit` alone knows."""
        return True

    @property
    def history(self) -> dict[str, list[float]]:
        """As `keras.callbacks.History.history`."""
        return dict(getattr(getattr(self.model, "history", None), "history", {}))

    def begin_epoch(self, epoch: int) -> None:
        """Take note that an epoch begins; with the first one, where `fit` begins."""
        if not self._begun:
            self._begun = True
            self.arguments.initial_epoch = self.feed.first_epoch = epoch
        self.epoch = epoch

    def count_epoch(self, n_steps: int) -> None:
        """Take note that an epoch had so many steps; it tells how many the next will have."""
        if not self.feed.n_batches and n_steps:
            self.feed.n_counted = n_steps

    def epoch_end(self, epoch: int, logs: dict[str, Any]) -> EpochEnd:
        """Return the end of an epoch as an event, its logs as floats."""
        return EpochEnd(epoch, {name: value for name, value in logs.items() if isinstance(value, (int, float))})

    def prepare_for(self, iterator: Any) -> None:
        """Trace the step for the batches of `iterator`, without taking one."""
        self._on_activity("building the training step")
        self.functions.prepare(iterator)
        self._on_activity(None)

    def take(self, choose: Callable[[], Variant], iterator: Any, batch: int) -> Step:
        """Take a step.

        Args:
            choose: Asked which variant to run.
            iterator: Where the batch is.
            batch: 0-based index in the epoch.
        """
        self._next = (self.epoch, batch)
        variant = choose()
        return Step(self.epoch, batch, self.functions.take(variant, iterator), variant)

    def is_end_of_data(self, error: BaseException) -> bool:
        """Whether `error` says to `fit` that the data is at its end."""
        return isinstance(error, (tf.errors.OutOfRangeError, StopIteration))

    def release_validation(self) -> None:
        """Leave the validation data to `fit`, whose they are."""

    def end_progress_line(self) -> None:
        """Leave the progress bar to `fit`."""

    def _on_executions(self) -> list[str]:
        n = self.model.steps_per_execution
        if n == 1:
            return []
        return [
            f"steps_per_execution={n}: callbacks hear of every {n} steps, as in any fit; here each step is taken alone"
        ]


class StepInPlace:
    """Stands for `model.train_function` from the beginning of a batch until `fit` asks for its step.

    Between, the model has the function that it had. So nothing of ours is left on it, whatever raises elsewhere: in
    another callback, in validation, in the data. Only an exception in another callback's `on_train_batch_begin` meets
    it in its place; the next who calls it then is no longer this `fit`, and gets the function that was there.

    Args:
        model: The model.
        call: The call of `fit` that it serves.
        take: Takes the step on the next batch of an iterator and returns its logs.
    """

    def __init__(self, model: Any, call: FitCall, take: Callable[[Any], dict[str, Any]]) -> None:
        # Past the setter of Keras layers, which looks for variables in all that it is given.
        self._attributes = vars(model)
        self._call = call
        self._take = take
        self._own: Any = None
        self._mine = self._run

    def install(self) -> None:
        """Stand in for the model's own function, if it has one: without, `fit` must fail as it would."""
        own = self._attributes.get("train_function")
        if own is not None and own is not self._mine:
            self._own = own
            self._attributes["train_function"] = self._mine

    def remove(self) -> None:
        """Put the model's own function back, if this stands in its place."""
        if self._attributes.get("train_function") is self._mine:
            self._attributes["train_function"] = self._own

    def _run(self, iterator: Any) -> Any:
        if not isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator)):
            return self._own(iterator)  # `train_on_batch` of another callback: the step of `fit` is still to come
        self.remove()
        return self._take(iterator) if self._call.is_mine() else self._own(iterator)
