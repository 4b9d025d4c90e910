"""What feeds a training its batches: one pipeline, for all epochs or until an edit changes it at the start of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

from nnviz_widgets.core.backends.tensorflow.replicas import has_strategy


@dataclass(slots=True, eq=False)
class Feed:
    """One pipeline.

    Attributes:
        batch_size: The argument of `fit`.
        class_weight: The argument of `fit`.
        first_epoch: The first epoch that it feeds.
        n_before: How many steps the epochs before have.
        iterator: Keras' epoch iterator, `None` before it is made.
        origin: Where the random streams of the process, and the session's own, were when it was made.
        n_batches: Batches an epoch as Keras knows them, `None` while the data has not told.
        n_counted: What an epoch without a known length turned out to have, `None` while it is not known.
        before: What fed the epochs before, `None` of the first.
        source: Stands for the batches that it gives: another feed with this one gives the same at the same steps.
    """

    batch_size: int | None
    class_weight: Any
    first_epoch: int
    n_before: int = 0
    iterator: Any = None
    origin: dict[str, Any] | None = None
    n_batches: int | None = None
    n_counted: int | None = None
    before: Feed | None = None
    source: object = field(default_factory=object)

    @property
    def steps_per_epoch(self) -> int | None:
        """Batches an epoch, `None` while the data has not told."""
        if self.n_counted is not None:
            return self.n_counted
        if self.iterator is not None:
            self.n_batches = self.iterator.num_batches
        return int(self.n_batches) if self.n_batches else None

    def n_until(self, epoch: int) -> int | None:
        """Return how many steps all epochs before `epoch` have, `None` while the data has not told."""
        per_epoch = self.steps_per_epoch
        return None if per_epoch is None else self.n_before + per_epoch * max(epoch - self.first_epoch, 0)


def why_no_other(training: Any) -> str | None:
    """Say why the data cannot be fed otherwise from the next epoch on, `None` if they can."""
    iterator = training.iterator
    if iterator is None:
        return "a session that is closed"
    if not isinstance(iterator.data_adapter, ArrayDataAdapter):
        return f"a {type(training.arguments.x).__name__}, which makes its batches by itself"
    if iterator.steps_per_epoch is not None:
        return "arrays with steps_per_epoch, which go on from epoch to epoch"
    return "a model that trains on replicas" if has_strategy(training.model) else None
