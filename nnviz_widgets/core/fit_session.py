"""The session of a `fit` that somebody else called: what a callback knows of it and may ask of it."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.attached import attach, detach
from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.control import Control, Goal, State
from nnviz_widgets.core.fit_call import FitCall
from nnviz_widgets.core.fit_worker import INTERRUPTED, FitWorker
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.session import Session, tell_activity, tell_change
from nnviz_widgets.core.storage.writer import Writer
from nnviz_widgets.errors import ReplayNotExact, SessionBusy

if TYPE_CHECKING:
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.storage.options import Record
    from nnviz_widgets.core.time_travel import RewindPlan

_LOOK_S = 0.2
_ELSEWHERE = "it was interrupted, or something else raised: another callback, the validation or the data"


class FitSession(Session):
    """A `model.fit` that runs, with a person at the controls; made by an `InspectCallback`.

    It can do what a `TrainingSession` can, with these differences. `fit` blocks the thread that called it: `run`,
    `step` and `wait` are for other threads, such as those that handle the buttons of a page. `stop` ends training as
    early stopping does: `fit` ends the epoch, with its validation, and returns. The model belongs to it until `fit`
    ends, in whatever way.

    Args:
        model: The model that `fit` trains.
        probe: What to read.
        recording: Where it is recorded.
        n_batches: Batches an epoch, `None` if `fit` does not know.
        epochs: How many epochs there will be, counted from epoch 0.

    Raises:
        ModelAttached: If another session that is not closed has the model.
        InvalidArgumentError: If the probe does not fit the model.
        LayerNotFound: If the probe names layers that the model does not have.
    """

    def __init__(self, model: Any, probe: Probe, recording: Recording, n_batches: int | None, epochs: int) -> None:
        backend = load_tensorflow_backend()
        self.probe = probe
        session: weakref.ref[Session] = weakref.ref(self)
        self._training = backend.FitTraining(model, probe, lambda text: tell_activity(session, text), n_batches, epochs)
        self.model = model
        self.name = recording.name
        self._control = Control(lambda: tell_change(session))
        self._worker: FitWorker = FitWorker(self.name, self._training, probe, recording, self._control)
        self._closed = False
        self._n_readers = 0
        self._call = FitCall()
        self._in_place = backend.StepInPlace(model, self._call, self._take)
        self._batch = 0
        self._heard = False
        attach(model, self)
        try:
            self._look()
        except BaseException:
            detach(model, self)
            raise
        self._control.start(Goal())
        threading.Thread(target=self._watch, name=f"nnviz {self.name} fit", daemon=True).start()

    def __repr__(self) -> str:
        """Say in one line how it stands."""
        return super().__repr__().replace("<TrainingSession", "<FitSession", 1)

    def close(self) -> None:
        """End training as `stop` does and give the model back. May be called again and again."""
        self._let_the_thread_end()

    def ask_rewind(self, step: int, branch: str | None = None, *, state_only: bool = False) -> None:
        """Refuse what only a session can do whose loop is its own.

        Raises:
            ReplayNotExact: Always.
        """
        raise ReplayNotExact(
            f"A session must take the steps by itself to be rewound. Received: {self.name!r}, whose steps `fit` takes. "
            "Train with nnviz.TrainingSession(model, x, y), which takes fit's arguments."
        )

    def rewind_plan(self, step: int, branch: str | None = None) -> RewindPlan:
        """Refuse, as `rewind` does.

        Raises:
            ReplayNotExact: Always.
        """
        self.ask_rewind(step, branch)
        raise AssertionError("it is refused")

    def _require_editable(self) -> None:
        raise SessionBusy(
            f"A session must take the steps by itself to be edited. Received: {self.name!r}, whose steps `fit` takes. "
            "Train with nnviz.TrainingSession(model, x, y), which takes fit's arguments."
        )

    def _why_ended(self) -> str:
        return super()._why_ended().partition(" To train on")[0] + " To train on, call fit again."

    @property
    def state(self) -> State:
        """As of a `TrainingSession`. Asked on the thread of `fit`, it knows at once when that has raised."""
        self._look_on_its_thread()
        return super().state

    @property
    def heard(self) -> bool:
        """Whether a page has said something since `fit` began."""
        return self._heard

    @property
    def controls(self) -> bool:
        """Whether what a page says arrives: proven by its first word, and certain once `fit` has ended."""
        return self._heard or self._worker.over.is_set()

    def hear(self) -> None:
        """Take note that a page has said something, on any thread."""
        if not self._heard:
            self._heard = True
            self._notify()

    def ask_pause_at_once(self) -> None:
        """Ask for a pause before another step is taken; takes no lock, so that a signal handler may do it."""
        self._control.goal.at_once = True

    # --- for the callback, on the thread of fit ---

    @property
    def call(self) -> FitCall:
        """The call of `fit`."""
        return self._call

    @property
    def worker(self) -> FitWorker:
        """What takes the steps."""
        return self._worker

    def begin_epoch(self, epoch: int) -> None:
        """Take note that an epoch begins, 0-based."""
        self._worker.begin_epoch(epoch)

    def begin_batch(self, batch: int) -> None:
        """Let our step stand in for the model's own; `batch` is 0-based in its epoch."""
        self._batch = batch
        if not self._worker.over.is_set():
            self._in_place.install()

    def end_batch(self, batch: int) -> None:
        """Wait here while training is paused."""
        try:
            self._worker.end_batch(batch)
        except KeyboardInterrupt:
            self._interrupted()
            raise

    def end_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Take note of the logs of an epoch, and wait here while training is paused."""
        try:
            self._worker.end_epoch(epoch, logs)
        except KeyboardInterrupt:
            self._interrupted()
            raise

    def finish(self) -> None:
        """End with `fit`."""
        self._worker.finish()
        self._give_back()

    def _interrupted(self) -> None:
        self._worker.leave(INTERRUPTED)
        self._give_back()

    def _take(self, iterator: Any) -> dict[str, Any]:
        try:
            return self._worker.take(self._batch, iterator, int(self.model.steps_per_execution))
        finally:
            if self._worker.over.is_set():
                self._give_back()

    # --- whoever notices that fit has left ---

    def _wait(self, timeout: float | None = None, goal: Goal | None = None) -> None:
        self._look_on_its_thread()
        super()._wait(timeout, goal)

    def _look_on_its_thread(self) -> None:
        if self._worker.is_current_thread():
            self.look_for_the_end()

    def look_for_the_end(self) -> None:
        """Note that `fit` has raised where it told nobody, if it has; for its own thread, where that is certain."""
        if not self._worker.over.is_set() and not self._call.goes_on():
            self._worker.leave(_ELSEWHERE)
        if self._worker.over.is_set():
            self._give_back()

    def _watch(self) -> None:
        n_missed = 0
        while not self._worker.over.wait(_LOOK_S):
            n_missed = 0 if self._call.goes_on() else n_missed + 1
            if n_missed == 2:
                self.look_for_the_end()

    def _give_back(self) -> None:
        self._in_place.remove()
        self._call.drop()
        detach(self.model, self)
        self.recording.close()


def recording_for(model: Any, record: Record | None) -> Recording:
    """Return an empty recording of a run of `model`, in memory alone or in a file too.

    Raises:
        RecordingNotWritable: If the file is there already, or cannot be made.
    """
    about = {"model": type(model).__name__}
    return Recording(model.name, sink=None if record is None else Writer(record, model.name, about), about=about)
