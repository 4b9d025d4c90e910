"""A training session: `model.fit`, with a person at the controls.

This class is free of display; `nnviz_widgets.TrainingSession` adds the Inspector. All training happens on one
worker thread. Methods called from elsewhere write down what is wanted and return or wait; they never touch Keras.
"""

from __future__ import annotations

import atexit
import weakref
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from nnviz_widgets.core.asking import checked_step
from nnviz_widgets.core.attached import attach, attached_to, detach
from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.calls import all_called, called
from nnviz_widgets.core.capsules import HOLDS_DATA, as_folder
from nnviz_widgets.core.control import Control, Goal
from nnviz_widgets.core.failure import failure_title
from nnviz_widgets.core.fit_arguments import FitArguments
from nnviz_widgets.core.looking import Looking
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.snapshots import as_snapshots
from nnviz_widgets.core.storage.options import as_record
from nnviz_widgets.core.storage.writer import Writer
from nnviz_widgets.core.warn import warn
from nnviz_widgets.core.worker import Worker
from nnviz_widgets.errors import InvalidArgumentError, SessionBusy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from os import PathLike
    from types import TracebackType

    from nnviz_widgets.core.control import Until
    from nnviz_widgets.core.report import StepReport
    from nnviz_widgets.core.snapshots import Snapshots
    from nnviz_widgets.core.storage.options import Record
    from nnviz_widgets.core.time_travel import RewindPlan
    from nnviz_widgets.core.viewer import Viewer

_open_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


