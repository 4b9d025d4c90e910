"""What `session.step` returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepReport:
    """One training step.

    Attributes:
        step: Its number, counted in batches from 1.
        epoch: 0-based.
        batch: 0-based index in the epoch.
        batch_loss: Loss of this batch alone.
        logs: Keras' running means over the epoch so far, by metric name.
        updates: How many variables were updated; 0 for a step that only accumulates gradients or was skipped.
        seconds: How long the step took, reading included.
    """

    step: int
    epoch: int
    batch: int
    batch_loss: float
    logs: dict[str, float]
    updates: int
    seconds: float

    def __repr__(self) -> str:
        logs = ", ".join(f"{name} {value:.4g}" for name, value in self.logs.items() if isinstance(value, float))
        return f"<StepReport step {self.step}, epoch {self.epoch + 1}, batch_loss {self.batch_loss:.4g}, {logs}>"
