"""The variables of compiled metrics, made before the step is traced.

Keras makes them within the first trace of a step. TensorFlow then throws that trace away and makes another one, in
which no variable is made: with all that we read beside it, half of the time that passes before the first step.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import keras
from keras.src.models.functional import Functional

_OF_KERAS = (keras.Sequential, Functional)
_NOT_ON_THE_INSTANCE = ("train_step", "compute_loss", "compute_metrics")


def build_metrics(model: Any, batch: Any) -> None:
    """Make the variables of a model's metrics as Keras does where it trains on several replicas.

    Only of models whose step is Keras', as another one may give its metrics other tensors, and that have one output:
    the losses of several would be summed in another order. Nothing is run, and no random stream moves. Where it fails
    the step makes them, as in `fit`.

    Args:
        model: A compiled model.
        batch: The specs of a batch, `(x, y, sample_weight)` or less.
    """
    metrics = model._compile_metrics
    if not model.built or metrics is None or metrics.built or not _is_of_keras(model):
        return
    with suppress(Exception):  # of data for which Keras has no symbol, such as sparse ones
        model._symbolic_build(data_batch=batch)


def _is_of_keras(model: Any) -> bool:
    own = any(name in vars(model) for name in _NOT_ON_THE_INSTANCE)
    return type(model) in _OF_KERAS and not own and len(model.outputs) == 1
