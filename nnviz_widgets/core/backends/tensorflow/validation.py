"""The validation at the end of an epoch, as `fit` does it: with an iterator that it keeps from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras.src.backend.tensorflow.trainer import TFEpochIterator
from keras.src.trainers.data_adapters import data_adapter_utils

if TYPE_CHECKING:
    from nnviz_widgets.core.fit_arguments import FitArguments


def validate(model: Any, arguments: FitArguments, callbacks: Any) -> dict[str, Any]:
    """Return the metrics of a model on the validation data of `arguments`.

    Args:
        model: A Keras model.
        arguments: Those of `fit`; they have validation data.
        callbacks: The `CallbackList` of `fit`.
    """
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


def release(model: Any) -> None:
    """Drop the validation data that Keras keeps on a model, as `fit` does at its end."""
    if getattr(model, "_eval_epoch_iterator", None) is not None:
        del model._eval_epoch_iterator
