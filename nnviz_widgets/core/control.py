"""What was asked of a session and how it stands: the one thing that callers and the training thread share.

Callers on any thread write a goal, the training thread reads it between two steps. Everything happens under one
condition, but for the reads in the hot loop, which are of single attributes.
"""

from __future__ import annotations

import math
import operator
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nnviz_widgets.core.conditions.breakpoints import Breakpoints
from nnviz_widgets.core.conditions.condition import CallableCondition, Condition, as_condition
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.conditions.condition import AnyCondition
    from nnviz_widgets.core.report import StepReport

    Until = int | str | AnyCondition | Callable[[StepReport], Any] | None
    """What `run(until=...)` takes."""

State = Literal["idle", "running", "paused", "finished", "failed"]

_SLICE_S = 0.1


@dataclass(frozen=True, slots=True)
class Rewind:
    """Where to go back to.

    Attributes:
        step: How many steps are completed then.
        branch: The branch whose step it is.
    """

    step: int
    branch: str


@dataclass(slots=True)
class Goal:
    """When the running session pauses by itself.

    Attributes:
        until_step: After this step.
        at_epoch_end: After the step that ends the epoch.
        after_next: After one more step, which is read in full.
        at_once: Before another step is taken.
        stop: End training before another step is taken.
        rewind: Go back first.
        condition: Holds the condition to pause at.
    """

    until_step: int | None = None
    at_epoch_end: bool = False
    after_next: bool = False
    at_once: bool = False
    stop: bool = False
    rewind: Rewind | None = None
    condition: Breakpoints | None = None


def goal_of(until: int | str | AnyCondition | None) -> Goal:
    """Return the goal of a run; `until` as `parse_until` returns it."""
    if isinstance(until, Condition | CallableCondition):
        condition = Breakpoints()
        condition.add(until)
        return Goal(condition=condition)
    return Goal(until_step=until if isinstance(until, int) else None, at_epoch_end=until == "epoch")


def parse_until(until: Any) -> int | str | AnyCondition | None:
    """Return `until` if it is a step, `"epoch"` or `None`, and the condition that it is else.

    Raises:
        NotACondition: If it is a text of more than a word, and no condition.
        InvalidArgumentError: If it is anything else.
    """
    if until is None or (isinstance(until, str) and until == "epoch"):
        return until
    if isinstance(until, Condition | CallableCondition) or callable(until) or _reads_as_condition(until):
        return as_condition(until)
    try:
        if isinstance(until, bool):
            raise TypeError
        return operator.index(until)
    except TypeError:
        raise InvalidArgumentError(
            '`until` must be a step (an integer), "epoch" for the end of the epoch, a condition such as "loss < 0.1", '
            "or None. "
            f"Received: until={until!r}. To train to the end use `until=None`, which is what run() does by itself."
        ) from None


def _reads_as_condition(until: Any) -> bool:
    """Whether it is a text that is, or is to be, a condition: a lone word or number is another mistake."""
    return isinstance(until, str) and (until.strip() == "nan" or not until.strip().isalnum())


class Control:
    """State and goal of one session.

    Attributes:
        changed: Guards everything here; notified at each change.
        state: How the session stands.
        goal: What was asked for while running.
        closing: Whether the training thread must end.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.state: State = "idle"
        self.goal = Goal()
        self.closing = False
        self._n_rests = 0
        self._on_change = on_change

    @property
    def running(self) -> bool:
        """Whether steps are being taken or about to be."""
        return self.state == "running"

    def set_state(self, state: State) -> None:
        """Change the state and wake everybody who waits for it."""
        with self.changed:
            self._n_rests += self.running and state != "running"
            self.state = state
            self.changed.notify_all()
        self._on_change()

    def start(self, goal: Goal) -> None:
        """Make `goal` the one to work for, and the session running."""
        with self.changed:
            self.goal = goal
            self.set_state("running")

    def rest(self, goal: Goal, state: State) -> None:
        """Leave the running state because `goal` is reached; if another was set meanwhile, only a finished run does."""
        with self.changed:
            if (self.goal is goal or state == "finished") and self.running and not self.closing:
                self.set_state(state)

    def wait_while_running(self, timeout: float | None = None, goal: Goal | None = None) -> bool:
        """Block until the session has come to rest; `False` if `timeout` seconds went by before.

        It may run again by then: somebody else who presses Run at each pause must not keep this caller for ever. With
        `goal`, nor must one who presses Run before the pause: the wait ends when another goal takes its place.
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        with self.changed:
            n_rests = self._n_rests
            while self.running and self._n_rests == n_rests and (goal is None or goal is self.goal):
                remaining = end - time.monotonic()
                if remaining <= 0:
                    return False
                # In slices, for where an interrupt does not end a wait: Windows, and `_thread.interrupt_main`.
                self.changed.wait(min(remaining, _SLICE_S))
        return True

    def wait_while_paused(self) -> None:
        """Block until somebody lets the session go on, or ends it."""
        with self.changed:
            while self.state == "paused" and not self.closing:
                self.changed.wait(_SLICE_S)

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until something changes."""
        with self.changed:
            self.changed.wait(seconds)
