"""What an edit may change, read from the model and from what feeds it."""

from __future__ import annotations

from typing import Any

import keras
from keras.optimizers.schedules import LearningRateSchedule

from nnviz_widgets.core.backends.tensorflow.setup import hyperparameters, is_number
from nnviz_widgets.core.backends.tensorflow.tree import walk
from nnviz_widgets.core.settings import Settings

KERAS_BATCH_SIZE = 32
"""What `fit` takes where nobody gives one."""


def settings_of(training: Any, path: str | None) -> Settings:
    """Return the settings of a training, and of the layer with this path; what there is not is `None`."""
    entry = next((entry for entry in walk(training.model) if entry.path == path), None)
    layer = None if entry is None else entry.layer
    rate: Any = getattr(layer, "rate", None)
    return Settings(
        learning_rate=_learning_rate(training.model.optimizer),
        batch_size=_batch_size(training),
        trainable=None if layer is None else bool(layer.trainable),
        dropout=float(rate) if is_number(rate) else None,
        hyperparameters=_hyperparameters(training.model.optimizer),
        class_weight=training.next_feed.get("class_weight", training.feed.class_weight),
        weights={} if entry is None else {name: tuple(one.shape) for name, one in entry.variables.items()},
    )


def _learning_rate(optimizer: Any) -> float | None:
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return None
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return None if isinstance(inner._learning_rate, LearningRateSchedule) else float(optimizer.learning_rate)


def _hyperparameters(optimizer: Any) -> dict[str, float | None]:
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return {}
    return hyperparameters(getattr(optimizer, "inner_optimizer", optimizer))


def _batch_size(training: Any) -> int | None:
    if training.why_no_other_feed() is not None:
        return None
    return int(training.next_feed.get("batch_size") or training.feed.batch_size or KERAS_BATCH_SIZE)
