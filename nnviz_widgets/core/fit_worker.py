"""Steps that `fit` takes and asks for one by one: a `Worker` whose thread is that of `fit`, which calls it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.control import Goal
from nnviz_widgets.core.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.control import Control
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.recording import Recording


INTERRUPTED = "it was interrupted"


class FitWorker(Worker):
    """Takes the steps of a `fit` that runs on the thread which makes this.

    It can pause after a batch or an epoch: there `fit` looks whether it is to stop, so that no step more is taken when
    a person ends training during the pause.

    Attributes:
        ask: Called at a pause, on the thread of `fit`; it may ask a person at the terminal how to go on.
        over: Set when `fit` has ended, one way or another.
    """

    def __init__(self, name: str, training: Any, probe: Probe, recording: Recording, control: Control) -> None:
        super().__init__(name, training, probe, recording, control)
        training.refuses = lambda event: False
        self._thread = threading.current_thread()
        self._due: Goal | None = None
        self._epoch_logs: tuple[int, dict[str, Any]] | None = None
        self._n_in_epoch = 0
        self._told_to_stop = False
        self.ask: Callable[[], None] | None = None
        self.over = threading.Event()

    def begin(self) -> None:
        """Do nothing: `fit` has begun."""

    def is_current_thread(self) -> bool:
        """Whether the caller is within `fit`: once that has ended, its thread waits as any other."""
        return not self.over.is_set() and super().is_current_thread()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of `fit`, `timeout` seconds at most."""
        if not self.is_current_thread():
            self.over.wait(timeout)

    def _why_not_before(self, step: int) -> str | None:
        return "the steps of a fit that runs cannot be taken back"

    # --- called by fit ---

    def begin_epoch(self, epoch: int) -> None:
        """Take note that an epoch begins, 0-based."""
        self._settle_epoch()
        self._n_in_epoch = 0
        self._training.begin_epoch(epoch)

    def take(self, batch: int, iterator: Any, n_steps: int = 1) -> dict[str, Any]:
        """Take steps, as many as `fit` hands over at a time, and record each.

        Args:
            batch: 0-based index of the first batch in its epoch.
            iterator: Where the batches are.
            n_steps: How many steps at most; fewer if the data ends, or training is to.

        Returns:
            The logs of the last step.

        Raises:
            BaseException: What the step or the data raised; of the end of the data what tells `fit`.
        """
        logs = self._take(batch, iterator)
        for index in range(batch + 1, batch + n_steps):
            if not self._may_go_on():
                break
            try:
                logs = self._take(index, iterator)
            except Exception as error:
                if self._training.is_end_of_data(error):
                    break
                raise
        return logs

    def end_batch(self, batch: int) -> None:
        """Pause here if it is due; of the last batch of an epoch validation comes first."""
        goal = self._control.goal
        now = goal.stop or goal.at_once or self._control.closing
        per_epoch = self._training.steps_per_epoch
        is_last = per_epoch is not None and batch + 1 >= per_epoch
        if now or (not is_last and (self._due is not None or self.speed is not None)):
            self._may_go_on()

    def end_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Take note of the logs of an epoch, and pause here if it is due.

        Args:
            epoch: 0-based.
            logs: What all callbacks are given, and may add to, as those do that change the learning rate.
        """
        self._training.count_epoch(self._n_in_epoch)
        self._epoch_logs = epoch, logs
        event = self._training.epoch_end(epoch, logs)
        if self.stops.after(self.step, event, self.output, self.report):
            self._stop_here(event)
        self.stops.tell(self.step, self._recorder)
        goal = self._control.goal
        if goal.at_epoch_end:
            self._due = goal
        if not self._is_over() or goal.stop:
            self._may_go_on()

    def finish(self) -> None:
        """End with `fit`, which came to its end."""
        self._settle_epoch()
        self.completed = not self._told_to_stop
        self._ended()
        self._rest_for_good()

    def leave(self, why: str) -> None:
        """End because `fit` did before its time; `why` in words."""
        if self.over.is_set():
            return
        self._settle_epoch()
        self._recorder.note(self.step, f"fit ended before its time, after step {self.step}: {why}")
        self._rest_for_good()

    # --- within ---

    def _rest_for_good(self) -> None:
        self.activity = None
        self.over.set()
        if self._control.state != "failed":
            self._control.set_state("finished")

    def _take(self, batch: int, iterator: Any) -> dict[str, Any]:
        goal = self._control.goal
        try:
            if not self.prepared:
                self._prepare_for(iterator)
            event = self._training.take(self._choose, iterator, batch)
        except KeyboardInterrupt:
            self.leave(INTERRUPTED)
            raise
        except BaseException as error:
            if not self._training.is_end_of_data(error):
                self._fail(error)
                self.over.set()
            raise
        self._n_in_epoch = batch + 1
        if not self._after(goal, event):
            self._due = goal
        logs: dict[str, Any] = event.output.logs
        return logs

    def _prepare_for(self, iterator: Any) -> None:
        self._training.prepare_for(iterator)
        self._recorder.begin()
        self._updates_left = self._training.n_updates()
        self._rate_mark = (time.perf_counter(), self.step)
        self.prepared = True

    def _may_go_on(self) -> bool:
        """Wait for as long as training is paused; whether another step may be taken."""
        control = self._control
        while not control.closing and not control.goal.stop:
            goal = control.goal
            if goal is self._due or goal.at_once:
                self._pause(goal)
                continue
            self._due = None
            speed = self.speed
            if speed is None or self._rest(goal, 1 / speed):
                return True
        self._told_to_stop = True
        self._training.model.stop_training = True
        return False

    def _pause(self, goal: Goal) -> None:
        self._settle_epoch()
        self._updates_left = self._training.n_updates()
        self._control.rest(goal, "paused")
        if self.ask is not None:
            self.ask()
        self._control.wait_while_paused()
        if not self._control.closing:
            self._notice_changes()
        self._rate_mark = (time.perf_counter(), self.step)

    def _settle_epoch(self) -> None:
        """Record an epoch, with what callbacks have added to its logs since."""
        if self._epoch_logs is not None:
            self._recorder.end_epoch(self.step, self._training.epoch_end(*self._epoch_logs))
            self._epoch_logs = None