@all_called("session")
class Session(Looking):
    """Trains a Keras model exactly as `model.fit` would, and can be paused, stepped and looked into.

    The arguments up to `validation_freq` are those of `keras.Model.fit`; see there. With TensorFlow's global seed set,
    batches come in `fit`'s own order; without it, the order of arrays is drawn from a generator that the session keeps.

    Args:
        model: A compiled `keras.Model`.
        x: What `fit` takes: arrays, dicts or tuples of arrays, a `tf.data.Dataset`, a `keras.utils.PyDataset`, a
            generator; also any loader that iterates over batches and has a length.
        y: Targets, for arrays.
        seed: Seeds Python, numpy and TensorFlow for the *whole process* when the session is made, as
            `keras.utils.set_random_seed` does.
        probe: What to read, `Probe()` if `None`.
        snapshots: How often the state is put aside, so that `rewind` leads back: an `nnviz.Snapshots`, `None` for its
            defaults, `False` for never.
        record: A file to record to: a path such as `"runs/a.nnv"`, or an `nnviz.Record`. A fault of the disk ends the
            recording with a notice in `recording.events`, never the training.
        capsule: A folder such as `"runs/nan"`, written at the first loss, gradient or, where it is read, activation
            that is not finite: the batch, the state before the step, where it began, and a script that repeats it in
            plain Keras. `nnviz.open_capsule` reads it. Training goes on. A folder that is there stays as it is: then
            it becomes `"runs/nan-2"`.
        name: A name for the session, the model's if `None`.

    Warns:
        UserWarning: That a capsule holds training data.

    Raises:
        InvalidArgumentError: If the model is not a compiled Keras model, arrays differ in length, or an
            `InspectCallback` is among the callbacks.
        WrongArguments: If an argument is none of these; the message names the nearest.
        ModelAttached: If another session that is not closed has the model.
        RecordingNotWritable: If `record` names a file that is there already, or cannot be made.
        BackendMissing: If Keras with TensorFlow cannot be imported.

    Example:
        ```python
        session = nnviz.TrainingSession(model, x_train, y_train, batch_size=32, epochs=5)
        session.run()     # returns at once
        session.pause()
        session.recording.tensor("dense", "gradients")
        ```
    """

    model: Any
    name: str

    @called(
        "TrainingSession",
        hint="The arguments are those of `fit`, and seed, probe, record, snapshots, capsule and name.",
    )
    def __init__(
        self,
        model: Any,
        x: Any = None,
        y: Any = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        seed: int | None = None,
        probe: Probe | None = None,
        record: str | PathLike[str] | Record | None = None,
        snapshots: Snapshots | bool | None = None,
        capsule: str | PathLike[str] | None = None,
        name: str | None = None,
    ) -> None:
        __tracebackhide__ = True  # a refusal shows the user's line and the reason
        backend = load_tensorflow_backend()
        if probe is not None and not isinstance(probe, Probe):
            raise InvalidArgumentError(f"`probe` must be an nnviz.Probe or None. Received: {type(probe).__name__}.")
        if x is None:
            raise InvalidArgumentError(
                "`x` must be the training data, as for `fit`. Received: x=None. Give arrays or a data set."
            )
        recorded = None if record is None else as_record(record)
        put_aside = as_snapshots(snapshots)
        folder = None if capsule is None else as_folder(capsule)
        if seed is not None:
            backend.set_random_seed(seed)
        arguments = FitArguments(
            x=x,
            y=y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=resolve_verbose(verbose),
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
        )
        self.probe = probe if probe is not None else Probe()
        session = weakref.ref(self)  # the training thread must not keep a session that nobody has any more
        self._training = backend.Training(model, arguments, self.probe, lambda text: tell_activity(session, text))
        if self._saved is not None:
            self._training.resumption = backend.Resumption(self._saved[0], state_only=self._saved[1])
        self._snapshots = snapshots
        self.model = model
        self.name = name if name is not None else model.name
        attach(model, self)
        self._closed = False
        self._n_readers = 0
        self._recorded_to = None if recorded is None else str(recorded.path)
        try:
            about = {"model": type(model).__name__}
            sink = None if recorded is None else Writer(recorded, self.name, about)
            recording = Recording(self.name, sink=sink, about=about)
        except BaseException:
            detach(model, self)
            raise
        self._control = Control(lambda: tell_change(session))

        def sink_of(branch: str, step: int) -> Writer | None:
            """Write each branch to a file of its own beside that of the first."""
            if recorded is None:
                return None
            of = {**about, "branch_of": str(recorded.path.name), "branch_step": str(step)}
            return Writer(recorded.beside(branch), f"{recording.name}, {branch}", of)

        def write_script(path: str | PathLike[str], data: bool) -> None:
            """Write the journal's script, as long as somebody has the session."""
            if (alive := session()) is not None:
                alive._write_script(path, data)

        self._worker = Worker(
            self.name, self._training, self.probe, recording, self._control, put_aside, sink_of, write_script, folder
        )
        self._worker.branches.serve(partial(_resting, weakref.ref(self)), self._worker.branch_changed)
        try:
            self._look()
        except BaseException:
            detach(model, self)
            recording.close()
            raise
        weakref.finalize(self, _end_thread, self._control).atexit = False
        _open_sessions.add(self)
        if folder is not None:
            warn(HOLDS_DATA)

    @classmethod
    @called("TrainingSession.of")
    def of(cls, model: Any) -> Session | None:
        """Return the session that `model` is attached to, `None` if it is free.

        The way back to a session whose variable is lost, since a second one on its model is refused until it is closed.

        Example:
            ```python
            nnviz.TrainingSession.of(model).close()
            ```
        """
        session: Session | None = attached_to(model)
        return session

    def _look(self) -> None:
        """Show what is known before the first step: the layers, and the weights as step 0."""
        if not self.model.built or self._saved is not None:
            return
        self.recording.set_catalogue(self._training.functions.look())
        self._training.functions.check_probe()
        if "weights" in self.probe.kinds:
            self.recording.add_tensors(0, self._training.functions.weights(), pinned=True)

    def __repr__(self) -> str:
        of = f" of {self.total_steps}" if self.total_steps else ""
        stopped = "stopped at " if self.stopped else ""
        at = f"{stopped}step {self.step_index}{of}, epoch {self.epoch + 1} of {self.epochs}"
        logs = "".join(f", {name} {value:.4g}" for name, value in self.logs.items() if isinstance(value, float))
        closed = ", closed" if self._closed else ""
        error = f", {failure_title(self.error)}" if self.error is not None else ""
        by = "" if (paused_by := self.paused_by) is None else f", paused by {paused_by.shown()}{paused_by.why_broken()}"
        branch = self.branches.current
        on = "" if branch.parent is None else f", {branch.name}"
        return f"<TrainingSession {self.name!r}: {self.state}{closed}, {at}{on}{by}{logs}{error}>"

    # --- control ---

    def run(self, until: Until = None) -> None:
        """Start or resume in the background and return at once.

        Args:
            until: Pause after this step (an int, counted from 1), after the step that ends the epoch (`"epoch"`), or as
                soon as a condition holds: a text such as `"loss < 0.1"`, or a function of the `StepReport`, as in
                `breakpoints`. A condition that cannot be answered pauses training, too. `None` is the end of training.

        Warns:
            UserWarning: If this changes nothing: the step is reached already, or training has ended. Also if the model
                was trained outside the session since the pause.

        Raises:
            InvalidArgumentError: If `until` is none of these; of a text that is no condition, a `NotACondition` says
                what is wrong, and at which column.
            SessionBusy: If the model is being inspected at this moment.
            SessionClosed: If the session is closed.
            BaseException: The error of a failed session, again.
        """
        self._warn_of_training_outside()
        nothing = self.ask_run(until)
        if nothing is not None:
            warn(f"`session.run` changes nothing: {nothing}")

    def pause(self) -> None:
        """Take one last step, read it in full, and pause; return when it is done.

        Does nothing unless the session runs; a `run` from elsewhere meanwhile takes it back. From a callback, which is
        inside a step, it only asks for the pause.
        """
        with self._control.changed:
            running, goal = self.state == "running", self._control.goal
            self.ask_pause()
        if running and not self._worker.is_current_thread():
            self._wait(goal=goal)
            self._raise_error()

    def step(self, n: int = 1) -> StepReport | None:
        """Take exactly `n` steps, the last one read in full, and return when they are done.

        Returns:
            The report of the last step; of the step before, where a breakpoint has paused training before an update.
            Once training has ended no step is taken, and the call returns at once with
            the very object that reported the last step: its `step` is the last one, and `state` is `"finished"`.
            `None` if there never was a step.

        Warns:
            UserWarning: If no step is taken because training has ended. Also if the model was trained outside the
                session since the pause.

        Raises:
            InvalidArgumentError: If `n` is not a positive integer.
            SessionBusy: If the session is running, or the model being inspected at this moment.
            SessionClosed: If the session is closed.
            BaseException: The error of a failed session, again.
        """
        self._warn_of_training_outside()
        nothing = self.ask_steps(n)
        if nothing is not None:
            warn(f"`session.step` takes no step: {nothing}")
        self._wait()
        self._raise_error()
        return self._worker.report

    def rewind(self, step: int, branch: str | None = None, *, state_only: bool = False) -> StepReport | None:
        """Go back to where the session was after a step, and stay paused there.

        Model, optimizers, random streams, metrics, callbacks of Keras' own and the place in the data are what they
        were. A step whose state is not stored is reached by taking the steps after the newest one before it again, by
        the very functions of the training: bit by bit on a CPU, which the recorded losses prove. What Keras' own
        callbacks write is not written twice. Leads back from `"finished"` and `"failed"` too. Stepping on begins a new
        branch; nothing that was recorded is overwritten.

        Args:
            step: How many steps are to be completed, from 0.
            branch: The branch whose step it is, one of `branches`; the current one if `None`. The step at which it
                begins is as the branch began, with what was changed by hand; its parent has that as it was.
            state_only: Whether to be content with the newest stored state at or before the step where its batches
                cannot come again: then the data begin anew with the epoch.

        Returns:
            The report of the step at which the session stands, `None` for step 0.

        Warns:
            UserWarning: If steps that were taken again came out otherwise than before, with the difference. Also if
                there are callbacks of which it is not known what they remember: that stays as it is.

        Raises:
            InvalidArgumentError: If no such step was taken, or there is no such branch.
            ReplayNotExact: If the step cannot be reached bit by bit; nothing has changed then. The message says why,
                and what can be reached.
            SessionBusy: If the session is running, or the model being inspected at this moment.
            SessionClosed: If the session is closed.

        Example:
            ```python
            session.run(until=500)
            session.wait()
            session.rewind(350)
            session.step()          # step 351 of "branch 1"
            ```
        """
        self.ask_rewind(step, branch, state_only=state_only)
        self._wait()
        self._raise_error()
        forgetful = self._training.called_again()
        if forgetful:
            warn(
                "Callbacks must be Keras' own to remember what they did then. Received besides: "
                f"{', '.join(forgetful)}, which remember what they did since, and are called again for steps that are "
                "taken again."
            )
        if self._worker.difference is not None:
            warn(f"{self._worker.difference}; what follows is another branch. On a GPU determinism may be off.")
        return self._worker.report

    def rewind_plan(self, step: int, branch: str | None = None) -> RewindPlan:
        """Return what `rewind` will do, without doing it.

        Args:
            step: As in `rewind`.
            branch: As in `rewind`.

        Raises:
            InvalidArgumentError: As in `rewind`.
            ReplayNotExact: If no state at or before the step is stored.
        """
        name = branch or self.branches.current.name
        plan = self._worker.travel.plan(checked_step(step), name, state_only=True)[0]
        refused = self._worker.stops.refused
        if refused is None or name != self.branches.current.name or step < refused.step:
            return plan
        return replace(plan, remarks=(*plan.remarks, f"step {refused.step}, which a guard has refused, is taken"))

    def stop(self) -> None:
        """End training for good: callbacks see its end, the state becomes finished, and no step can follow.

        To go on later, `pause` instead. Does nothing if training has ended already.

        Raises:
            SessionBusy: If the model is being inspected at this moment.
        """
        self.ask_stop()
        if not self._worker.is_current_thread():
            self._wait()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the session is paused or finished; return at once if nothing runs.

        Interrupting the kernel meanwhile pauses the session at the boundary of a step.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether the session is paused or finished now.

        Raises:
            InvalidArgumentError: If `timeout` is no number.
            BaseException: The error of a failed session.
        """
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
            raise InvalidArgumentError(
                f"`timeout` must be a number of seconds, or None for no limit. Received: timeout={timeout!r:.100}. "
                "session.run(until=...) says where to pause."
            )
        self._wait(timeout)
        self._raise_error()
        return self.state in ("paused", "finished")

    def close(self) -> None:
        """End training, end the thread and give the model back as Keras left it. May be called again and again.

        Waits until an inspection of the model is done: callbacks may change weights at the end of training.
        """
        self._let_the_thread_end()
        if not self._worker.is_current_thread():
            self._training.release()
        if self._control.state not in ("failed", "finished"):
            self._control.set_state("finished")
        if not self._worker.alive:
            for branch in self.branches:
                branch.recording.close()
            self._worker.travel.close()
        detach(self.model, self)
        _open_sessions.discard(self)

    def _let_the_thread_end(self) -> None:
        """Ask for the end once nobody reads the model, and wait for it."""
        with self._control.changed:
            self._control.changed.wait_for(lambda: self._n_readers == 0)
            self._closed = True
            self._control.closing = True
            self._control.changed.notify_all()
        self._worker.join()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Keep the model as it is for as long as somebody else reads it: training neither goes on nor ends meanwhile.

        Raises:
            SessionBusy: If the session is running.
        """
        with self._control.changed:
            if self.state == "running":
                raise SessionBusy(
                    f"`model` must not be trained while it is inspected. Received: {self.name!r}, whose session is "
                    "running. Call its pause() first."
                )
            self._n_readers += 1
            closed = self._closed
        try:
            if closed:
                self._worker.join()  # what happens at the end of training may still go on
            yield
        finally:
            with self._control.changed:
                self._n_readers -= 1
                self._control.changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _warn_of_training_outside(self) -> None:
        with self._control.changed:  # else a run that somebody else begins would be taken for training outside
            outside = self.state == "paused" and self._worker.trained_outside()
        if outside:
            warn(
                f"The model must be trained by its session alone while it has one. Received: {self.name!r}, which was "
                f"trained outside the session since the pause at step {self.step_index}. The session goes on from the "
                "weights as they are now; those steps are not in the recording. Use session.step or session.run."
            )

    def _wait(self, timeout: float | None = None, goal: Goal | None = None) -> None:
        if self._worker.is_current_thread():
            raise SessionBusy("A callback cannot wait for the step that it is part of. Use pause() or run().")
        try:
            self._control.wait_while_running(timeout, goal)
        except KeyboardInterrupt:
            with self._control.changed:
                self._control.goal.at_once = True
                self._control.changed.notify_all()
            self._wait_for_the_step()
            raise KeyboardInterrupt(
                f"Paused by interrupt at step {self.step_index}; session.run() goes on from there."
            ) from None

    def _wait_for_the_step(self) -> None:
        """Wait until the step that an interrupt met is over; another interrupt does not wait for it."""
        try:
            self._control.wait_while_running()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"Interrupted again: the session pauses as soon as step {self.step_index + 1} is taken; "
                "session.run() goes on from there."
            ) from None

    @property
    def controls(self) -> bool:
        """Whether what a page says reaches the session now."""
        return True

    # --- those who look ---

    def add_viewer(self, viewer: Viewer) -> None:
        """Let `viewer` say what to read, and tell it when something changes."""
        with self._control.changed:
            self._worker.viewers = (*self._worker.viewers, viewer)

    def remove_viewer(self, viewer: Viewer) -> None:
        """Forget `viewer`."""
        with self._control.changed:
            self._worker.viewers = tuple(v for v in self._worker.viewers if v is not viewer)


