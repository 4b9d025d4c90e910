"""What may be asked of a session by whoever must not wait, such as the button of a page."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.control import Goal, Rewind, goal_of, parse_until
from nnviz_widgets.core.session_state import SessionState
from nnviz_widgets.errors import InvalidArgumentError, SessionBusy, SessionClosed

if TYPE_CHECKING:
    from nnviz_widgets.core.control import Until


@all_called("session")
class Asking(SessionState):
    """Writes down what is wanted of the training thread and returns at once, or refuses what cannot be done now."""

    name: str
    _closed: bool
    _n_readers: int

    def ask_run(self, until: Until = None) -> str | None:
        """Ask for what `run` does; the answer is why nothing comes of it, `None` if something does."""
        goal = goal_of(parse_until(until))
        for one in goal.condition or ():
            self._worker.stops.check(one.condition)
        with self._control.changed:
            self._require_usable()
            if self.state == "finished" or (self.state == "running" and self._control.goal.stop):
                return self._why_ended()
            if goal.until_step is not None and goal.until_step <= self.step_index:
                return (
                    f"`until` must be a step that is still to come. Received: until={goal.until_step}, and the session "
                    f"is at step {self.step_index}. Use a later step, or session.step(n) to take n more."
                )
            self._begin(goal)
        return None

    def ask_pause(self) -> None:
        """Ask for what `pause` does."""
        with self._control.changed:
            if self.state == "running":
                self._control.goal.after_next = True
                self._control.changed.notify_all()

    def ask_steps(self, n: int = 1) -> str | None:
        """Ask for what `step` does; the answer is why no step will be taken, `None` if one will."""
        try:
            number = operator.index(n)
        except TypeError:
            number = 0
        if number < 1:
            raise InvalidArgumentError(f"`n` must be an integer of at least 1. Received: n={n!r}.")
        with self._control.changed:
            self._require_usable()
            if self.state == "running":
                raise SessionBusy("A session cannot step while running. Call pause() first.")
            if self.state == "finished":
                return self._why_ended()
            self._begin(Goal(until_step=self.step_index + number))
        return None

    def ask_rewind(self, step: int, branch: str | None = None, *, state_only: bool = False) -> None:
        """Ask for what `rewind` does."""
        number, name = checked_step(step), branch or self.branches.current.name
        with self._control.changed:
            if self._closed:
                raise SessionClosed(f"Session {self.name!r} is closed and cannot be rewound any more.")
            self._refuse_while_inspected()
            if self.state == "running":
                raise SessionBusy("A session cannot be rewound while running. Call pause() first.")
            if self.state == "idle":
                self._require_no_step(number)
                return
            self._worker.travel.plan(number, name, state_only=state_only)
            self._begin(Goal(rewind=Rewind(number, name)))

    def _require_no_step(self, step: int) -> None:
        if step:
            raise InvalidArgumentError(
                f"`step` must be a step that was taken. Received: step={step}, and no step was taken yet. session.step "
                "and session.run go forward."
            )

    def ask_stop(self) -> None:
        """Ask for what `stop` does."""
        with self._control.changed:
            if self.state in ("finished", "failed") or self._closed:
                return
            self._refuse_while_inspected()
            if self.state == "idle":
                self._control.set_state("finished")
            else:
                self._begin(Goal(stop=True))

    def _why_ended(self) -> str:
        of = f" of {self.total_steps}" if self.total_steps is not None else ""
        how = "came to its end" if self.state == "finished" and not self.stopped else "was stopped"
        return (
            f"training {how} at step {self.step_index}{of}. To train on, close() this session and make a new one with "
            "the same model."
        )

    def _begin(self, goal: Goal) -> None:
        self._worker.begin()
        self._control.start(goal)

    def _require_usable(self) -> None:
        if self._closed:
            raise SessionClosed(
                f"Session {self.name!r} is closed and cannot train any more. Make a new one to train on."
            )
        self._refuse_while_inspected()
        self._raise_error()

    def _refuse_while_inspected(self) -> None:
        if self._n_readers:
            raise SessionBusy(
                f"The model of session {self.name!r} is being inspected at this moment. Go on when that is done."
            )

    def _raise_error(self) -> None:
        error = self.error
        if error is not None:
            raise error.with_traceback(self._worker.error_traceback)


def checked_step(step: int) -> int:
    """Return a step as an int, or say what it must be."""
    number = whole_number(step)
    if number is None:
        raise InvalidArgumentError(f"`step` must be a whole number from 0. Received: step={step!r:.100}.")
    return number
