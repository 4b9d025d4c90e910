"""When a capsule is written, and of which state: that before the first step whose values are not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.capsule_files import write_capsule
from nnviz_widgets.core.sick_batch import sick_batch
from nnviz_widgets.core.storage.options import checked_path
from nnviz_widgets.core.warn import warn
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

HOLDS_DATA = (
    "A capsule holds training data: the batch of the first step whose values are not finite, and the weights before "
    "it. Share it only with those who may see both."
)


class Capsules:
    """Writes the capsules of one session, on its training thread.

    The state before a step is that at which the session stands once it has gone back. Where it cannot go back without
    anybody hearing of it, the state before each step is held until the step has shown that it is sound.

    Args:
        training: What is run.
        name: Of the session.
        folder: Where to write; `None` for never.

    Attributes:
        written: Where capsules are.
        due: Whether the session goes back just now to write one.
    """

    def __init__(self, training: Any, name: str, folder: Path | None) -> None:
        self._training = training
        self._name = name
        self._folder = folder
        self._armed = folder is not None
        self._before: Any = None
        self.written: tuple[Path, ...] = ()
        self.due = False

    @property
    def armed(self) -> bool:
        """Whether the next value that is not finite is the first one."""
        return self._armed

    def arm(self) -> None:
        """Be somewhere else: what comes is another future, whose first value that is not finite is looked for."""
        self._armed, self.due = self._folder is not None, False

    def hold(self, output: Any) -> None:
        """Hold the state before a step to which the session could not go back.

        Args:
            output: Of the step before.
        """
        self._before = self._training.held(output)

    def let_go(self) -> None:
        """Hold no state any more."""
        self._before = None

    def write_held(self, step: int, event: Any) -> str:
        """Write the capsule of a step that was taken, from the state that was held before it.

        Returns:
            What came of it, in words.
        """
        before, after = self._before, self._training.held(event.output)
        self._before, self._armed = None, False
        if before is None or after is None:
            return f"the capsule of step {step} was not written: memory did not suffice for the state before it"
        before.put_back_values()
        try:
            return self.write(step, event.epoch, event.batch, event.output)
        finally:
            after.put_back_values()

    def write(self, step: int, epoch: int, batch: int, output: Any) -> str:
        """Write the capsule of a step before which the training stands; a fault ends no training.

        Args:
            step: Its number.
            epoch: 0-based.
            batch: 0-based index in the epoch.
            output: What it returned.

        Returns:
            What came of it, in words.
        """
        self._armed = self.due = False
        about = {
            "session": self._name,
            "model": self._training.model.name,
            "step": step,
            "epoch": epoch,
            "batch_index": batch,
            "loss": output.batch_loss,
            "gradient_l2": output.gradient_l2,
        }
        try:
            about["sick_batch"] = sick_batch(self._training.as_numpy(output.batch), self._training.arrays())
            contents = load_tensorflow_backend().capsules.contents(self._training, output.batch)
            assert self._folder is not None, "who has no folder is never armed"
            path = write_capsule(self._folder, about, contents)
        except Exception as error:  # the disk, memory, or a mistake of ours: told, and training goes on
            return f"the capsule of step {step} was not written: {type(error).__name__}: {error}"
        self.written = (*self.written, path)
        return f"step {step}: values are not finite; what repeats it is in the capsule {path.name!r}"


def as_folder(value: str | PathLike[str]) -> Path:
    """Return `capsule=` of a session as a path.

    Raises:
        InvalidArgumentError: If it is none, or a file.
    """
    folder = checked_path("capsule", value, "runs/nan")
    if folder.exists() and not folder.is_dir():
        raise InvalidArgumentError(
            f"`capsule` must be a folder to be made. Received: {str(value)!r}, which is a file. Give another name."
        )
    if folder.exists():
        warn(
            f"`capsule` should be a new folder. Received: {str(value)!r}, which is there and stays as it is: the "
            "capsule will be beside it, with a number. session.capsules tells where."
        )
    return folder
