"""The loss of one batch with other weights, which are back in their place before anybody sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras.src.trainers.data_adapters import data_adapter_utils

from nnviz_widgets.core.backends.tensorflow.put_aside import put_aside
from nnviz_widgets.core.backends.tensorflow.replicas import whole
from nnviz_widgets.core.what_if import WhatIf
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from nnviz_widgets.core.edit import Edit


def try_edit(training: Any, batch: Any, edit: Edit) -> WhatIf:
    """Return the loss of a batch in inference mode without and with what an edit sets; all is as it was afterwards.

    Args:
        training: A `Training` that stands still.
        batch: As the compiled step takes it.
        edit: One that sets variables.

    Raises:
        InvalidArgumentError: If the model has no compiled loss.
    """
    model = training.model
    if model._compile_loss is None:
        raise InvalidArgumentError(
            f"The model must be compiled with a loss to ask what it would be. Received: {model.name!r}, which computes "
            "its loss in its own `train_step`."
        )
    with put_aside(model, training.keras_state):
        before = _loss(model, batch)
        replaced = [(variable.numpy(), array) for variable, array in edit.values]
        edit.apply()
        return WhatIf(before, _loss(model, batch), _single(replaced))


def _loss(model: Any, batch: Any) -> float:
    x, y, weight = data_adapter_utils.unpack_x_y_sample_weight(whole(batch))
    return float(model.compute_loss(x=x, y=y, y_pred=model(x, training=False), sample_weight=weight, training=False))


def _single(replaced: list[tuple[Any, Any]]) -> float | None:
    """Return the only value that another has taken the place of."""
    changed = [(old, np.asarray(new) != old) for old, new in replaced]
    if sum(int(where.sum()) for _, where in changed) != 1:
        return None
    return next(float(old[where][0]) for old, where in changed if where.any())
