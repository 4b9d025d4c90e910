"""What the loss of a batch would be if a weight were another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer of `session.what_if`.

    Attributes:
        before: The loss of the batch with the weights as they are, in inference mode.
        after: The same with the value in its place.
        value: What was in that place, where it is a single number; else `None`.
    """

    before: float
    after: float
    value: float | None = None

    def __repr__(self) -> str:
        """Say it in one line."""
        return f"<what if: loss {self.before:.6g} → {self.after:.6g}>"
