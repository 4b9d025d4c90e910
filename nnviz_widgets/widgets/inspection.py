"""`nnviz.inspect`: one batch of a model, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.calls import called
from nnviz_widgets.core.inspection import Inspection
from nnviz_widgets.pictures.panels import PANELS
from nnviz_widgets.widgets.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_TRAINING = ("timeline",)
"""Panels that one batch has nothing for."""


@called("inspect")
def inspect(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    loss: Any = None,
    sample_weight: Any = None,
    panels: Sequence[str] | None = None,
    name: str | None = None,
) -> Inspector:
    """Look into a model with one batch: weights, activations of every layer and, with targets, gradients.

    Nothing is trained, and no `compile` is needed. The batch runs through the model once, in inference mode: dropout
    drops nothing, and batch normalisation uses its moving statistics. The model, its optimizer, metrics and random
    generators stay as they are; only a model that is not built yet is built by the call.

    Args:
        model: Any Keras model: functional, subclassed, from a file.
        x: One batch as `model` takes it, `(batch, ...)`: an array, or a list, tuple or dict of arrays. All its rows are
            kept, so give as many as you want to look at.
        y: Targets `(batch, ...)` as for `fit`. With them, and if there is a loss, its gradients with respect to weights
            and activations are shown too: in inference mode, before clipping, and with the penalties of regularisers.
        loss: What `compile` takes: the name of a Keras loss, a `keras.losses.Loss`, or a function of targets and
            outputs. Takes the place of the one that the model is compiled with; needed if there is none.
        sample_weight: Weights of the samples in the loss, as for `fit`.
        panels: Which parts to show, of `Inspector.PANELS`; all that one batch has something for by default.
        name: What to call it, the model's name if `None`.

    Returns:
        An Inspector that begins at the first layer with weights. Its `recording` has all tensors under step 0; its
        `source` has the `loss`. Widgets live until they are closed, also when their cell is run again: where memory is
        short, call its `close()` first.

    Raises:
        InvalidArgumentError: If `model` is no Keras model, `x` no batch of at least one row, or `loss` no loss, or one
            without `y`.
        SessionBusy: If a session is training the model now.
        BackendMissing: If Keras with TensorFlow cannot be imported.

    Example:
        ```python
        inspector = nnviz.inspect(model, x_test[:32], y_test[:32])
        inspector.recording.tensor("dense", "activations")    # (32, 128)
        ```
    """
    inspection = Inspection(model, x, y, loss=loss, sample_weight=sample_weight, name=name)
    shown = [each for each in PANELS if each not in _OF_TRAINING] if panels is None else panels
    inspector = Inspector(inspection, shown)
    with_weights = [layer.path for layer in inspection.recording.layers if layer.variables]
    if with_weights:
        inspector.cursor.layer = with_weights[0]
    return inspector
