"""How a session stands, to be read from any thread, and the two settings that may change while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.attributes import NamedAttributes
from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.failure import failure_text, failure_title
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

    from nnviz_widgets.core.branches import Branches
    from nnviz_widgets.core.conditions.breakpoint import Breakpoint
    from nnviz_widgets.core.conditions.breakpoints import Breakpoints
    from nnviz_widgets.core.control import Control, State
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.settings import Settings
    from nnviz_widgets.core.time_travel import Grade
    from nnviz_widgets.core.worker import Worker


class SessionState(NamedAttributes):
    """What is told of a session: each property is read from those who know it, and never waits for a step."""

    probe: Probe
    _control: Control
    _worker: Worker
    _training: Any

    def _notify(self) -> None:
        self._worker.notify_viewers()

    @property
    def recording(self) -> Recording:
        """What is recorded of the training: the current branch of it."""
        return self._worker.branches.current.recording

    @property
    def branches(self) -> Branches:
        """The futures that the training had: stepping on after `rewind` begins another one."""
        return self._worker.branches

    @property
    def breakpoints(self) -> Breakpoints:
        """The conditions at which training pauses: `add` one, at any time.

        A condition that names `nan` or a gradient is a guard. Training pauses *before* the update of the step at which
        it holds: weights, optimizer, metrics and `step_index` are those of the step before, `batch` is the batch of the
        step, and what was read of it is in the recording. The next `run` or `step` takes that step after all; if
        something was changed meanwhile, on a new branch. Any other condition pauses training after the step, and the
        step is read in full where nobody outside hears of it twice.

        To pause before an update takes snapshots and steps that can be taken again (`replay_grade`). Without them a
        guard pauses after the step, and a notice in `recording.events` says why.

        Example:
            ```python
            session.breakpoints.add("nan or l2(dense.gradients) > 100")
            session.breakpoints.add("loss > 3", for_steps=5)
            session.run()
            session.wait()
            session.paused_by           # <Breakpoint 1: nan or l2(dense.gradients) > 100, 1 hit>
            x, y, _ = session.batch
            ```
        """
        return self._worker.stops.breakpoints

    @property
    def paused_by(self) -> Breakpoint | None:
        """The breakpoint that has paused training, or the condition of `run(until=...)`; `None` if neither has."""
        return None if self.state == "running" else self._worker.stops.paused_by

    @property
    def capsules(self) -> tuple[Path, ...]:
        """The folders of the capsules that were written (`capsule=`), the newest last; see `nnviz.open_capsule`."""
        return self._worker.capsules.written

    @property
    def replay_grade(self) -> Grade:
        """Whether `rewind` leads back bit by bit: `"exact"`, or `"state only"` where steps cannot be taken again.

        Told of the newest steps. Of data that come once the newest batches are kept: how far they reach back,
        `rewind_plan` tells of one step, and why.
        """
        return self._worker.travel.grade if self._worker.prepared else "exact"

    @property
    def snapshot_steps(self) -> tuple[int, ...]:
        """The steps of the current branch whose state is stored, ascending: `rewind` leads there at once."""
        return tuple(self._worker.travel.steps(self.branches.current.name))

    def settings(self, layer: str | None = None) -> Settings:
        """Return what `edit` may change as it is now, also of the layer with this path. To be read while it rests."""
        settings: Settings = load_tensorflow_backend().settings_of(self._training, layer)
        return settings

    @property
    def state(self) -> State:
        """`"idle"`, `"running"`, `"paused"`, `"finished"` or `"failed"`."""
        return self._control.state

    @property
    def stopped(self) -> bool:
        """Whether training was ended by `stop` or `close` before it came to its end by itself."""
        return self.state == "finished" and not self._worker.completed and self.step_index != self.total_steps

    @property
    def step_index(self) -> int:
        """How many steps are completed, 0 before any."""
        return self._worker.step

    @property
    def epoch(self) -> int:
        """The epoch of the last step, 0-based."""
        return self._worker.epoch

    @property
    def batch_index(self) -> int:
        """The 0-based index in its epoch of the last completed batch, -1 before any."""
        return self._worker.batch

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        return int(self._training.epochs)

    @property
    def steps_per_epoch(self) -> int | None:
        """How many steps an epoch has, `None` while the data has not told."""
        n: int | None = self._training.steps_per_epoch
        return n

    @property
    def total_steps(self) -> int | None:
        """How many steps training has, `None` while the data has not told."""
        total: int | None = self._worker.total_steps
        return total

    @property
    def logs(self) -> dict[str, float]:
        """The newest metrics: Keras' running means over the epoch so far."""
        report = self._worker.report
        return dict(report.logs) if report is not None else {}

    @property
    def batch_loss(self) -> float:
        """The loss of the last batch alone, NaN before any."""
        report = self._worker.report
        return report.batch_loss if report is not None else float("nan")

    @property
    def history(self) -> dict[str, list[float]]:
        """As `keras.callbacks.History.history`: a list with a value per epoch for each metric."""
        history: dict[str, list[float]] = self._training.history
        return history

    @property
    def batch(self) -> tuple[Any, Any, Any] | None:
        """The last batch, `(x, y, sample_weight)` in numpy arrays; `None` before any.

        Where a breakpoint has paused training before an update, the batch of that step, which is still to be taken.
        """
        refused = self._worker.stops.refused
        output = self._worker.output if refused is None else refused.output
        return None if output is None else self._training.as_numpy(output.batch)

    @property
    def error(self) -> BaseException | None:
        """The exception of a failed session."""
        return self._worker.error

    @property
    def failure_text(self) -> str | None:
        """The user's own traceback of a failed session."""
        return None if self.error is None else failure_text(self.error, self._worker.error_traceback)

    @property
    def failure_title(self) -> str | None:
        """The exception of a failed session in one line."""
        return None if self.error is None else failure_title(self.error)

    @property
    def activity(self) -> str | None:
        """What takes long just now, in words."""
        return self._worker.activity

    @property
    def n_samples(self) -> int:
        """How many rows of a batch keep their activations."""
        return self.probe.samples

    @property
    def steps_per_second(self) -> float | None:
        """How fast training runs, `None` before that is known."""
        return self._worker.steps_per_second

    @property
    def watch_cost(self) -> float | None:
        """The share of the training time that reading takes, `None` before that is known."""
        return self._worker.schedule.meter.share

    @property
    def speed(self) -> float | None:
        """Steps a second at most, `None` for no limit."""
        return self._worker.speed

    @speed.setter
    def speed(self, value: float | None) -> None:
        if value is not None and not (isinstance(value, (int, float)) and value > 0):
            raise InvalidArgumentError(f"`speed` must be a positive number or None. Received: speed={value!r}.")
        with self._control.changed:
            self._worker.speed = value
            self._control.changed.notify_all()
        self._notify()

    @property
    def pause_when_non_finite(self) -> bool:
        """Whether training pauses as soon as the loss or a gradient is NaN or infinite."""
        return self._worker.pause_when_non_finite

    @pause_when_non_finite.setter
    def pause_when_non_finite(self, value: bool) -> None:
        self._worker.pause_when_non_finite = bool(value)
