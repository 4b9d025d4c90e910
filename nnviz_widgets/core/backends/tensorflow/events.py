"""What a training yields: a step, the end of an epoch, or that it stands before the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from nnviz_widgets.core.backends.tensorflow.traced import StepOutput
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
