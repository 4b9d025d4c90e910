"""What a person has changed while a session trained, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from nnviz_widgets.core.edit import Edit


@dataclass(slots=True, eq=False)
class Entry:
    """One line of a `Journal`.

    Attributes:
        step: The step after which it was done: the next one is the first that it has changed.
        branch: The branch whose next step it has changed.
        text: What was done, in a few words.
        layer: The path of the layer that it is about, `None` if it is about none.
        undone: Whether it was taken back before another step was taken.
    """

    step: int
    branch: str
    text: str
    layer: str | None = None
    undone: bool = False
    _edit: Edit | None = None

    @property
    def edit(self) -> Edit | None:
        """What makes the same change once more; `None` where nothing can."""
        return self._edit

    def __str__(self) -> str:
        """Say it in one line."""
        undone = " (undone)" if self.undone else ""
        return f"after step {self.step}, {self.branch}: {self.text}{undone}"

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(frozen=True, slots=True)
class Told:
    """What a script is to repeat.

    Attributes:
        name: Of the session.
        branch: The branch that it stands on.
        first: The state before the first step.
        step: The step after which it stands.
        entries: What was changed on the way, the oldest first.
        completed: Whether training came to its end by itself there.
        with_data: Whether the training data are written too.
    """

    name: str
    branch: str
    first: Any
    step: int
    entries: Sequence[Entry]
    completed: bool
    with_data: bool


class Journal(Sequence[Entry]):
    """All edits of a session, the oldest first: `session.journal`.

    Only the training thread adds to it.

    Args:
        write: Writes the script of `to_script`.

    Example:
        ```python
        session.edit.learning_rate(0.01)
        print(session.journal)
        session.journal.to_script("repeat.py")
        ```
    """

    def __init__(self, write: Callable[[str | PathLike[str], bool], None]) -> None:
        self._entries: tuple[Entry, ...] = ()
        self._write = write

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...

    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        return self._entries[index]

    def __repr__(self) -> str:
        """List the entries, a line each."""
        return "\n".join(map(str, self._entries)) or "<Journal: nothing was changed>"

    def _repr_html_(self) -> str:
        """Show them as a table; those that were undone are struck out."""
        rows = "".join(
            f"<tr><td>{entry.step}</td><td>{escape(entry.branch)}</td><td style='text-align:left'>"
            f"{'<s>' if entry.undone else ''}{escape(entry.text)}{'</s>' if entry.undone else ''}</td></tr>"
            for entry in self._entries
        )
        return f"<table><tr><th>after step</th><th>branch</th><th>edit</th></tr>{rows}</table>"

    def add(self, entry: Entry) -> None:
        """Write down what was changed."""
        self._entries = (*self._entries, entry)

    def rename(self, old: str, new: str) -> None:
        """Call a branch otherwise."""
        for entry in self._entries:
            if entry.branch == old:
                entry.branch = new

    def of(self, lineage: Sequence[tuple[str, int]], step: int, since: Sequence[Entry]) -> list[Entry]:
        """Return what has made the steps of a branch up to `step` what they are, and what was changed after it.

        Args:
            lineage: The branch and those it comes from, each with the last of its steps that counts.
            step: The step.
            since: What was changed after the step, where the session stands there.
        """
        ends = dict(lineage)
        last = lineage[0][0]
        made = [
            entry
            for entry in self._entries
            if not entry.undone
            and entry.step < (step if entry.branch == last else min(step, ends.get(entry.branch, 0)))
            and entry.branch in ends
        ]
        return [*made, *since]

    def to_script(self, path: str | PathLike[str], *, data: bool = False) -> Path:
        """Write a script in plain Keras that repeats the training up to where the session stands, bit by bit on a CPU.

        The script needs Keras, TensorFlow and numpy, and not this library. Beside it lies a `.npz` of the same name
        with the initial values of all variables, the order of the samples and what the edits have set. It repeats the
        steps of the current branch with those edits that led to it; what was tried and left behind is not in it.

        Args:
            path: Of the script, which ends with `.py`; both files are replaced where they are there. Folders that are
                missing are made.
            data: Whether the `.npz` holds the training data too, so that the script runs by itself. Without them it
                has a function to fill in, or is imported: `train(make_model(), x, y)`.

        Returns:
            Where the script is.

        Raises:
            InvalidArgumentError: If `path` does not end with `.py`.
            ScriptNotPossible: If the steps cannot be repeated in plain Keras; the message says why.
            SessionBusy: If the session is running.
            OSError: If the files cannot be written.
        """
        self._write(path, data)
        return Path(path)
