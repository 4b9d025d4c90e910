"""The loop of `fit`, written as a generator: the same calls in the same order, with a `yield` after each step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
from keras.src import callbacks as callbacks_module

from nnviz_widgets.core.backends.tensorflow.events import READY, EpochEnd, Ready, Step
from nnviz_widgets.core.backends.tensorflow.rewinding import kept_logs
from nnviz_widgets.core.backends.tensorflow.source import Live, Taped
from nnviz_widgets.core.backends.tensorflow.validation import release, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import numpy as np

    from nnviz_widgets.core.backends.tensorflow.feed import Feed
    from nnviz_widgets.core.backends.tensorflow.resumption import Resumption
    from nnviz_widgets.core.backends.tensorflow.rewinding import Rewinding
    from nnviz_widgets.core.backends.tensorflow.setup import Setup
    from nnviz_widgets.core.backends.tensorflow.step import StepFunctions
    from nnviz_widgets.core.backends.tensorflow.traced import StepOutput
    from nnviz_widgets.core.fit_arguments import FitArguments
    from nnviz_widgets.core.schedule import Variant


class FitLoop:
    """What of a `Training` goes over epochs and batches; see there for its attributes."""

    model: Any
    arguments: FitArguments
    functions: StepFunctions
    feed: Feed
    next_feed: dict[str, Any]
    epoch: int
    random: np.random.Generator
    refuses: Callable[[Step], bool]
    resumption: Resumption | None
    taped: Taped | None
    _callbacks: Any
    _calls_at_batches: bool
    _ended: bool
    _leaving: bool
    _next: tuple[int, int]
    _on_activity: Callable[[str | None], None]
    _order: Mapping[str, Any]
    _way: Resumption | Rewinding | None

    if TYPE_CHECKING:

        @property
        def epochs(self) -> int:
            """As in `Training`."""

        @property
        def steps_per_epoch(self) -> int | None:
            """As in `Training`."""

        @property
        def iterator(self) -> Any:
            """As in `Training`."""

        @property
        def callbacks(self) -> list[Any]:
            """As in `Training`."""

        def use(self, setup: Setup | None) -> None:
            """As in `Changing`."""

        def _change_feed(self, epoch: int) -> None: ...

    def steps(self, choose: Callable[[], Variant]) -> Generator[Step | EpochEnd | Ready]:
        """Train, yielding after each step, and `READY` before the first. Closing it ends training in good order.

        Args:
            choose: Asked before each step which variant to run.
        """
        self._callbacks = self._make_callbacks()
        self._calls_at_batches = _has_batch_callbacks(self._callbacks)
        self._begin()
        # Where `BackupAndRestore` has found a backup, it says so here.
        if self.model._initial_epoch:
            self.arguments.initial_epoch = self.feed.first_epoch = self.model._initial_epoch
        yield from self._train(choose, self.resumption)

    def steps_from(self, rewinding: Rewinding, choose: Callable[[], Variant]) -> Generator[Step | EpochEnd | Ready]:
        """Go back to a snapshot and train from there, as `steps` does, which must have been left or be at its end.

        Args:
            rewinding: The way to the snapshot.
            choose: Asked before each step which variant to run.
        """
        if self._ended:
            self._callbacks.set_model(self.model)  # as `fit` does: a `TensorBoard` has closed its files
            with kept_logs(self.callbacks):
                self._begin()
        if not rewinding.on_tape:
            self._stop_loading()
        self.use(rewinding.setup)
        yield from self._train(choose, rewinding)

    def leave(self, steps: Generator[Any]) -> None:
        """Let go of `steps` in the middle of training, without ending that: it goes on from elsewhere."""
        self._leaving = True
        steps.close()
        self._leaving = False

    def _begin(self) -> None:
        self._ended = False
        self.model.stop_training = False
        self._callbacks.on_train_begin()

    def _train(
        self, choose: Callable[[], Variant], way: Resumption | Rewinding | None
    ) -> Generator[Step | EpochEnd | Ready]:
        callbacks, logs = self._callbacks, {}
        self._way = way
        try:
            first = yield from self._go()
            for epoch in range(first, self.epochs):
                if self.next_feed and (way is None or way.done):
                    self._change_feed(epoch)
                logs = yield from self._epoch(epoch, callbacks, choose)
                if self.model.stop_training:
                    break
        except GeneratorExit:
            if not self._leaving:
                self._end(callbacks, logs)
            raise
        self._end(callbacks, logs)

    def _go(self) -> Generator[Any, None, int]:
        """Go to where training begins, or goes on; the answer is the first epoch to train."""
        way = self._way
        if way is None:
            first: int = self.arguments.initial_epoch
            self._next, self._order = (first, 0), self.random.bit_generator.state
            yield READY
            return first
        self._on_activity(way.activity)
        way.go_to_epoch(self)
        self._on_activity(None)
        self.feed.n_counted = way.position.n_counted
        if not way.position.batch:
            self.epoch = way.epoch
            self._next, self._order = (way.position.epoch, 0), way.position.order
            way.put_back(self)
            yield READY
        return way.position.epoch

    def _epoch(
        self, epoch: int, callbacks: Any, choose: Callable[[], Variant]
    ) -> Generator[Any, None, dict[str, float]]:
        model, iterator = self.model, self.iterator
        batch_callbacks = self._calls_at_batches
        way = self._way if self._way is not None and not self._way.done else None
        n_done = way.position.batch if way is not None else 0
        self._order = self.random.bit_generator.state
        model.reset_metrics()
        if way is None or way.begins_epoch:
            callbacks.on_epoch_begin(epoch)
        output: StepOutput | None = None
        step: Step | None = None
        n_taken = n_done
        source = self.taped or Live(iterator)
        if way is not None and way.on_tape:
            self._next = (epoch, n_done)
            way.put_back(self)
            yield READY
        with source.until_end():
            for batch, batches in source.batches(n_done):
                self.epoch = epoch
                if way is not None and batch < n_done:
                    self._next = (epoch, batch + 1)
                    if way.pass_over(batch, batches, self):
                        yield READY
                    continue
                if batch_callbacks:
                    callbacks.on_train_batch_begin(batch)
                variant = choose()
                output = self.functions.take(variant, batches)
                source.taken(output.batch)
                step = Step(epoch, batch, output, variant)
                if self.refuses(step):
                    yield replace(step, refused=True)
                if batch_callbacks:
                    callbacks.on_train_batch_end(batch, output.logs)
                self._next = (epoch, batch + 1)
                if model.stop_training:
                    break
                if iterator.num_batches is None or batch + 1 < iterator.num_batches:
                    yield step
                    step = None
                    n_taken = batch + 1
        if way is not None:
            way.require_done()
        logs_before = way.logs if way is not None else {}
        logs = self._end_epoch(epoch, callbacks, output.logs if output is not None else logs_before)
        self._next, self._order = (epoch + 1, 0), self.random.bit_generator.state
        if step is None:
            if self.arguments.steps_per_epoch is None:
                # Keras counts the batch that was not there.
                self.feed.n_counted = n_taken
            yield EpochEnd(epoch, logs)
        else:
            yield Step(step.epoch, step.batch, step.output, step.variant, ends_epoch=True, epoch_logs=logs)
        return logs

    def _end_epoch(self, epoch: int, callbacks: Any, logs: dict[str, float]) -> dict[str, float]:
        model, arguments = self.model, self.arguments
        epoch_logs: dict[str, Any] = dict(model._get_metrics_result_or_logs(logs))
        if arguments.validation_data is not None and model._should_eval(epoch, arguments.validation_freq):
            self._on_activity("validating")
            epoch_logs |= {f"val_{name}": value for name, value in validate(model, arguments, callbacks).items()}
            self._on_activity(None)
        callbacks.on_epoch_end(epoch, epoch_logs)
        return {name: _as_float(value) for name, value in epoch_logs.items()}

    def _end(self, callbacks: Any, logs: dict[str, float]) -> None:
        model, self._ended = self.model, True
        if isinstance(model.optimizer, keras.optimizers.Optimizer) and self.epochs > 0:
            model.optimizer.finalize_variable_values(model.trainable_weights)
        self.release_validation()
        if self.taped is None:  # else the data can go on where they are, after going back
            self._stop_loading()
        callbacks.on_train_end(logs=logs)

    def _stop_loading(self) -> None:
        """End the threads with which a `PyDataset` loads ahead; Keras ends them with the epoch, we may stop before."""
        adapter = getattr(self.iterator, "data_adapter", None)
        enqueuer = getattr(adapter, "enqueuer", None)
        if enqueuer is not None:
            enqueuer.stop()
        if getattr(adapter, "_within_epoch", False):  # a `PyDataset` refuses to begin an epoch twice
            adapter._within_epoch = False  # type: ignore[union-attr]

    def release_validation(self) -> None:
        """Drop the validation data that Keras caches on the model, as `fit` does at its end."""
        release(self.model)

    def _make_callbacks(self) -> Any:
        given = self.arguments.callbacks
        if isinstance(given, callbacks_module.CallbackList):
            return given
        verbose = self.arguments.verbose
        return callbacks_module.CallbackList(
            given,
            add_history=True,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=self.epochs,
            steps=self.steps_per_epoch,
            model=self.model,
        )


def _has_batch_callbacks(callbacks: Any) -> bool:
    """Whether any callback does something at a batch; calling them all costs a tenth of a small step."""
    names = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
    return any(
        not getattr(getattr(callback, name), "_is_default", False) for callback in callbacks.callbacks for name in names
    )


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
