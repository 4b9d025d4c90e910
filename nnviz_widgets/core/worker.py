"""The one thread that owns Keras: it prepares the model, takes steps while the goal says so, and records."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.failure import trimmed_traceback
from nnviz_widgets.core.frame import KINDS, TensorKey
from nnviz_widgets.core.labels import labels_of
from nnviz_widgets.core.report import StepReport
from nnviz_widgets.core.schedule import Schedule, Variant
from nnviz_widgets.core.sickness import first_sick_tensor

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType

    from nnviz_widgets.core.control import Control, Goal
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.viewer import Viewer

_NOTHING: frozenset[TensorKey] = frozenset()


class Worker:
    """Runs a `Training` on a thread of its own.

    Callers only read its attributes; all methods without an underscore but `begin` and `join` are the thread's.

    Attributes:
        step: Steps completed.
        epoch: Current epoch, 0-based.
        batch: 0-based index of the last completed batch, -1 before any.
        report: Of the last step.
        output: Of the last step.
        error: What made training fail.
        error_traceback: Its traceback as the user would see it without us.
        activity: What takes long just now, in words.
    """

    def __init__(self, name: str, training: Any, probe: Probe, recording: Recording, control: Control) -> None:
        self._name = name
        self._training = training
        self._probe = probe
        self._recording = recording
        self._control = control
        self._thread: threading.Thread | None = None
        self._steps: Generator[Any] | None = None
        self._wanted: frozenset[TensorKey] = _NOTHING
        self._read_all = False
        self._pausing: Goal | None = None
        self._began = 0.0
        self._rate_mark = (0.0, 0)
        self._outside = 0
        self._told: frozenset[str] = frozenset()
        self._sick_since: int | None = None
        self.viewers: tuple[Viewer, ...] = ()
        self.schedule = Schedule(probe)
        self.speed: float | None = None
        self.pause_when_non_finite = False
        self.step = 0
        self.epoch: int = training.arguments.initial_epoch
        self.batch = -1
        self.report: StepReport | None = None
        self.output: Any = None
        self.error: BaseException | None = None
        self.error_traceback: TracebackType | None = None
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

    def join(self) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None and not self.is_current_thread():
            self._thread.join()

    def notify_viewers(self) -> None:
        """Tell everybody who looks that something changed."""
        for viewer in self.viewers:
            viewer.notify()

    def set_activity(self, activity: str | None) -> None:
        """Say what takes long just now."""
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
            self._notice_training_outside()
            self._rate_mark = (time.perf_counter(), self.step)
            while not self._control.closing and self._advance():
                pass
        except BaseException as error:
            self._fail(error)
        else:
            self._outside = self._training.n_updates()
            if self._control.running and not self._control.closing:
                self._control.set_state("finished" if self._steps is None else "paused")

    def _prepare(self) -> None:
        self._recording.set_catalogue(self._training.prepare())
        self._record_weights_before()
        self._steps = self._training.steps(self._choose)
        self._outside = self._training.n_updates()
        self.prepared = True
        self._tell_notices()

    def _tell_notices(self) -> None:
        """Note what the training has to say, each sentence once."""
        texts = self._training.notices()
        for text in texts:
            if text not in self._told:
                self._recording.add_event(self.step, "notice", text)
        self._told = frozenset(texts)

    def _record_weights_before(self) -> None:
        weights = self._training.functions.weights() if "weights" in self._probe.kinds else {}
        if weights:
            self._recording.add_tensors(0, weights, pinned=True)

    def _advance(self) -> bool:
        """Take a step; whether to go on."""
        goal = self._control.goal
        if goal.stop:
            self._end()
            return False
        if goal.at_once:
            return False
        if self.speed is not None and not self._rest(1 / self.speed):
            return True
        try:
            event = next(self._steps)  # type: ignore[arg-type]
        except StopIteration:
            self._ended()
            return False
        return self._after(event)

    def _rest(self, seconds: float) -> bool:
        """Wait until the next step may be taken; `False` if the goal changed meanwhile and must be looked at."""
        remaining = self._began + seconds - time.perf_counter()
        if remaining <= 0:
            return True
        goal = self._control.goal
        self._control.sleep(remaining)
        return self._control.goal is goal and not goal.at_once and time.perf_counter() >= self._began + seconds

    def _choose(self) -> Variant:
        """Return the variant of the step that is about to be taken."""
        self._began = time.perf_counter()
        step = self.step + 1
        self._wanted = _NOTHING.union(*(viewer.wanted() for viewer in self.viewers)) if self.viewers else _NOTHING
        self._read_all = self._is_last_before_pause(step) or self._sick_since == self.step
        variant = self.schedule.variant(step)
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
        per_epoch = self._training.steps_per_epoch
        ends_epoch = per_epoch is not None and self._next_batch(per_epoch) + 1 == per_epoch
        return step == goal.until_step or (ends_epoch and goal.at_epoch_end) or step == self.total_steps

    def _next_batch(self, per_epoch: int) -> int:
        return (self.batch + 1) % per_epoch

    @property
    def total_steps(self) -> int | None:
        """How many steps there will be, `None` while the data has not told."""
        per_epoch = self._training.steps_per_epoch
        n_epochs = self._training.epochs - self._training.arguments.initial_epoch
        return None if per_epoch is None else per_epoch * max(n_epochs, 0)

    def _after(self, event: Any) -> bool:
        """Record what a step or the end of an epoch brought; whether to go on."""
        goal = self._control.goal
        if hasattr(event, "output"):
            self._record(event)
            ends_epoch = event.ends_epoch
        else:
            ends_epoch = True
            self._recording.amend_step(self.step, event.epoch_logs)
        if ends_epoch:
            self._recording.add_event(self.step, "epoch", f"end of epoch {event.epoch + 1}")
        self.notify_viewers()
        if self._control.goal is not goal:
            return True
        reached = goal.until_step is not None and self.step >= goal.until_step
        if reached or self._pausing is goal or (goal.at_epoch_end and ends_epoch):
            return self._is_over()
        return True

    def _is_over(self) -> bool:
        """At a pause: whether this was the last step of all, so that training must be brought to its end."""
        return self.step == self.total_steps or bool(self._training.model.stop_training)

    def _record(self, event: Any) -> None:
        output = event.output
        self.step += 1
        self.epoch, self.batch = event.epoch, event.batch
        self.output = output
        numbers = {name: value for name, value in output.logs.items() if isinstance(value, float)}
        values = {"batch_loss": output.batch_loss, **numbers}
        if output.gradient_l2 is not None:
            values["gradient_l2"] = output.gradient_l2
        self._recording.add_step(self.step, event.epoch, event.batch, values)
        if event.epoch_logs is not None:
            self._recording.amend_step(self.step, event.epoch_logs)
        if output.updates == 0:
            self._recording.add_event(self.step, "no_update", f"step {self.step} updated no variable")
        if output.vitals is not None:
            self._record_reading(event.variant, output)
        elif event.variant > Variant.PLAIN:
            self._tell_notices()
        self._look_for_sickness(output)
        seconds = time.perf_counter() - self._began
        if not event.ends_epoch:
            self.schedule.meter.add(event.variant, seconds)
        self._measure_rate()
        self.report = StepReport(
            self.step, event.epoch, event.batch, output.batch_loss, output.logs, output.updates, seconds
        )

    def _record_reading(self, variant: Variant, output: Any) -> None:
        functions = self._training.functions
        if functions.catalogue is not self._recording.catalogue:
            self._recording.set_catalogue(functions.catalogue)
        self._recording.add_vitals(self.step, output.vitals)
        if variant is not Variant.FULL:
            return
        keys = set(self._wanted)
        if self._read_all or self._scheduled_in_full():
            kinds = self._probe.kinds if not self._pausing else self._probe.kinds or KINDS
            keys |= {spec.key for spec in functions.catalogue.specs if spec.key.kind in kinds}
        labels = labels_of(self._training.targets(output.batch), self._probe.samples)
        self._recording.add_tensors(self.step, output.tensors(keys), labels=labels)

    def _scheduled_in_full(self) -> bool:
        return self.schedule.last is Variant.FULL

    def _look_for_sickness(self, output: Any) -> None:
        """Name the first step, and then the first tensor, at which a value is not finite."""
        if self._sick_since is None:
            bad = not math.isfinite(output.batch_loss) or (
                output.gradient_l2 is not None and not math.isfinite(output.gradient_l2)
            )
            if not bad or (math.isnan(output.batch_loss) and output.gradient_l2 is None):
                return
            self._sick_since = self.step
            what = f"loss {output.batch_loss:.4g}, gradient norm {output.gradient_l2 or math.nan:.4g}"
            self._recording.add_event(self.step, "notice", f"step {self.step}: not finite ({what})")
            if self.pause_when_non_finite:
                self._control.goal.after_next = True
        if self._sick_since > 0 and output.vitals is not None:
            where = first_sick_tensor(self._recording.catalogue, output.vitals)
            if where is not None:
                text = f"step {self.step}: the first tensor that is not finite is {where}"
                self._recording.add_event(self.step, "notice", text)
            self._sick_since = -1

    def _measure_rate(self) -> None:
        now = time.perf_counter()
        since, step = self._rate_mark
        if now - since >= 0.5:
            self.steps_per_second = (self.step - step) / (now - since)
            self._rate_mark = (now, self.step)

    def _notice_training_outside(self) -> None:
        n_updates = self._training.n_updates()
        if n_updates != self._outside:
            self._outside = n_updates
            self._recording.add_event(
                self.step, "notice", "the model was trained outside the session; those steps are not recorded"
            )

    def _end(self) -> None:
        """End training before its time."""
        if self._steps is not None:
            self._steps.close()
        self._ended()

    def _ended(self) -> None:
        self._steps = None
        if self._training.averages_weights_at_end():
            self._recording.add_event(
                self.step, "weights_averaged", "the optimizer put the moving average into the weights"
            )

    def _fail(self, error: BaseException) -> None:
        error = self._training.original(error)
        self.error_traceback = trimmed_traceback(error)
        self.error = error
        self._steps = None
        self.activity = None
        self._training.release_validation()
        self._control.set_state("failed")

    def _leave(self) -> None:
        """End training in good order when the session is closed."""
        try:
            if self._steps is not None and self.prepared:
                self._steps.close()
        except BaseException as error:
            self.error = self.error or error
        finally:
            self._steps = None
            self._training.release()
