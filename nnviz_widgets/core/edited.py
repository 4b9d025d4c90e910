"""Applies edits between two steps, on the training thread, and takes them back."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.journal import Entry, Journal
from nnviz_widgets.errors import NothingToUndo, SessionClosed

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from nnviz_widgets.core.branches import Branches
    from nnviz_widgets.core.control import Control
    from nnviz_widgets.core.edit import Edit
    from nnviz_widgets.core.recorder import Recorder


@dataclass(slots=True, eq=False)
class Wish:
    """Something to be changed before the next step.

    Attributes:
        make: Makes the edit, or refuses it; `None` to take the last one back.
        is_done: Whether it was applied or refused.
        entry: What was written down of it.
        error: Why it was refused.
    """

    make: Callable[[], Edit] | None
    is_done: bool = False
    entry: Entry | None = None
    error: BaseException | None = None


class Edits:
    """The edits of one session.

    Args:
        training: What is run.
        recorder: Writes down what it has become.
        branches: Where it is recorded.
        control: Tells who waits.
        write: Writes the journal's script.

    Attributes:
        journal: All that was changed.
    """

    def __init__(
        self,
        training: Any,
        recorder: Recorder,
        branches: Branches,
        control: Control,
        write: Callable[[str | PathLike[str], bool], None],
    ) -> None:
        self._training = training
        self._recorder = recorder
        self._branches = branches
        self._control = control
        self._wishes: deque[Wish] = deque()
        self._since: list[tuple[Entry, Any]] = []
        self._n_used = 0
        self._by_hand: list[Entry] = []
        self.journal = Journal(write)

    # --- on any thread, under the lock of the control ---

    def ask(self, wish: Wish) -> None:
        """Let a wish be granted before the next step."""
        self._wishes.append(wish)

    def withdraw(self, wish: Wish) -> None:
        """Wish for it no more; nothing happens if it is being granted."""
        if wish in self._wishes:
            self._wishes.remove(wish)

    @property
    def n_to_undo(self) -> int:
        """How many edits were made since the last step."""
        return len(self._since)

    # --- on the training thread ---

    @property
    def waiting(self) -> bool:
        """Whether there is a wish."""
        return bool(self._wishes)

    @property
    def changing(self) -> bool:
        """Whether there is a wish that will change something."""
        return any(wish.make is not None or self._since for wish in list(self._wishes))

    def apply(self, step: int, output: Any) -> None:
        """Grant the wishes that there are, between two steps the last of which was `step` and returned `output`.

        Those that come meanwhile wait for the next time: who asks on and on must not keep the training from its steps.
        """
        for _ in range(len(self._wishes)):
            with self._control.changed:  # one may have been withdrawn
                wish = self._wishes.popleft() if self._wishes else None
            if wish is None:
                return
            try:
                wish.entry = self._undo(step) if wish.make is None else self._do(wish.make(), step, output)
            except BaseException as error:  # whoever wished for it is told, and must not wait for ever
                wish.error = error
                if not isinstance(error, Exception):
                    raise
            finally:
                self._done(wish)

    def refuse(self, why: str) -> None:
        """Tell all who wait that there is no step any more before which something could be changed."""
        while self._wishes:
            wish = self._wishes.popleft()
            wish.error = SessionClosed(why)
            self._done(wish)

    def _done(self, wish: Wish) -> None:
        with self._control.changed:
            wish.is_done = True
            self._control.changed.notify_all()

    def _do(self, edit: Edit, step: int, output: Any) -> Entry:
        before = self._training.snapshot(output)
        if before is None:
            raise MemoryError("Memory does not suffice to put the state aside, so that the edit could not be undone.")
        self._training.apply(edit)
        entry = Entry(step, self._branches.current.name, edit.text, edit.layer, _edit=edit)
        self._since.append((entry, before))
        self._changed(step, edit.text, weights=bool(edit.values))
        self.journal.add(entry)
        return entry

    def _undo(self, step: int) -> Entry:
        if not self._since:
            raise NothingToUndo(nothing_since(step))
        entry, before = self._since.pop()
        self._training.undo(before)
        entry.undone = True
        self._forget_by_hand()
        self._changed(step, f"undone: {entry.text}", weights=entry.edit is not None and bool(entry.edit.values))
        return entry

    def _forget_by_hand(self) -> None:
        """Mark what was changed by hand after an edit as undone with it: the variables are what they were before."""
        for entry in self._by_hand.copy():
            values = () if entry.edit is None else entry.edit.values
            if any(variable.numpy().tobytes() != array.tobytes() for variable, array in values):
                entry.undone = True
                self._by_hand.remove(entry)

    def _changed(self, step: int, text: str, *, weights: bool) -> None:
        self._recorder.note(step, text, "edit")
        if weights:
            self._recorder.reread_weights(step)

    def step_taken(self) -> None:
        """Let what was changed stand: a step was taken with it."""
        self._since.clear()
        self._by_hand.clear()
        self._n_used = 0

    def step_refused(self) -> None:
        """Take note that a step is recorded that was taken with what was changed, and is taken back."""
        self._n_used = len(self._since)

    def left(self) -> None:
        """Mark what was changed since the last step as undone: the session goes elsewhere without taking it along.

        What a refused step was taken with stands: going back to that step is with it.
        """
        for entry, _ in self._since[self._n_used :]:
            entry.undone = True
        self.step_taken()

    @property
    def before(self) -> Any:
        """The state before all that was changed since the last step, `None` if nothing was."""
        return self._since[0][1] if self._since else None

    def carry_over(self, branch: str) -> None:
        """Write down for a new branch what it begins with: a step of the one before was refused and will be another."""
        for number, (entry, before) in enumerate(self._since):
            again = Entry(entry.step, branch, entry.text, entry.layer, _edit=entry.edit)
            self._since[number] = (again, before)
            self.journal.add(again)
        by_hand, self._by_hand = self._by_hand, []
        for entry in by_hand:
            self.add_by_hand(entry.step, entry.edit)
        self._n_used = 0

    @property
    def since(self) -> list[Edit]:
        """The edits since the last step, and what is written down of changes by hand."""
        entries = [*(entry for entry, _ in self._since), *self._by_hand]
        return [entry.edit for entry in entries if entry.edit is not None]

    @property
    def entries_since(self) -> list[Entry]:
        """The lines of what was changed since the last step, also by hand, in the order of the journal."""
        since = {id(entry) for entry in (*(entry for entry, _ in self._since), *self._by_hand)}
        return [entry for entry in self.journal if id(entry) in since]

    def add_by_hand(self, step: int, edit: Edit | None, text: str = "") -> None:
        """Write down what somebody has changed without an edit: as one, or in words if it cannot be repeated."""
        entry = Entry(step, self._branches.current.name, text if edit is None else edit.text, _edit=edit)
        self.journal.add(entry)
        if edit is not None:
            self._by_hand.append(entry)


def nothing_since(step: int) -> str:
    """Say that no edit was made since a step."""
    return (
        f"An edit must have been made since the last step to be undone. Received: none since step {step}. "
        "session.rewind(step) leads back to before an older one."
    )
