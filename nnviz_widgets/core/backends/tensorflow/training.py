"""A run of `fit`, one step at a time.

What goes over epochs and batches is in `fit_loop`, what edits change in `changing`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend import config
from keras.src.backend.common import global_state
from keras.src.trainers.data_adapters import array_slicing, data_adapter_utils

from nnviz_widgets.core.backends.tensorflow import random_streams
from nnviz_widgets.core.backends.tensorflow.batch_tape import BatchTape
from nnviz_widgets.core.backends.tensorflow.changing import Changing
from nnviz_widgets.core.backends.tensorflow.data import (
    UserErrors,
    arrays_of,
    expected_batches,
    let_go,
    make_epoch_iterator,
)
from nnviz_widgets.core.backends.tensorflow.feed import Feed
from nnviz_widgets.core.backends.tensorflow.fit_loop import FitLoop
from nnviz_widgets.core.backends.tensorflow.lengths import check_lengths
from nnviz_widgets.core.backends.tensorflow.metric_names import metric_names
from nnviz_widgets.core.backends.tensorflow.position import Position, epochs_stand_alone
from nnviz_widgets.core.backends.tensorflow.progress import end_line
from nnviz_widgets.core.backends.tensorflow.replicas import check_replicas, has_strategy, share, whole
from nnviz_widgets.core.backends.tensorflow.resumption import Captured, Resumption, capture
from nnviz_widgets.core.backends.tensorflow.rewinding import (
    Rewinding,
    batches_of,
    called_again,
    calls_users,
    kept_checkpoints,
    only_writes,
    reads_on,
    why_not_exact,
)
from nnviz_widgets.core.backends.tensorflow.setup import CompiledLately, Setup
from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot, SnapshotTaker
from nnviz_widgets.core.backends.tensorflow.source import Taped
from nnviz_widgets.core.backends.tensorflow.state import hidden_streams
from nnviz_widgets.core.backends.tensorflow.step import StepFunctions, plain
from nnviz_widgets.core.backends.tensorflow.thread_state import copied_state
from nnviz_widgets.core.frame import of_batch
from nnviz_widgets.core.warn import warn
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import numpy.typing as npt

    from nnviz_widgets.core.backends.tensorflow.events import Step
    from nnviz_widgets.core.backends.tensorflow.traced import StepOutput
    from nnviz_widgets.core.fit_arguments import FitArguments
    from nnviz_widgets.core.frame import Catalogue, TensorKey
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.report import StepReport


class Training(Changing, FitLoop):
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

    def metric_names(self) -> tuple[str, ...] | None:
        """Return the names that the logs of each step have, `None` where only a step can tell; on any thread."""
        traced = None if self.functions.changes() else self.functions.log_names
        return traced or metric_names(self.model)

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

    def arrays(self) -> tuple[Any, Any] | None:
        """Return `x` and `y` of all samples in numpy, put together as in a batch; `None` if they are no arrays."""
        return arrays_of(self.iterator)

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
        feed: Feed | None = self.feed
        while feed is not None:
            if feed.iterator is not None:
                let_go(feed.iterator)
            feed = feed.before
        self.feed.iterator = self.taped = self._way = None

    def averages_weights_at_end(self) -> bool:
        """Whether the optimizer puts a moving average into the weights when training ends."""
        optimizer = self.model.optimizer
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        return bool(getattr(inner, "use_ema", False))


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


def _as_array(tensor: Any) -> Any:
    """Return a tensor of a batch in numpy: a sparse one dense, a ragged one as an array of rows."""
    if isinstance(tensor, tf.SparseTensor):
        tensor = tf.sparse.to_dense(tensor)
    return tensor.numpy() if hasattr(tensor, "numpy") else tensor


def set_random_seed(seed: int) -> None:
    """Seed Python, numpy and TensorFlow for the whole process, as `keras.utils.set_random_seed` does."""
    keras.utils.set_random_seed(seed)
