"""One breakpoint: a condition, and how often it held."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from nnviz_widgets.core.conditions.evaluate import NO

if TYPE_CHECKING:
    from nnviz_widgets.core.conditions.condition import AnyCondition
    from nnviz_widgets.core.conditions.evaluate import Answer

_SHOWN = 60
"""Characters of a condition that fit on a line."""


class Breakpoint:
    """A condition at which training pauses. Made by `session.breakpoints.add`, and changed by its list alone.

    Any thread may read it; what it counts is written by the training thread, under the lock of the list.

    Attributes:
        number: From 1, never given again.
        condition: A `Condition`, or a `CallableCondition`.
        for_steps: How many steps in a row the condition holds before it is a hit. Steps that do not have what it asks
            for, such as `val_loss` within an epoch, are passed over.
        once: Whether it is removed after its first hit.
        at_rest: Whether it is neither broken nor within a row of steps at which its condition held: then a step at
            which that does not hold leaves all as it is.
    """

    def __init__(self, number: int, condition: AnyCondition, for_steps: int = 1, *, once: bool = False) -> None:
        self.number = number
        self.condition = condition
        self.for_steps = for_steps
        self.once = once
        self._enabled = True
        self._hits = 0
        self._broken: str | None = None
        self._held: deque[int] = deque(maxlen=for_steps)
        self.at_rest = True

    @property
    def enabled(self) -> bool:
        """Whether it is asked at all."""
        return self._enabled

    @property
    def hits(self) -> int:
        """How often it was hit."""
        return self._hits

    @property
    def broken(self) -> str | None:
        """Why the condition could not be answered when it was asked last, `None` if it could."""
        return self._broken

    @property
    def steps_held(self) -> int:
        """At how many steps in a row the condition held by now, of the `for_steps` that make a hit."""
        return len(self._held)

    def __repr__(self) -> str:
        return f"<Breakpoint {self.number}: {self.shown()}, {self.told()}>"

    def shown(self) -> str:
        """Write the condition, short enough for a line."""
        text = self.condition.text
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."

    def why_broken(self) -> str:
        """Say that it cannot be answered, and why; empty if it can."""
        return "" if self.broken is None else f" (which cannot be answered: {self.broken})"

    def told(self) -> str:
        """Say how it stands in a few words, such as `"4 hits, disabled"`."""
        words = [f"{self._hits} hit{'' if self._hits == 1 else 's'}"]
        if self.for_steps > 1:
            words.append(f"for {self.for_steps} steps")
        if self.once:
            words.append("once")
        if not self._enabled:
            words.append("disabled")
        if self._broken is not None:
            words.append(f"broken: {self._broken}")
        return ", ".join(words)

    # For the list, which holds its lock meanwhile.

    def switch(self, enabled: bool) -> None:
        """Enable or disable it; a row of steps at which it held ends, and so does what broke it."""
        if enabled != self._enabled:
            self._enabled = enabled
            self._held.clear()
            self._broken = None
            self.at_rest = True

    def is_left_by(self, answer: Answer) -> bool:
        """Whether an answer leaves all as it is: the condition does not hold, and did not before."""
        return self.at_rest and (answer is NO or (answer.holds is False and answer.nan is None))

    def note(self, step: int, answer: Answer) -> bool:
        """Take the answer at a step, and say whether that is a hit.

        After a hit, the next one needs as many steps of its own. Steps that are taken again after a rewind, and those
        after them, count as what they are then.
        """
        self._broken = None if answer.holds or answer.nan is None else _of_nan(step, answer.nan)
        is_hit = self._is_hit(step, holds=answer.holds)
        self.at_rest = self._broken is None and not self._held
        return is_hit

    def _is_hit(self, step: int, *, holds: bool | None) -> bool:
        while self._held and self._held[-1] >= step:
            self._held.pop()
        if holds is False:
            self._held.clear()
        elif holds:
            self._held.append(step)
        if len(self._held) < self.for_steps or not holds:
            return False
        self._held.clear()
        self._hits += 1
        return True

    def note_broken(self, step: int, reason: str) -> None:
        """Take it that the condition could not be answered at a step."""
        self._broken = f"step {step}: {reason}"
        self._held.clear()
        self.at_rest = False


def _of_nan(step: int, number: str) -> str:
    return f"step {step}: {number} is NaN, and a comparison with NaN is never true; add `or nan` to stop there"
