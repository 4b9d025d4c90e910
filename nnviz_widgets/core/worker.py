"""The one thread that owns Keras: it prepares the model and takes steps while the goal says so."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.branches import Branches
from nnviz_widgets.core.capsules import Capsules
from nnviz_widgets.core.control import Goal
from nnviz_widgets.core.edited import Edits
from nnviz_widgets.core.failure import trimmed_traceback
from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.core.recorder import Recorder
from nnviz_widgets.core.report import StepReport
from nnviz_widgets.core.schedule import Schedule, Variant
from nnviz_widgets.core.stops import Stops
from nnviz_widgets.core.time_travel import TimeTravel
from nnviz_widgets.core.traveller import Traveller
from nnviz_widgets.errors import ScriptNotPossible

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from os import PathLike
    from pathlib import Path
    from types import TracebackType

    from nnviz_widgets.core.branches import Branch
    from nnviz_widgets.core.control import Control
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.sink import Sink
    from nnviz_widgets.core.snapshots import Snapshots
    from nnviz_widgets.core.viewer import Viewer

_NOTHING: frozenset[TensorKey] = frozenset()


def _no_script(path: str | PathLike[str], data: bool) -> None:
    """Refuse to write a script."""
    raise ScriptNotPossible("A session must take the steps by itself to be repeated. Received: a fit that runs.")


def _no_sink(name: str, step: int) -> None:
    """Write no branch to disk."""


class Worker(Traveller):
    """Runs a `Training` on a thread of its own.

    Callers only read its attributes; all methods without an underscore but `begin` and `join` are the thread's.

    Args:
        name: Of the session.
        training: What is run.
        probe: What to read.
        recording: Of the first branch.
        control: What is asked for.
        snapshots: How often the state is put aside; `None` is never.
        sink_of: Makes what a branch is written to, given its name and the last step that it shares.
        write_script: Writes the script of the journal.
        capsule: Where what goes non-finite is written; `None` is nowhere.

    Attributes:
        branches: Where it is recorded.
        travel: The way back.
        stops: The conditions at which training pauses.
        capsules: Writes what repeats the first step that is not finite.
        edits: What is changed between two steps.
        step: Steps completed.
        batch: 0-based index of the last completed batch, -1 before any.
        completed: Whether training came to its end by itself.
        report: Of the last step.
        output: Of the last step.
        difference: How the steps that were last taken again differed from before, in words; `None` if they did not.
        error: What made training fail.
        error_traceback: Its traceback as the user would see it without us.
        error_stack: All of it.
        activity: What takes long just now, in words.
    """

    def __init__(
        self,
        name: str,
        training: Any,
        probe: Probe,
        recording: Recording,
        control: Control,
        snapshots: Snapshots | None = None,
        sink_of: Callable[[str, int], Sink | None] = _no_sink,
        write_script: Callable[[str | PathLike[str], bool], None] = _no_script,
        capsule: Path | None = None,
    ) -> None:
        self._name = name
        self._training = training
        self._probe = probe
        self.branches = Branches(recording)
        self.branches.serve(nullcontext, self.branch_changed)
        self._budget_bytes = recording.budget_bytes
        self.travel = TimeTravel(training, self.branches, snapshots)
        self.stops = Stops(training, probe, self.branches, self._why_not_before, self.notify_viewers)
        self.capsules = Capsules(training, name, capsule)
        training.refuses = self._refuses
        self._sink_of = sink_of
        self._recorder = Recorder(training, probe, self.branches)
        self._control = control
        self.edits = Edits(training, self._recorder, self.branches, control, write_script)
        self._thread: threading.Thread | None = None
        self._steps: Generator[Any] | None = None
        self._wanted: frozenset[TensorKey] = _NOTHING
        self._read_all = False
        self._pausing: Goal | None = None
        self._began = 0.0
        self._rate_mark = (0.0, 0)
        self._activity_began = 0.0
        self._updates_left: tuple[Any, int] = (None, 0)
        self.viewers: tuple[Viewer, ...] = ()
        self.schedule = Schedule(probe)
        self.speed: float | None = None
        self.pause_when_non_finite = False
        self.step = 0
        self.batch = -1
        self.completed = False
        self.report: StepReport | None = None
        self.output: Any = None
        self.difference: str | None = None
        self.error: BaseException | None = None
        self.error_traceback: TracebackType | None = None
        self.error_stack: TracebackType | None = None
        self.activity: str | None = None
        self.steps_per_second: float | None = None
        self.prepared = False

    # --- called by others ---

    def begin(self) -> None:
        """Start the thread, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=f"nnviz {self._name}", daemon=True)
            self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def is_current_thread(self) -> bool:
        """Whether the caller is the training thread itself, as a callback is."""
        return self._thread is threading.current_thread()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the thread, `timeout` seconds at most."""
        if self._thread is not None and not self.is_current_thread():
            self._thread.join(timeout)

    def trained_outside(self) -> bool:
        """Whether somebody else has updated the weights since the pause; asked between two runs."""
        if not self.prepared:
            return False
        optimizer, n_updates = self._training.n_updates()
        known, n_known = self._updates_left
        # An optimizer that came with another `compile` has made no update of ours.
        return bool(n_updates != (n_known if optimizer is known else 0))

    def branch_changed(self, branch: Branch, name: str | None) -> None:
        """Let what is known of a branch go with it, or by its new name; called while the training rests."""
        self.travel.branch_changed(branch.name, name)
        if name is None:
            self._share_memory()
        else:
            self.edits.journal.rename(branch.name, name)
        self.notify_viewers()

    def notify_viewers(self) -> None:
        """Tell everybody who looks that something changed."""
        for viewer in self.viewers:
            viewer.notify()

    def set_activity(self, activity: str | None) -> None:
        """Say what takes long just now. It is no part of a step: the rate leaves the time out that it takes."""
        now = time.perf_counter()
        if self.activity is not None:
            since, step = self._rate_mark
            self._rate_mark = (since + now - self._activity_began, step)
        self._activity_began = now
        self.activity = activity
        self.notify_viewers()

    # --- the thread ---

    def _serve(self) -> None:
        control = self._control
        self._training.enter_thread()
        while not control.closing:
            with control.changed:
                control.changed.wait_for(lambda: control.running or control.closing)
            if control.running:
                self._run()
        self._leave()

    def _run(self) -> None:
        """Take steps until the goal is reached, training is over, or something fails."""
        try:
            if not self.prepared:
                self._prepare()
            else:
                if not self._control.goal.at_once:
                    self._begin_branch(self._control.goal)
                if self._control.goal.rewind is None:  # else nothing that was done to the model stays
                    self._notice_changes()
            self._rate_mark = (time.perf_counter(), self.step)
            goal = self._control.goal
            if goal.rewind is not None:
                self._go_back(goal, goal.rewind)
                self._rate_mark = (time.perf_counter(), self.step)
            elif self._steps is not None and not goal.at_once:
                self._hold()
            while not self._control.closing and self._advance(goal):
                goal = self._control.goal
            self._training.end_progress_line()
        except BaseException as error:
            self._fail(error)
        else:
            self._updates_left = self._training.n_updates()
            self._come_to_rest(goal)

    def _come_to_rest(self, goal: Goal) -> None:
        """Leave the running state, with everything as somebody finds it who goes on from here."""
        self._put_aside_once()
        with self._control.changed:  # nobody may wish for an edit between a last look and the rest
            if self._steps is None:
                self.edits.refuse(f"Training ended at step {self.step} before the edit was made.")
            elif self.edits.waiting:
                self._edit()
            self._control.rest(goal, "finished" if self._steps is None else "paused")

    def _edit(self) -> None:
        """Make the edits that somebody has asked for; the steps after it begin with what they make."""
        self._put_aside_once()
        if self.edits.changing:
            self._begin_branch(Goal())
        self.edits.apply(self.step, self.output)

    def _hold(self) -> None:
        """Hold the state that training goes on from, and write down what somebody has changed by hand."""
        self._write_down(self.travel.hold(self.step, self.batch, self.output, self.report, self._recorder.watch))

    def _write_down(self, changed: list[Any]) -> None:
        """Write down that variables were changed, those that no edit has changed."""
        by_hand = self._training.unexplained(changed, self.edits.since) if changed else []
        if by_hand:
            self.edits.add_by_hand(self.step, self._training.by_hand(by_hand))

    def has_unwritten_changes(self) -> bool:
        """Whether somebody has changed variables by hand since the pause; the next step will have that written down.

        Of a training that is over no step will: what is done to its model then is no part of it.
        """
        if self._steps is None:
            return False
        changed = self.travel.changed(self.step, self.output, refused=self.stops.refused is not None)
        return bool(changed and self._training.unexplained(changed, self.edits.since))

    def _prepare(self) -> None:
        self._training.prepare()
        if self.travel.on:  # else the snapshot of step 0 lacks what the first step makes
            self._training.make_variables()
        self._steps = self._training.steps(self._choose)
        next(self._steps)  # to before the first step, or to where the saved session was
        if self._training.resumption is not None:
            self._go_on_from(self._training.resumption.facts)
        self._recorder.begin(self.step)
        self._put_aside(pinned=True)
        self._updates_left = self._training.n_updates()
        self.prepared = True

    def _go_on_from(self, facts: dict[str, Any]) -> None:
        """Number the steps on from those of a saved session."""
        self.step, self.batch = int(facts["step"]), int(facts["batch"])
        self.branches.begin_after(self.step)
        self.report = StepReport(**facts["report"]) if facts["report"] else None

    def _advance(self, goal: Goal) -> bool:
        """Take a step towards `goal`; whether to go on."""
        if goal.stop:
            self._end()
            return False
        if self.edits.waiting:
            self._edit()
            if not goal.at_once:
                self._hold()
        if goal.at_once:
            return False
        speed = self.speed
        if speed is not None and not self._rest(goal, 1 / speed):
            return True
        try:
            event = next(self._steps)  # type: ignore[arg-type]
        except StopIteration:
            self.completed = True
            self._ended()
            return False
        return self._after(goal, event)

    def _rest(self, goal: Goal, seconds: float) -> bool:
        """Wait until the next step may be taken; `False` if the goal changed meanwhile and must be looked at."""
        remaining = self._began + seconds - time.perf_counter()
        if remaining <= 0 or goal.after_next:
            return True
        self._control.sleep(remaining)
        due = goal.after_next or time.perf_counter() >= self._began + seconds
        return due and self._control.goal is goal and not goal.at_once

    def _choose(self) -> Variant:
        """Return the variant of the step that is about to be taken."""
        self._began = time.perf_counter()
        step = self.step + 1
        if self._again_until:
            reads = self._probe.layers != () and bool(self._probe.kinds)
            return Variant.FULL if reads and step == self._again_until else Variant.PLAIN
        self._wanted = _NOTHING.union(*(viewer.wanted() for viewer in self.viewers)) if self.viewers else _NOTHING
        self._read_all = self._is_last_before_pause(step) or self._recorder.watch.needs_reading(self.step)
        variant = max(self.stops.begin(self._control.goal.condition), self.schedule.variant(step))
        if self.capsules.armed:
            variant = max(variant, Variant.SENTINEL)
            self.capsules.hold(self.output) if self._must_hold(step) else self.capsules.let_go()
        if self._probe.layers == ():
            return variant
        if self._wanted or (self._read_all and self._probe.kinds):
            return Variant.FULL
        return max(variant, Variant.VITALS) if self._read_all else variant

    def _is_last_before_pause(self, step: int) -> bool:
        goal = self._control.goal
        # The step that begins now is the last one, unless another goal is set before it ends.
        self._pausing = goal if goal.after_next else None
        if goal.after_next:
            return True
        if step == goal.until_step:
            return True
        per_epoch = self._training.steps_per_epoch
        ends_epoch = per_epoch is not None and self._training.next_batch + 1 == per_epoch
        return ends_epoch and (goal.at_epoch_end or step == self.total_steps)

    @property
    def epoch(self) -> int:
        """Current epoch, 0-based; it changes when the first batch of the next one starts."""
        epoch: int = self._training.epoch
        return epoch

    @property
    def total_steps(self) -> int | None:
        """How many steps there will be, `None` while the data has not told."""
        total: int | None = self._training.total_steps
        return total

    def _after(self, goal: Goal, event: Any) -> bool:
        """Record what a step or the end of an epoch brought; whether to go on."""
        if event.output is not None:
            self._count(event)
        if event.ends_epoch:
            self._recorder.end_epoch(self.step, event)
        is_hit = not event.refused and self.stops.after(self.step, event, self.output, self.report)
        self.stops.tell(self.step, self._recorder)
        if event.refused:
            self._take_back(event)
        elif is_hit:
            self._stop_here(event)
        elif event.output is not None and self.travel.is_due(self.step, ends_epoch=event.ends_epoch):
            self._put_aside()
        self.notify_viewers()
        if event.refused or is_hit:
            return True
        if self._control.goal is not goal:
            return True
        reached = goal.until_step is not None and self.step >= goal.until_step
        if reached or self._pausing is goal or (goal.at_epoch_end and event.ends_epoch):
            return self._is_over()
        return True

    def _is_over(self) -> bool:
        """At a pause: whether this was the last step of all, so that training must be brought to its end."""
        return self.step == self.total_steps or bool(self._training.model.stop_training)

    def _count(self, event: Any) -> None:
        """Take note of a step, and let it be recorded."""
        is_new = self._must_fork or not self.stops.retaken
        if self._must_fork or self.stops.retaken is False:
            self._fork()
            self.travel.begin_branch(self.step)
        self._step_taken(event)
        self.branches.current.recording.fed_by.note(self.step, self._training.feed.source)
        if event.refused:
            self.edits.step_refused()
        else:
            self.edits.step_taken()
        if is_new:
            newly_sick = self._recorder.add_step(self.step, event, self._wanted, read_all=self._reads_all)
        else:
            newly_sick = self._recorder.add_again(self.step, event, self._wanted, read_all=self._reads_all)
        if newly_sick and self.pause_when_non_finite:
            self._control.goal.after_next = True
        seconds = time.perf_counter() - self._began
        if not event.ends_epoch:
            self.schedule.meter.add(event.variant, seconds)
        self._measure_rate()

    @property
    def _reads_all(self) -> bool:
        """Whether all tensors of the probe's kinds are kept of the last step, if it was read in full."""
        return self._read_all or self.schedule.last is Variant.FULL

    def _measure_rate(self) -> None:
        now = time.perf_counter()
        since, step = self._rate_mark
        if now - since >= 0.5:
            self.steps_per_second = (self.step - step) / (now - since)
            self._rate_mark = (now, self.step)

    def _notice_changes(self) -> None:
        """Take note of what was done to the model since the pause; a step that does not fit it is built anew."""
        if self.trained_outside():
            self._recorder.note(self.step, "the model was trained outside the session; those steps are not recorded")
        changed = self._training.renew() if self._steps is not None else None
        if changed is not None:
            self._recorder.renew(self.step, changed)
            self._updates_left = self._training.n_updates()
            self.travel.forget()
            self._put_aside(pinned=True)
            self.edits.add_by_hand(self.step, None, f"by hand: {changed}")

    def _end(self) -> None:
        """End training before its time."""
        if self._steps is not None:
            self._steps.close()
        self._ended()

    def _ended(self) -> None:
        self._steps = None
        if self._training.averages_weights_at_end():
            text = "the optimizer put the moving average into the weights"
            self._recorder.note(self.step, text, "weights_averaged")

    def _fail(self, error: BaseException) -> None:
        self.error_stack = error.__traceback__
        error = self._training.original(error)
        self.error_traceback = trimmed_traceback(error)
        self.error = error
        self._steps = None
        self.edits.refuse(f"Training failed at step {self.step} before the edit was made.")
        self.activity = None
        self._training.release_validation()
        try:
            self._training.end_progress_line()
        finally:  # also where there is nothing to print to any more: nobody shall wait for this thread
            self._control.set_state("failed")

    def _leave(self) -> None:
        """End training in good order when the session is closed."""
        try:
            if self._steps is not None and self.prepared:
                self._steps.close()
        except BaseException as error:
            self._fail(error)
        finally:
            self._steps = None
            self._training.release()
