"""What a recording keeps of what a page asks for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.errors import InvalidArgumentError, NnvizError, TensorNotRecorded, TensorTooLarge, TensorUnavailable
from nnviz_widgets.pictures.stack import stacked

if TYPE_CHECKING:
    from nnviz_widgets.core.alignment import Alignment
    from nnviz_widgets.core.frame import Frame, Kind
    from nnviz_widgets.core.recording import Recording


def key_of(recording: Recording, layer: str, kind: Kind, variable: str | None = None, output: int = 0) -> TensorKey:
    """Return the key of a tensor; without `variable`, of the one that stands for the layer.

    Raises:
        NnvizError: If there is none; the message is the reason.
    """
    try:
        return recording.resolve(layer, kind, variable, output=output)
    except InvalidArgumentError:
        # Several variables and none is a kernel, as in BatchNormalization: a picture of the first says more than words.
        if variable is not None or output:
            raise
        return recording.keys(layer, kind)[0]


def key_or_reason(
    recording: Recording, layer: str, kind: Kind, variable: str | None = None, output: int = 0
) -> TensorKey | str:
    """Return what `key_of` does, or the reason why there is none."""
    try:
        return key_of(recording, layer, kind, variable, output)
    except TensorUnavailable as error:
        return recording.why(layer, kind) or str(error)
    except NnvizError as error:
        return str(error)


ANOTHER_BATCH = "each step has a batch of its own"
"""What a reader must know of a difference of two steps, where `of_its_batch`."""

ANOTHER_RUN = "each run has batches of its own"
"""The same of a difference of two runs."""


Twin = Callable[[TensorKey], "tuple[Recording, int] | None"]
"""Where the other one of two runs keeps a tensor, if it does."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What a run is drawn beside, where it is the second of two.

    Attributes:
        first: The first run, in whose order the neurons lie.
        alignment: Which of its steps belong to those of this run.
        minus: Its step whose values are taken off, `None` where none are.
    """

    first: Recording
    alignment: Alignment
    minus: int | None = None


def taken_off(
    recording: Recording, key: TensorKey, compare: int | None, beside: Beside | None, *, together: bool
) -> Frame | None:
    """Return the tensor whose values are taken off: of the first run, or of another step; `None` where none are.

    Args:
        recording: The run that is drawn.
        key: The tensor.
        compare: The step to compare with, if any.
        beside: What the run is drawn beside, if anything.
        together: Whether it stands for its layer, and those that are drawn together with it come along.

    Raises:
        NnvizError: If it is not kept; the message says so.
    """
    if beside is not None and beside.minus is not None:
        if beside.first.kept_step(key, beside.minus) != beside.minus:
            raise TensorNotRecorded(f"not kept at step {beside.minus} of the first run")
        recording, frame = beside.first, beside.first.frame(key, beside.minus)
    elif compare is not None:
        frame = earlier_of(recording, key, compare)
    else:
        return None
    return stacked(recording, frame) if together else frame


def batches_note(recording: Recording, key: TensorKey, step: int, beside: Beside | None) -> str | None:
    """Return what a reader must know of a difference of a tensor that tells of samples, `None` of any other."""
    return whose_batches(recording, step, beside) if of_its_batch(key) else None


def whose_batches(recording: Recording, step: int, beside: Beside | None) -> str | None:
    """Return what a reader must know of a difference of what tells of samples; `None` if both steps took one batch.

    So it is of branches of one training, and of a fork, at the same step, unless one of them was fed otherwise.
    """
    if beside is None or beside.minus is None:
        return ANOTHER_BATCH
    mine, theirs = recording.fed_by.source(step), beside.first.fed_by.source(beside.minus)
    if mine is None or mine is not theirs:
        return ANOTHER_RUN
    return None if step == beside.minus else ANOTHER_BATCH


def of_its_batch(key: TensorKey) -> bool:
    """Whether a tensor tells of samples that are others at each step."""
    return key.kind in ("activations", "activation_gradients") and key.variable is None


def kept_at(recording: Recording, key: TensorKey, step: int) -> Frame | None:
    """Return a tensor at the nearest kept step at or before `step` (-1: the newest), `None` if there is none.

    Raises:
        TensorTooLarge: If it cannot be copied from its device.
    """
    found = recording.kept_step(key, step)
    try:
        return None if found is None else recording.frame(key, found)
    except TensorTooLarge:
        raise
    except TensorNotRecorded:  # thinned out between the two calls
        return None


def earlier_of(recording: Recording, key: TensorKey, step: int) -> Frame:
    """Return the tensor to compare with: at the nearest kept step at or before `step`, else at the first one.

    Nobody has seen a gradient or an activation of step 0.

    Raises:
        TensorNotRecorded: If there is none; the message says so.
    """
    frame = kept_at(recording, key, step)
    if frame is not None:
        return frame
    newest = recording.kept_step(key)
    if newest is None:
        raise TensorNotRecorded("nothing is kept to compare with")
    return recording.frame(key, _first_step(recording, key, newest))


def _first_step(recording: Recording, key: TensorKey, newest: int) -> int:
    """Return the first kept step of any tensor, also of one that is no layer's, such as the batch."""
    return bisect_left(range(newest + 1), True, key=lambda step: recording.kept_step(key, step) is not None)
