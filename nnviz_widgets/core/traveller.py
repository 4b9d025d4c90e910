"""A training that goes back: to a step of the past, to before a step that a guard refuses, and into another branch."""

from __future__ import annotations

import time
from copy import copy
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.control import Goal
from nnviz_widgets.core.report import StepReport
from nnviz_widgets.core.schedule import Variant
from nnviz_widgets.core.time_travel import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    from nnviz_widgets.core.branches import Branches
    from nnviz_widgets.core.capsules import Capsules
    from nnviz_widgets.core.control import Control, Rewind
    from nnviz_widgets.core.edited import Edits
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.recorder import Recorder
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.sink import Sink
    from nnviz_widgets.core.snapshots import Kept
    from nnviz_widgets.core.stops import Stops
    from nnviz_widgets.core.time_travel import TimeTravel

_TELL_S = 0.2
"""How often it is told how far a long way back is."""


class Traveller:
    """What a `Worker` does to stand at another step than the last one that it took; see there for its attributes."""

    step: int
    batch: int
    completed: bool
    report: StepReport | None
    output: Any
    difference: str | None
    error: BaseException | None
    error_traceback: TracebackType | None
    error_stack: TracebackType | None
    branches: Branches
    travel: TimeTravel
    stops: Stops
    capsules: Capsules
    edits: Edits
    _began: float
    _budget_bytes: int
    _control: Control
    _probe: Probe
    _recorder: Recorder
    _sink_of: Callable[[str, int], Sink | None]
    _steps: Generator[Any] | None
    _training: Any
    _again_until = 0
    _must_fork = False
    _is_aside = False

    if TYPE_CHECKING:

        def set_activity(self, activity: str | None) -> None:
            """As in `Worker`."""

        def _choose(self) -> Variant: ...

        def _write_down(self, changed: list[Any]) -> None: ...

        def _is_over(self) -> bool: ...

        @property
        def _reads_all(self) -> bool: ...

    # --- where it stands ---

    def _step_taken(self, event: Any) -> None:
        """Stand after a step."""
        output = event.output
        self._is_aside = False
        self.step += 1
        self.batch = event.batch
        self.output = output
        seconds = time.perf_counter() - self._began
        self.report = StepReport(
            self.step, event.epoch, event.batch, output.batch_loss, output.logs, output.updates, seconds
        )

    def _stand_at(self, kept: Kept) -> None:
        """Be where a snapshot was taken."""
        self.step, self.batch, self.report, self.output = kept.step, kept.batch, kept.report, kept.state.output
        self._recorder.watch = copy(kept.watch)
        self._is_aside = True

    def _put_aside(self, *, pinned: bool = False, state: Any = None) -> None:
        """Take a snapshot of the state after the last step, or keep the one that was taken there."""
        self._is_aside = True
        watch = self._recorder.watch
        told = self.travel.keep(self.step, self.batch, self.output, self.report, watch, pinned=pinned, state=state)
        for text in told:
            self._recorder.note(self.step, text)

    def _put_aside_once(self) -> None:
        """Take a snapshot of what the last step has left, unless there is one; nobody has changed anything since."""
        if self._steps is not None and not self._must_fork and not self._is_aside:
            self._put_aside()

    # --- going back ---

    def _go_back(self, goal: Goal, rewind: Rewind) -> None:
        """Put the session where it was after a step, taking steps again from the snapshot before it."""
        plan, kept = self.travel.plan(rewind.step, rewind.branch, state_only=True, values=True)
        self.stops.forget()
        self.edits.left()
        self._return_to(kept, plan.step, plan.branch, goal, is_exact=plan.grade == "exact")
        if self._recorder.watch.since is None:
            self.capsules.arm()

    def _return_to(self, kept: Kept, step: int, branch: str, goal: Goal, *, is_exact: bool) -> None:
        """Put back what was kept, and take the steps after it again.

        Args:
            kept: The state before the first of them.
            step: The last of them.
            branch: The branch that they are of.
            goal: Ends it before its time.
            is_exact: Whether they can be taken again bit by bit.
        """
        if self._steps is not None:
            self._training.leave(self._steps)
        self._steps = None
        steps = self._training.steps_from(self._training.rewinding(kept.state), self._choose)
        next(steps)
        self._steps, self.completed = steps, False
        if not is_exact:
            self._training.feed.source = object()  # from here on the data are not what they were
        self.error = self.error_traceback = self.error_stack = None
        self.branches.go_to(branch)
        self._stand_at(kept)
        fingerprint = Fingerprint(self.branches)
        with self._training.replaying():
            self._take_again(goal, step, fingerprint)
        if self.step == kept.step:
            self._recorder.reread_weights(self.step)
        while self.travel.unread:
            self._recorder.note(self.step, self.travel.unread.pop())
        goal.at_once = True
        self.difference = fingerprint.difference
        is_same = is_exact and self.difference is None
        self._must_fork = not is_same or self.step < self.branches.current.last_step
        if self.difference is not None:
            self._recorder.note(self.step, f"{self.difference}: what follows is another branch")
        elif is_same and self.step > kept.step:
            self._put_aside()

    def _take_again(self, goal: Goal, until: int, fingerprint: Fingerprint) -> None:
        """Take steps that were taken before, unless somebody asks for a pause."""
        told = time.perf_counter()
        if self.step < until:
            self.set_activity(f"going back to step {until}")  # the first of them may have to be traced
        self._again_until = until
        is_asked_for = goal is self._control.goal  # else a guard asks, and stays where it is only once it is there
        try:
            while self.step < until and not (goal.at_once or goal.after_next or self._control.closing):
                if is_asked_for and goal is not self._control.goal:
                    break
                event = next(self._steps)  # type: ignore[arg-type]
                if event.output is not None:
                    self._note_again(event, fingerprint)
                if time.perf_counter() - told > _TELL_S:
                    told = time.perf_counter()
                    self.set_activity(f"going back: step {self.step} of {until} taken again")
        finally:
            self._again_until = 0
            self.set_activity(None)

    def _note_again(self, event: Any, fingerprint: Fingerprint) -> None:
        """Take note of a step that was taken before."""
        self._step_taken(event)
        fingerprint.compare(self.step, self.output)
        self._recorder.watch.look(self.step, self.output, self.branches.current.recording.catalogue)
        if self.step == self._again_until and event.variant is Variant.FULL:
            self._recorder.read_again(self.step, self.output)

    # --- at a condition ---

    def _why_not_before(self, step: int) -> str | None:
        """Say why the session cannot go back to before a step; `None` if it can."""
        return self.travel.why_not_back(step - 1)

    def _refuses(self, event: Any) -> bool:
        """Whether a guard, or a capsule, refuses a step that was computed just now."""
        if self._again_until:
            return False
        step = self.step + 1
        refused = self.stops.refuses(step, event)
        if not self.capsules.armed or not self.stops.is_non_finite(step, event):
            return refused
        if not refused and self._must_hold(step):
            self.stops.say(self.capsules.write_held(step, event))
            return False
        self.capsules.due = True
        self.stops.refuse(step, event)
        return True

    def _must_hold(self, step: int) -> bool:
        """Whether the state before a step must be held for a capsule: there is no way back that nobody hears of."""
        return self._why_not_before(step) is not None or not self._training.may_be_called_again()

    def _take_back(self, event: Any) -> None:
        """Go back to before a step that was refused. It stays recorded, is read in full, and comes next."""
        step, branch = self.step - 1, self.branches.current.name
        kept = self.travel.newest(step)
        assert kept is not None, "nothing is refused without a way back"
        if self._is_to_be_read(event):
            self._return_to(kept, step + 1, branch, Goal(), is_exact=True)
        self._return_to(kept, step, branch, Goal(), is_exact=True)
        if kept.step == step:
            self.travel.hold_on_to(kept)
        self._must_fork = self.difference is not None
        if self.capsules.due:
            output = event.output
            self._recorder.note(step + 1, self.capsules.write(step + 1, event.epoch, event.batch, output))
        if self.stops.paused_by is not None:
            self._pause_at_once()

    def _stop_here(self, event: Any) -> None:
        """Pause at a condition, with all that the probe reads of this step; the last one of all ends training."""
        if self._is_over():
            return
        kept = self.travel.newest(self.step - 1)
        if self._is_to_be_read(event) and kept is not None and self.travel.is_exact_from(kept):
            self._return_to(kept, self.step, self.branches.current.name, Goal(), is_exact=True)
        self._pause_at_once()

    def _is_to_be_read(self, event: Any) -> bool:
        """Whether a step can be taken once more to read all of it, which nobody outside would hear of."""
        reads = self._probe.layers != () and bool(self._probe.kinds) and event.output is not None
        is_read = event.output is not None and event.variant is Variant.FULL and self._reads_all
        return reads and not is_read and bool(self._training.may_be_called_again())

    def _pause_at_once(self) -> None:
        with self._control.changed:
            self._control.goal.at_once = True

    # --- another branch ---

    def _begin_branch(self, goal: Goal) -> None:
        """Begin the branch that the next step is of before anything is noted or stored, which is no part of the other.

        A refused step that is still to be taken is compared with the branch that was left, and begins it by itself,
        unless something was changed: then it will come out otherwise.
        """
        if goal.rewind is not None or goal.stop:
            return
        refused = self.stops.refused is not None
        looks = refused or self._must_fork
        changed = self.travel.changed(self.step, self.output, refused=refused) if looks else []
        if (changed or self.edits.changing) and self.stops.refused_is_changed():
            self._must_fork = True
            refused = False
        if self._must_fork and not refused:
            self._fork()
            # What was changed by hand since is where this branch begins; edits can be undone, so it begins before them.
            self._put_aside(pinned=True, state=self.edits.before)
            self._write_down(changed)

    def _share_memory(self) -> None:
        """Let all branches have the memory of the first evenly."""
        for one in self.branches:
            one.recording.budget_bytes = self._budget_bytes // len(self.branches)

    def _fork(self) -> None:
        """Begin a branch where the session stands: what was recorded after this step stays."""
        step, sink, refused = self.step, None, None

        def forked(name: str) -> Recording:
            nonlocal sink, refused
            try:
                sink = self._sink_of(name, step)
            except OSError as error:  # the training goes on, as it does where a disk fails later
                refused = f"this branch is not written to disk: {error}"
            return before.fork(step, name, sink)

        before = self.branches.current.recording
        self._must_fork = False
        branch = self.branches.fork(step, forked)
        self._share_memory()
        self.edits.carry_over(branch.name)
        self._recorder.note(step, branch.begins)
        if sink is not None:
            self._recorder.reread_weights(step)
        if refused is not None:
            self._recorder.note(step, refused)
