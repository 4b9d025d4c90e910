"""What an edit may change, as it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers of a training and of one layer that a person may edit between two steps.

    Attributes:
        learning_rate: `None` where it is no number of its own, as that of a schedule.
        batch_size: Of the next epoch; `None` where it cannot be changed.
        trainable: Whether the layer learns, `None` without a layer.
        dropout: The share that the layer drops, `None` if it has no such rate.
        hyperparameters: Numbers of the optimizer by name, besides the learning rate; `None` is one that is turned off.
        class_weight: Of the next epoch, by the number of the class; `None` if all weigh the same.
        weights: Variables of the layer with their shapes, the kernel first.
    """

    learning_rate: float | None = None
    batch_size: int | None = None
    trainable: bool | None = None
    dropout: float | None = None
    hyperparameters: Mapping[str, float | None] = field(default_factory=dict)
    class_weight: Mapping[int, float] | None = None
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
