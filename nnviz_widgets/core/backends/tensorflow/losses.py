"""A loss that is given beside the model, as `compile` takes it."""

from __future__ import annotations

from typing import Any

from keras import tree
from keras.src.losses import ALL_OBJECTS_DICT
from keras.src.trainers.compile_utils import CompileLoss

from nnviz_widgets.core.names import nearest
from nnviz_widgets.errors import InvalidArgumentError

_CHOSEN_BY_SHAPE = ("crossentropy", "ce")
"""Names that `compile` takes beside those of `keras.losses`."""


def given_loss(model: Any, loss: Any, y: Any) -> CompileLoss | None:
    """Return what `compile` would make of `loss`, `None` of `None`.

    Args:
        model: The model whose outputs it is for.
        loss: A name, a `keras.losses.Loss`, a function, or such for each of several outputs.
        y: The targets.

    Raises:
        InvalidArgumentError: If it is none of these, or there are no targets.
    """
    if loss is None:
        return None
    if y is None:
        raise InvalidArgumentError(
            "`y` must be the targets where a loss is given. Received: y=None. Use nnviz.inspect(model, x, y, loss=...)."
        )
    for one in tree.flatten(loss):
        _check(one)
    return CompileLoss(loss, output_names=getattr(model, "output_names", None))


def _check(loss: Any) -> None:
    """Refuse what is no loss; of several outputs, one may have none."""
    names = [*ALL_OBJECTS_DICT, *_CHOSEN_BY_SHAPE]
    if loss is None or callable(loss) or (isinstance(loss, str) and loss in names):
        return
    near = f" The nearest names are {', '.join(map(repr, nearest(loss, names)))}." if isinstance(loss, str) else ""
    raise InvalidArgumentError(
        "`loss` must be the name of a Keras loss, a keras.losses.Loss, or a function of targets and outputs. "
        f"Received: loss={loss!r:.80}.{near}"
    )
