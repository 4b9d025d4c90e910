"""What an edit may change, as it is now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers of a training and of one layer that a person may edit between two steps.

    Attributes:
        learning_rate: `None` where it is no number of its own, as that of a schedule.
        batch_size: Of the next epoch; `None` where it cannot be changed.
        trainable: Whether the layer learns, `None` without a layer.
        dropout: The share that the layer drops, `None` if it has no such rate.
    """

    learning_rate: float | None = None
    batch_size: int | None = None
    trainable: bool | None = None
    dropout: float | None = None