def resolve_verbose(verbose: str | int) -> str | int:
    """Return what `fit`'s `verbose` means here: `"auto"` is a progress line, but none in a notebook."""
    if verbose != "auto":
        return verbose
    try:
        from IPython import get_ipython
    except ImportError:
        return 1
    shell = get_ipython()
    return 0 if shell is not None and hasattr(shell, "kernel") else 1


def tell_activity(session: weakref.ref[Session], text: str | None) -> None:
    """Say what takes long just now, if somebody still has the session."""
    if (alive := session()) is not None:
        alive._worker.set_activity(text)


def tell_change(session: weakref.ref[Session]) -> None:
    """Tell everybody who looks that something changed, if somebody still has the session."""
    if (alive := session()) is not None:
        alive._notify()


def _resting(session: weakref.ref[Session]) -> AbstractContextManager[None]:
    """Keep a session at rest within the block.

    Raises:
        SessionBusy: If it is running.
    """
    alive = session()
    if alive is None:
        return nullcontext()
    if alive.state == "running":
        raise SessionBusy(
            f"A session must rest for its branches to be renamed or dropped. Received: {alive.name!r}, which is "
            "running. Call session.pause() first."
        )
    return alive.standing_still()


def _end_thread(control: Control) -> None:
    """Let the training thread of a session end that was forgotten without being closed."""
    with control.changed:
        control.closing = True
        control.changed.notify_all()


EXIT_TIMEOUT_S = 5.0
"""How long the end of the interpreter waits for a step: a generator that never returns must not hang it."""


@atexit.register
def _close_all() -> None:
    """Let no training thread run into the end of the interpreter."""
    sessions = list(_open_sessions)
    for session in sessions:
        _end_thread(session._control)
    for session in sessions:
        session._worker.join(EXIT_TIMEOUT_S)
        if not session._worker.alive and not session._n_readers:
            session.close()
