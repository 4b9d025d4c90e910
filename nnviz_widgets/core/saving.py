"""Writing down where a session stands, and going on from there in another process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nnviz_widgets.core.asking import Asking
from nnviz_widgets.core.calls import all_called, called
from nnviz_widgets.core.control import Goal
from nnviz_widgets.core.storage.run_file import read_run, write_run
from nnviz_widgets.core.warn import warn
from nnviz_widgets.errors import SessionBusy, SessionClosed

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from os import PathLike

    from nnviz_widgets.core.storage.run_file import SavedRun


@all_called("session")
class Saving(Asking):
    """A session that can be saved and gone on with."""

    _saved: tuple[SavedRun, bool] | None = None
    _recorded_to: str | None = None

    if TYPE_CHECKING:

        def __init__(self, model: Any, x: Any = None, y: Any = None, **arguments: Any) -> None: ...

        def close(self) -> None:
            """As in `Session`."""

        def standing_still(self) -> AbstractContextManager[None]:
            """As in `Session`."""

        def _wait(self) -> None: ...

    @classmethod
    @called("TrainingSession.resume")
    def resume(
        cls,
        path: str | PathLike[str],
        model: Any,
        x: Any = None,
        y: Any = None,
        *,
        state_only: bool = False,
        **arguments: Any,
    ) -> Self:
        """Return a paused session that goes on where `session.save` was called, also in another process.

        Training goes on bit by bit on a CPU: weights, optimizer, random streams, metrics, history, numbers of the steps
        and the order of the data are those of the session that was saved. Its random streams become those of the
        whole process. Arrays are found again at once; any other data is read from its beginning up to the place.

        Callbacks hear of the beginning of training and of the epoch again. Of Keras' own, `EarlyStopping`,
        `ReduceLROnPlateau`, `ModelCheckpoint` and `SwapEMAWeights` then remember what they did.

        Validation data are read from their beginning: those of a generator are others than they would have been.

        Args:
            path: What `session.save` wrote.
            model: The model, made and compiled as before; its values do not matter.
            x: The same data.
            y: The same targets.
            state_only: Whether the data begin anew in the middle of the epoch, where they cannot be put back.
            arguments: The other arguments as before; `epochs` may be more.

        Warns:
            UserWarning: Names callbacks that cannot remember, and a generator of validation data that was read from
                already.

        Raises:
            FileNotFoundError: If there is no such file.
            NotResumable: If the file is damaged, or the model or the data are others; the message says what differs.

        Example:
            ```python
            session.save("runs/a.session")  # then, in another process
            session = nnviz.TrainingSession.resume("runs/a.session", model, x_train, y_train, batch_size=32, epochs=5)
            session.run()
            ```
        """
        session = cls.__new__(cls)
        session._saved = (read_run(path), state_only)
        session.__init__(model, x, y, **arguments)  # type: ignore[misc]
        session._go_to_its_place()
        session._note_origin()
        for sentence in session._training.resumption.warnings:
            warn(sentence)
        return session

    def _go_to_its_place(self) -> None:
        """Be ready for the next step of the run that this one goes on with; be closed where that is not possible."""
        try:
            self._begin(Goal(at_once=True))
            self._wait()
            self._raise_error()
        except BaseException:
            self.close()
            raise

    def _note_origin(self) -> None:
        """Say in the recording which one this goes on from."""
        before = self._training.resumption.facts["recording"]
        of = f", recorded in {Path(before).name}" if before else ""  # a page that is shared shall name no folder
        self.recording.add_event(
            self.step_index, "notice", f"goes on from step {self.step_index} of a saved session{of}"
        )
        self.recording.commit()

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything that `TrainingSession.resume` needs to go on from here, bit by bit.

        That is the model's variables, optimizers, random streams, metrics, the place in the data, what Keras' own
        callbacks remember, and the history. The data themselves are not in it, and no code: to open it is safe. A
        file that is there is replaced as a whole.

        Args:
            path: Where; folders that are missing are made.

        Warns:
            UserWarning: If the model draws random numbers where they cannot be followed, so that others will come.

        Raises:
            SessionBusy: If the session is running, or has not begun.
            SessionClosed: If training has ended.
            InvalidArgumentError: If `path` is none.
            OSError: If the file cannot be written; one that was there is as it was.
        """
        with self.standing_still():
            self._require_paused()
            facts, arrays = self._training.capture(self._worker.output, self._worker.report)
            about = {"step": self.step_index, "batch": self.batch_index, "name": self.name}
            write_run(path, {**facts, **about, "recording": self._recorded_to}, arrays)

    def _require_paused(self) -> None:
        self._raise_error()
        if self._closed or self.state == "finished":
            raise SessionClosed(
                f"A session must be paused to be saved. Received: {self.name!r}, whose training has ended. Save the "
                "model: model.save(path)."
            )
        if self.state != "paused" or self._training.origin is None:
            what = "has taken no step" if self.state == "idle" else "trains in a fit of its own"
            raise SessionBusy(
                f"A session must be paused to be saved. Received: {self.name!r}, which {what}. Call step() or pause() "
                "of a TrainingSession first."
            )
