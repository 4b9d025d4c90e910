"""`nnviz.InspectCallback`: an existing `model.fit`, recorded, watched and paused."""

from __future__ import annotations

from inspect import Signature, signature
from typing import TYPE_CHECKING, Any, Self

from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.calls import called
from nnviz_widgets.core.fit_arguments import MakesSession
from nnviz_widgets.core.fit_session import recording_for
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.storage.options import as_record
from nnviz_widgets.core.terminal import Terminal, can_ask, in_kernel
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.widgets.live_fit import ShownFit

if TYPE_CHECKING:
    from os import PathLike

    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.storage.options import Record


class InspectCallback(MakesSession):
    """A callback for `model.fit` that records the run and lets a person look into it and pause it.

    Training is the same to the last bit, and the model is as `fit` leaves it, also when something raises. It may stand
    anywhere among the callbacks. Each `fit` is recorded anew: `session` and `recording` are those of the newest. What
    an earlier one recorded stays in memory for as long as somebody holds it; its view becomes a still picture.

    In a notebook the view appears beneath the cell when training begins. Where what a page says arrives while a cell
    runs, as under ipykernel 7, it has buttons: at a pause `fit` waits after a step. Elsewhere it says so in words, and
    interrupting the kernel ends training as without the callback. At a terminal, Ctrl-C once pauses and asks how to go
    on, and twice ends training.

    With `steps_per_execution` above 1, every step is recorded and may be the last before a pause, and callbacks hear
    of as many steps at a time as without.

    Args:
        record: A file to record to: a path such as `"runs/a.nnv"`, or an `nnviz.Record`. A file serves one `fit`.
        probe: What to read, `Probe()` if `None`.

    Attributes:
        session: The `fit` that runs or ran last, as a session; `None` before the first. `pause`, `run`, `step` and
            `stop` are for other threads than that of `fit`; what is in a callback of its own only asks for a pause or
            the end.
        recording: Of that session; `None` before the first.

    Raises:
        InvalidArgumentError: If `record` or `probe` is none of these.
        BackendMissing: If Keras with TensorFlow cannot be imported.

    Within `fit`, when training begins:

    Raises:
        ModelAttached: If a session that is not closed has the model.
        LayerNotFound: If the probe names layers that the model does not have.
        RecordingNotWritable: If `record` names a file that is there already, or cannot be made.

    Example:
        ```python
        inspect = nnviz.InspectCallback(record="runs/a.nnv")
        model.fit(x_train, y_train, epochs=5, callbacks=[inspect])
        inspect.recording.tensor("dense", "gradients")
        ```
    """

    params: Any
    model: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make a `keras.callbacks.Callback`, which nobody can derive from without importing Keras."""
        made: Self = object.__new__(load_tensorflow_backend().as_keras_callback(cls))
        return made

    @called("InspectCallback")
    def __init__(self, record: str | PathLike[str] | Record | None = None, probe: Probe | None = None) -> None:
        super().__init__()
        if probe is not None and not isinstance(probe, Probe):
            raise InvalidArgumentError(f"`probe` must be an nnviz.Probe or None. Received: {type(probe).__name__}.")
        self._record = None if record is None else as_record(record)
        self._probe = probe if probe is not None else Probe()
        self._session: ShownFit | None = None
        self._terminal: Terminal | None = None

    # Python would tell of the arguments of `__new__`.
    __signature__ = Signature(list(signature(__init__).parameters.values())[1:])

    @property
    def session(self) -> ShownFit | None:
        """The `fit` that runs or ran last, `None` before the first."""
        return self._session

    @property
    def recording(self) -> Recording | None:
        """What was recorded of it, `None` before the first."""
        return None if self._session is None else self._session.recording

    # --- called by fit ---

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin a session, and show it where there is somebody to see it."""
        before = self._session
        if before is not None:
            before.look_for_the_end()
        params = self.params or {}
        recording = recording_for(self.model, self._record)
        try:
            self._session = ShownFit(self.model, self._probe, recording, params.get("steps"), params.get("epochs", 1))
        except BaseException:
            recording.close()
            raise
        if before is not None:
            before.make_room()
        if can_ask():
            self._terminal = Terminal(self._session)
            self._terminal.enter()
        elif in_kernel():
            self._session.show()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take note of the epoch."""
        self._running.begin_epoch(epoch)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Let the next step be ours."""
        self._running.begin_batch(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Pause here if somebody asked for it."""
        self._running.end_batch(batch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the metrics of the epoch; pause here if somebody asked for it."""
        self._running.end_epoch(epoch, logs if logs is not None else {})

    def on_test_begin(self, logs: Any = None) -> None:
        """Say what takes long."""
        self._say("validating")

    def on_test_end(self, logs: Any = None) -> None:
        """Say that it is over."""
        self._say(None)

    def on_train_end(self, logs: Any = None) -> None:
        """End the session."""
        if self._terminal is not None:
            self._terminal.leave()
            self._terminal = None
        self._running.finish()

    @property
    def _running(self) -> ShownFit:
        if self._session is None:
            raise InvalidArgumentError(
                "An InspectCallback must hear of `on_train_begin` first, as in `fit`. Received: another call. Give it "
                "to model.fit(..., callbacks=[...])."
            )
        return self._session

    def _say(self, activity: str | None) -> None:
        """Tell what takes long, in words; `evaluate` by itself is nobody's session."""
        if self._session is not None and not self._session.worker.over.is_set():
            self._session.worker.set_activity(activity)
