"""A run of `fit`, one step at a time.

`Training.steps` is `fit` written as a generator: the same calls in the same order, so callbacks, validation,
early stopping and history are `fit`'s own, with a `yield` after each step.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras.src import callbacks as callbacks_module
from keras.src.backend import config
from keras.src.backend.common import global_state
from keras.src.backend.tensorflow.trainer import TFEpochIterator
from keras.src.trainers.data_adapters import array_slicing, data_adapter_utils

from nnviz_widgets.core.backends.tensorflow import random_streams
from nnviz_widgets.core.backends.tensorflow.batch_tape import BatchTape
from nnviz_widgets.core.backends.tensorflow.data import UserErrors, expected_batches, make_epoch_iterator
from nnviz_widgets.core.backends.tensorflow.editing import by_hand
from nnviz_widgets.core.backends.tensorflow.feed import Feed, why_no_other
from nnviz_widgets.core.backends.tensorflow.lengths import check_lengths
from nnviz_widgets.core.backends.tensorflow.position import Position, epochs_stand_alone
from nnviz_widgets.core.backends.tensorflow.progress import end_line
from nnviz_widgets.core.backends.tensorflow.replicas import check_replicas, has_strategy, share, whole
from nnviz_widgets.core.backends.tensorflow.resumption import Captured, Resumption, capture, capture_of
from nnviz_widgets.core.backends.tensorflow.rewinding import (
    Rewinding,
    batches_of,
    called_again,
    calls_users,
    kept_checkpoints,
    kept_logs,
    only_writes,
    reads_on,
    why_not_exact,
)
from nnviz_widgets.core.backends.tensorflow.script import write_script
from nnviz_widgets.core.backends.tensorflow.setup import CompiledLately, Setup
from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot, SnapshotTaker
from nnviz_widgets.core.backends.tensorflow.source import Live, Taped
from nnviz_widgets.core.backends.tensorflow.state import hidden_streams, of_tensorflow
from nnviz_widgets.core.backends.tensorflow.step import StepFunctions, plain
from nnviz_widgets.core.backends.tensorflow.thread_state import copied_state
from nnviz_widgets.core.frame import of_batch
from nnviz_widgets.core.warn import warn
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from nnviz_widgets.core.backends.tensorflow.traced import StepOutput
    from nnviz_widgets.core.edit import Edit
    from nnviz_widgets.core.fit_arguments import FitArguments
    from nnviz_widgets.core.frame import Catalogue, TensorKey
    from nnviz_widgets.core.journal import Told
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.report import StepReport
    from nnviz_widgets.core.schedule import Variant


@dataclass(frozen=True, slots=True)
class Step:
    """One step was taken.

    Attributes:
        epoch: 0-based.
        batch: 0-based index in the epoch.
        output: What it returned.
        variant: The variant that was run.
        ends_epoch: Whether it was the last batch of its epoch; then validation has run and `epoch_logs` is set.
        epoch_logs: The logs of the whole epoch with `val_` metrics.
        refused: Whether `Training.refuses` has refused it: then no callback has heard of it, and whoever has refused
            it leaves the steps and goes back.
    """

    epoch: int
    batch: int
    output: StepOutput
    variant: Variant
    ends_epoch: bool = False
    epoch_logs: dict[str, float] | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """The data turned out to be at its end, so the epoch ended without another step."""

    output: ClassVar[None] = None
    ends_epoch: ClassVar[bool] = True
    refused: ClassVar[bool] = False

    epoch: int
    epoch_logs: dict[str, float]


@dataclass(frozen=True, slots=True)
class Ready:
    """All is as it is before the next step; none was taken."""


READY = Ready()


class Training:
    """One run over the data with a model, as `fit` would make it.

    Args:
        model: A compiled Keras model.
        arguments: The arguments of `fit`.
        probe: What to read.
        on_activity: Called with a few words when something long begins ("validating"), and with `None` at its end.

    Attributes:
        resumption: Puts it where a saved run was before the first step, if it is to go on with one.
        feed: What feeds the data.
        next_feed: Arguments of `fit` with which the next epoch is fed otherwise.
        setup: What it is set to beside its variables; `None` before it is prepared.
        tape_bytes: What the batches of data that come once may hold, so that they can come again; 0 keeps none.
        taped: Where such data come from, `None` if others are trained on or none are kept.
        keras_state: What Keras keeps for the training thread.
        refuses: Asked of each step once it was computed, before callbacks hear of it, whether it must not count.

    Raises:
        InvalidArgumentError: If the model is not compiled, or trains on replicas in several processes; if arrays differ
            in length.
    """

    def __init__(
        self, model: Any, arguments: FitArguments, probe: Probe, on_activity: Callable[[str | None], None]
    ) -> None:
        _check_model(model)
        check_replicas(model, probe.replica)
        check_lengths(arguments)
        self.model = model
        self.arguments = arguments
        self.functions = StepFunctions(model, probe)
        self._probe = probe
        self._replica = probe.replica
        self.errors = UserErrors()
        self.random = np.random.default_rng()
        self._on_activity = on_activity
        self.epoch: int = arguments.initial_epoch
        self._thread_state = copied_state(vars(global_state.GLOBAL_STATE_TRACKER))
        self.feed = Feed(
            arguments.batch_size,
            arguments.class_weight,
            arguments.initial_epoch,
            n_batches=expected_batches(arguments),
        )
        self.next_feed: dict[str, Any] = {}
        self.setup: Setup | None = None
        self._compiled = CompiledLately()
        self._callbacks: Any = None
        self.resumption: Resumption | None = None
        self.tape_bytes = 0
        self.taped: Taped | None = None
        self.keras_state: dict[str, Any] | None = None
        self.refuses: Callable[[Step], bool] = lambda step: False
        self._next = (arguments.initial_epoch, 0)
        self._order: Mapping[str, Any] = {}
        self._way: Resumption | Rewinding | None = None
        self._taker = SnapshotTaker(model)
        self._hidden: tuple[int, list[str]] = (-1, [])
        self._calls_at_batches = True
        self._leaving = False
        self._ended = True

    # --- what is known ---

    @property
    def epochs(self) -> int:
        """How many epochs there will be, counted from epoch 0."""
        limit = config.max_epochs()
        return min(self.arguments.epochs, limit) if limit else self.arguments.epochs

    @property
    def steps_per_epoch(self) -> int | None:
        """Batches an epoch, `None` while the data has not told."""
        return self.feed.steps_per_epoch

    @property
    def total_steps(self) -> int | None:
        """How many steps there will be, `None` while the data has not told."""
        return self.feed.n_until(self.epochs)

    @property
    def origin(self) -> dict[str, Any] | None:
        """Where the random streams of the process, and `random`, were when the data pipeline was made."""
        return self.feed.origin

    @property
    def next_batch(self) -> int:
        """The 0-based index in its epoch of the batch that comes next, or is being trained on."""
        return self._next[1]

    @property
    def next_new_epoch(self) -> int:
        """The next epoch of which no batch was taken yet, 0-based."""
        epoch, batch = self._next
        return epoch + 1 if batch else epoch

    @property
    def validates(self) -> bool:
        """Whether there may be metrics of a validation."""
        return self.arguments.validation_data is not None or bool(self.arguments.validation_split)

    @property
    def history(self) -> dict[str, list[float]]:
        """As `keras.callbacks.History.history`."""
        callback = self._callbacks._history if self._callbacks is not None else None
        return dict(callback.history) if callback is not None else {}

    @property
    def position(self) -> Position:
        """The place in the data, between two steps."""
        checksum = self.resumption.position.checksum if self.resumption is not None else None
        first = self.arguments.initial_epoch
        return Position(*self._next, first, self._order, checksum, self.feed.n_counted)

    @property
    def iterator(self) -> Any:
        """Keras' epoch iterator over the data."""
        return self.feed.iterator

    @property
    def callbacks(self) -> list[Any]:
        """All callbacks, Keras' own among them."""
        return list(self._callbacks.callbacks) if self._callbacks is not None else []

    # --- on the worker thread ---

    def enter_thread(self) -> None:
        """Give the calling thread the Keras state of the thread that made the session.

        Keras keeps the dtype policy and more in thread-local state: without this a model made under
        `mixed_bfloat16` would add float32 layers in the worker.
        """
        self.keras_state = vars(global_state.GLOBAL_STATE_TRACKER)
        self.keras_state.update(self._thread_state)

    def prepare(self) -> Catalogue:
        """Make the data pipeline, build the model and trace the first step, without running one."""
        arguments = self.arguments
        if arguments.validation_split and arguments.validation_data is None:
            (arguments.x, arguments.y, arguments.sample_weight), arguments.validation_data = (
                array_slicing.train_validation_split(
                    (arguments.x, arguments.y, arguments.sample_weight), validation_split=arguments.validation_split
                )
            )
        self._on_activity("preparing the data")
        if self.resumption is not None:
            self.resumption.begin(self)
        self._make_iterator()
        self.model._maybe_symbolic_build(iterator=self.iterator)
        self.iterator.reset()
        if self.tape_bytes and not epochs_stand_alone(self.iterator) and not has_strategy(self.model):
            self.taped = Taped(self.iterator, BatchTape(self.tape_bytes), self._no_batches)
        self._on_activity("building the training step")
        self.functions.prepare(self._no_batches())
        self._on_activity(None)
        if self.resumption is not None:
            self.functions.make_variables(self._no_batches())
            self.resumption.check(self)
        self.setup = Setup.of(self)
        return self.functions.catalogue

    def _make_iterator(self) -> None:
        """Begin to feed with `feed`."""
        feed, arguments = self.feed, self.arguments
        arguments.batch_size, arguments.class_weight = feed.batch_size, feed.class_weight
        feed.origin = {**random_streams.capture(), "order": self.random.bit_generator.state}
        feed.iterator = make_epoch_iterator(self.model, arguments, self.errors, self.random)

    def _no_batches(self) -> Any:
        """Return an iterator over no data: it has the signature of one over all, and takes no batch from the user."""
        if not has_strategy(self.model):
            return iter(self.iterator._distributed_dataset.take(0))
        dataset = self.iterator.data_adapter.get_tf_dataset()
        if isinstance(dataset, tf.distribute.DistributedDataset):  # the user has spread it; it cannot be cut any more
            return iter(dataset)
        return iter(self.model.distribute_strategy.experimental_distribute_dataset(dataset.take(0)))

    def renew(self) -> str | None:
        """Build the step anew if the model is another than the one it was built for.

        Returns:
            What came of it and what changed, in words; `None` if nothing did.
        """
        changes = self.functions.changes()
        if not changes:
            return None
        self._on_activity("building the training step anew")
        refused = self.functions.renew(self._no_batches())
        self._taker = SnapshotTaker(self.model)
        self.setup = Setup.of(self)
        self._on_activity(None)
        if refused is None:
            return f"and the step was built anew: {'; '.join(changes)}"
        return (
            "but the step stays what it was, as it does in fit until the model is compiled anew: "
            f"{'; '.join(changes)} ({plain(refused)})"
        )

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

    def snapshot(self, output: StepOutput | None) -> Snapshot | None:
        """Put everything aside that the steps from here on change; `None` if memory does not suffice.

        Args:
            output: Of the last step, `None` if there was none.
        """
        snapshot = self.held(output)
        if self.taped is not None and snapshot is not None:
            self.taped.tape.mark()
        return snapshot

    def held(self, output: StepOutput | None) -> Snapshot | None:
        """Do the same for a moment: no way back leads there, for which batches that come once would have to be kept."""
        return self._taker.take(self, output)

    @property
    def place(self) -> int:
        """How much has come from data that come once."""
        return 0 if self.taped is None else self.taped.tape.place

    @property
    def held_bytes(self) -> int:
        """Memory that the batches hold that can come again."""
        return 0 if self.taped is None else self.taped.tape.n_bytes

    @property
    def needs_snapshot(self) -> bool:
        """Whether one must be taken now, or the batches since the last are let go before there is another."""
        return self.taped is not None and self.taped.tape.needs_mark

    def let_go(self, snapshots: Iterable[Snapshot]) -> str | None:
        """Let go of batches that none of these snapshots leads to; tell if there are batches that are not held."""
        if self.taped is None or not self.taped.tape.gave_up:
            return None
        self.taped.tape.let_go(snapshot.place for snapshot in snapshots)
        return (
            f"{batches_of(self)} come once, and of those that were trained on only the newest are held: steps before "
            "cannot be gone back to exactly. Give them more: snapshots=nnviz.Snapshots(memory=...)"
        )

    def digest(self) -> bytes:
        """Return what tells the values of all variables from any others, to the last bit."""
        return self._taker.digest(self)

    def learning_rate(self) -> float | None:
        """Return the learning rate of the next update, `None` if the optimizer has none."""
        rate = getattr(self.model.optimizer, "learning_rate", None)
        return None if rate is None else float(rate)

    def make_variables(self) -> None:
        """Make those variables now that the first step would make: metrics, other optimizers."""
        self.functions.make_variables(self._no_batches())

    def rewinding(self, snapshot: Snapshot) -> Rewinding:
        """Return the way back to a snapshot. It is not gone yet."""
        return Rewinding(snapshot, snapshot.setup.feed.iterator, self.taped)

    def hidden_streams(self) -> list[str]:
        """Return which operations of the step keep a random stream that cannot be read."""
        if self._hidden[0] != self.functions.n_traces:  # a large graph takes a while to be looked through
            self._hidden = self.functions.n_traces, hidden_streams(self.functions.graphs())
        return self._hidden[1]

    def why_not_exact(self, snapshot: Snapshot | None = None) -> str | None:
        """Say why the steps after a snapshot cannot be taken once more, bit by bit; `None` if they can.

        Args:
            snapshot: The state before the first of them; `None` for one that would be taken now.
        """
        return why_not_exact(self, snapshot)

    def called_again(self) -> list[str]:
        """Name the user's callbacks, which are called once more when steps are taken once more."""
        return called_again(self.callbacks)

    def reads_on(self) -> str | None:
        """Name what gives validation data that come once, `None` if none does."""
        return reads_on(self)

    def may_be_called_again(self) -> bool:
        """Whether no callback of the user's would hear of a step twice if that is taken again."""
        return not calls_users(self.callbacks)

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Within the block, spare those callbacks that write to somewhere else what they have written before."""
        everyone = self._callbacks.callbacks
        self._callbacks.callbacks = [callback for callback in everyone if not only_writes(callback)]
        try:
            with kept_checkpoints(everyone):
                yield
        finally:
            self._callbacks.callbacks = everyone

    # --- edits ---

    def why_no_other_feed(self) -> str | None:
        """Say why the data cannot be fed otherwise from the next epoch on, `None` if they can."""
        return why_no_other(self)

    def apply(self, edit: Edit) -> None:
        """Change what an edit changes; if the step cannot be built with it, all is as it was before."""
        before = self.setup
        edit.apply()
        try:
            if edit.retraces:
                self._build_anew()
        except BaseException:
            self.use(before)
            raise
        self.setup = Setup.of(self)

    def _build_anew(self) -> None:
        """Make another step for the model as it is set up now; the one before stays with its setup."""
        self._on_activity("building the training step anew")
        self.functions = StepFunctions(self.model, self._probe)
        try:
            self._compile()
        finally:
            self._on_activity(None)

    def _compile(self) -> None:
        self.functions.prepare(self._no_batches())
        self.functions.make_variables(self._no_batches())
        self._compiled.used(self.functions)

    def use(self, setup: Setup | None) -> None:
        """Be set up as at another time."""
        if setup is None or setup is self.setup:
            return
        setup.put_back()
        self.functions, self.feed, self.next_feed = setup.functions, setup.feed, dict(setup.next_feed)
        self.arguments.batch_size, self.arguments.class_weight = self.feed.batch_size, self.feed.class_weight
        self.setup = setup
        if self.functions.is_compiled:
            self._compiled.used(self.functions)
        elif self.iterator is not None:
            self._compile()

    def unexplained(
        self, changed: list[tuple[Any, npt.NDArray[Any]]], edits: Iterable[Edit]
    ) -> list[tuple[Any, npt.NDArray[Any]]]:
        """Return those of `changed`, TensorFlow's variables and their values, that no edit has made what they are."""
        made = {id(of_tensorflow(variable)): array for edit in edits for variable, array in edit.values}
        return [
            (variable, array)
            for variable, array in changed
            if id(variable) not in made or np.asarray(made[id(variable)]).tobytes() != array.tobytes()
        ]

    def by_hand(self, changed: list[tuple[Any, npt.NDArray[Any]]]) -> Edit:
        """Describe what somebody has assigned to TensorFlow's variables without an edit."""
        return by_hand(self.model, changed)

    def write_script(self, path: Path, told: Told) -> None:
        """Write a script in plain Keras that repeats what `told` says.

        Raises:
            ScriptNotPossible: If plain Keras cannot.
            OSError: If it cannot be written.
        """
        write_script(self, path, told)

    def capture_of(self, snapshot: Snapshot, report: StepReport | None) -> Captured:
        """Return what `capture` did when a snapshot was taken; the training must be set up as it was then."""
        facts, arrays = capture_of(self, snapshot)
        return {**facts, "report": None if report is None else asdict(report)}, arrays

    @contextmanager
    def as_set_up(self, setup: Setup) -> Iterator[None]:
        """Within the block, be set up as at another time."""
        now = self.setup
        self.use(setup)
        try:
            yield
        finally:
            self.use(now)

    def undo(self, before: Snapshot) -> None:
        """Take back what edits have changed since `before` was taken between the same two steps."""
        self.use(before.setup)
        before.put_back_values()

    def _change_feed(self, epoch: int) -> None:
        """Feed otherwise from the beginning of an epoch on."""
        old, wanted, self.next_feed = self.feed, self.next_feed, {}
        spec = self._no_batches().element_spec
        self._stop_loading()
        self.feed = Feed(
            wanted.get("batch_size", old.batch_size),
            wanted.get("class_weight", old.class_weight),
            epoch,
            old.n_until(epoch) or 0,
            before=old,
        )
        self._make_iterator()
        self.iterator.reset()
        self.release_validation()
        if self._no_batches().element_spec != spec:
            self._build_anew()
        self.setup = Setup.of(self)

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
            epoch_logs |= {f"val_{name}": value for name, value in self._evaluate(callbacks).items()}
            self._on_activity(None)
        callbacks.on_epoch_end(epoch, epoch_logs)
        return {name: _as_float(value) for name, value in epoch_logs.items()}

    def _evaluate(self, callbacks: Any) -> dict[str, Any]:
        model, arguments = self.model, self.arguments
        x, y, sample_weight = data_adapter_utils.unpack_x_y_sample_weight(arguments.validation_data)
        batch_size = arguments.validation_batch_size or arguments.batch_size
        if getattr(model, "_eval_epoch_iterator", None) is None:
            model._eval_epoch_iterator = TFEpochIterator(
                x=x,
                y=y,
                sample_weight=sample_weight,
                batch_size=batch_size,
                distribute_strategy=model.distribute_strategy,
                steps_per_execution=model.steps_per_execution,
                steps_per_epoch=arguments.validation_steps,
                shuffle=False,
            )
        logs: dict[str, Any] = model.evaluate(
            x=x,
            y=y,
            sample_weight=sample_weight,
            batch_size=batch_size,
            steps=arguments.validation_steps,
            callbacks=callbacks,
            return_dict=True,
            _use_cached_eval_dataset=True,
        )
        return logs

    def _end(self, callbacks: Any, logs: dict[str, float]) -> None:
        model, self._ended = self.model, True
        if isinstance(model.optimizer, keras.optimizers.Optimizer) and self.epochs > 0:
            model.optimizer.finalize_variable_values(model.trainable_weights)
        self.release_validation()
        if self.taped is None:  # else the data can go on where they are, after going back
            self._stop_loading()
        callbacks.on_train_end(logs=logs)

    def end_progress_line(self) -> None:
        """End the line of Keras' progress bar if training rests in the middle of it."""
        if self._callbacks is not None:
            end_line(self._callbacks)

    def n_updates(self) -> tuple[Any, int]:
        """Return the optimizer, and how many updates it has made in all, also in a `fit` of the user's beside us."""
        optimizer = self.model.optimizer
        if not isinstance(optimizer, keras.optimizers.Optimizer) or not optimizer.built:
            return optimizer, 0
        return optimizer, int(optimizer.iterations.numpy())

    def targets(self, batch: Any) -> Any:
        """Return the targets of a batch as a numpy array, or `None` if there are none or several."""
        _, y, _ = data_adapter_utils.unpack_x_y_sample_weight(self._read_part(batch))
        return np.asarray(y) if hasattr(y, "shape") and hasattr(y, "numpy") else None

    def rows(self, batch: Any, keys: Iterable[TensorKey], n: int) -> dict[TensorKey, npt.NDArray[Any]]:
        """Return the first `n` rows of those arrays of the batch's `x` that are among `keys`.

        They are copies: a view would keep the whole batch.
        """
        x, _, _ = data_adapter_utils.unpack_x_y_sample_weight(self._read_part(batch))
        leaves = keras.tree.flatten(x)
        wanted = [key for key in keys if of_batch(key)]
        return {key: np.asarray(leaves[key.output])[:n].copy() for key in wanted}

    def _read_part(self, batch: Any) -> Any:
        """Return the rows of a batch that layers are read on: all, or the share of the probe's replica."""
        return whole(batch) if self._replica is None else share(batch, self._replica)

    def as_numpy(self, batch: Any) -> tuple[Any, Any, Any]:
        """Return a batch as `(x, y, sample_weight)` in numpy arrays."""
        parts = data_adapter_utils.unpack_x_y_sample_weight(whole(batch))
        x, y, w = keras.tree.map_structure(_as_array, parts)
        return x, y, w

    def original(self, error: BaseException) -> BaseException:
        """Return the exception of the user's data code if `error` is what tf.data made of it, else `error`."""
        last = self.errors.last
        wrapped = last is not None and isinstance(error, tf.errors.OpError) and str(last) in str(error)
        return last if wrapped and last is not None else error

    def notices(self) -> list[str]:
        """Return sentences on what differs from the same `fit`, and on what cannot be read."""
        notices = self._on_executions()
        if self.functions.taps_failed is not None:
            notices.append(f"nothing can be read from this model: {plain(self.functions.taps_failed)}")
        notices += [f"{left_out.reason}; it is not read any more" for left_out in self.functions.left_out]
        if self.functions.n_counted_twice:
            notices.append(
                "memory ran short within a step: metrics, moving statistics and random numbers that it had changed "
                f"by then count its batch twice (steps: {self.functions.n_counted_twice})"
            )
        if self.functions.data_failed is not None:
            notices.append(f"`data` of the probe cannot be run through the model: {plain(self.functions.data_failed)}")
        return notices

    def _on_executions(self) -> list[str]:
        n = self.model.steps_per_execution
        return [f"steps_per_execution={n} is 1 here: the session takes steps one by one"] if n > 1 else []

    def capture(self, output: StepOutput | None, report: StepReport | None) -> Captured:
        """Return everything that another process needs to go on from here: facts in JSON's values, and arrays.

        Args:
            output: Of the last step, `None` if none was taken here.
            report: Of the last step.

        Warns:
            UserWarning: If the step draws random numbers that cannot be followed.
        """
        hidden = self.hidden_streams()
        if hidden:
            warn(
                "A step must draw random numbers with `keras.random` and seeds of its own to be gone on with exactly. "
                f"Received: a model that draws them with {', '.join(hidden)} of TensorFlow, where they cannot be read."
            )
        facts, arrays = capture(self, None if output is None else output.batch)
        return {**facts, "report": None if report is None else asdict(report)}, arrays

    def release(self) -> None:
        """Drop everything of ours that the model or the process holds."""
        self.release_validation()
        self._stop_loading()
        self.feed.iterator = self.taped = None

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
        if getattr(self.model, "_eval_epoch_iterator", None) is not None:
            del self.model._eval_epoch_iterator

    def averages_weights_at_end(self) -> bool:
        """Whether the optimizer puts a moving average into the weights when training ends."""
        optimizer = self.model.optimizer
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        return bool(getattr(inner, "use_ema", False))

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


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise InvalidArgumentError(
            f"`model` must be a keras.Model. Received: {type(model).__name__}. Wrap the layers in keras.Sequential."
        )
    if not model.compiled:
        raise InvalidArgumentError(
            f"`model` must be compiled before it can be trained. Received: {model.name!r}, not compiled. "
            "Call model.compile(optimizer, loss) first."
        )


def _has_batch_callbacks(callbacks: Any) -> bool:
    """Whether any callback does something at a batch; calling them all costs a tenth of a small step."""
    names = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
    return any(
        not getattr(getattr(callback, name), "_is_default", False) for callback in callbacks.callbacks for name in names
    )


def _as_array(tensor: Any) -> Any:
    """Return a tensor of a batch in numpy: a sparse one dense, a ragged one as an array of rows."""
    if isinstance(tensor, tf.SparseTensor):
        tensor = tf.sparse.to_dense(tensor)
    return tensor.numpy() if hasattr(tensor, "numpy") else tensor


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def set_random_seed(seed: int) -> None:
    """Seed Python, numpy and TensorFlow for the whole process, as `keras.utils.set_random_seed` does."""
    keras.utils.set_random_seed(seed)
