"""The futures that a training had: after going back, other steps make another branch, and nothing is overwritten."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.names import nearest
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from nnviz_widgets.core.recording import Recording

MAIN = "main"

MAX_NAME = 60
"""Characters of the name of a branch."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One future of a training.

    Attributes:
        name: `"main"`, `"branch 1"`, `"branch 2"`, in the order of their beginnings, or what it was renamed to.
        parent: The branch that it left, `None` for the first.
        step: The last step that it shares with its parent; of the first 0, or the step after which it was resumed.
        recording: Its steps, after those that it shares.
        begins: What is noted of its beginning, in words that stay when a branch is renamed.
    """

    name: str
    parent: str | None
    step: int
    recording: Recording
    begins: str = ""

    @property
    def last_step(self) -> int:
        """The newest step of its recording."""
        steps = self.recording.steps
        return int(steps[-1]) if steps.size else self.step

    def __repr__(self) -> str:
        """Say in one line where it begins and ends."""
        of = "" if self.parent is None else f" of {self.parent!r} after step {self.step}"
        return f"<Branch {self.name!r}{of}: to step {self.last_step}>"


@all_called("session.branches")
class Branches:
    """All branches of a session in the order of their beginnings; iterable, and each is found by its name.

    Example:
        ```python
        session.branches                                    # where each begins and ends
        session.branches.rename("branch 1", "slower")
        session.branches.drop("branch 2")                   # its memory is free; a file stays on disk
        ```
    """

    def __init__(self, recording: Recording) -> None:
        """Begin with the branch that is `recording`."""
        self._branches: tuple[Branch, ...] = (Branch(MAIN, None, 0, recording),)
        self._current = self._branches[0]
        self._n_begun = 1
        self._used = {MAIN}
        self._still: Callable[[], AbstractContextManager[None]] = nullcontext
        self._on_change: Callable[[Branch, str | None], None] = lambda branch, name: None
        recording.belong_to(self)

    def rename(self, old: str, new: str) -> None:
        """Give a branch another name.

        A file that it is written to keeps its own, and what was noted of its beginning the words. A page that shows the
        branch shows the current one then.

        Args:
            old: Its name.
            new: One that no branch of the session has or had.

        Raises:
            InvalidArgumentError: If there is no such branch, or `new` is not such a name.
            SessionBusy: If the session is running.
        """
        with self._still():
            branch = self[old]
            self._check_new(new)
            self._used.add(new)
            current = self._current.name
            self._branches = tuple(_renamed(one, old, new) for one in self._branches)
            self._current = self[new if current == old else current]
            if branch.parent is not None:
                branch.recording.name = new
            self._on_change(branch, new)

    def _check_new(self, new: str) -> None:
        if not isinstance(new, str) or not new.strip() or new != new.strip() or len(new) > MAX_NAME:
            raise InvalidArgumentError(
                f"`new` must be a name of 1 to {MAX_NAME} characters, without spaces around it. Received: "
                f'new={new!r:.100}. Write new="slower", say.'
            )
        if new in self._used:
            raise InvalidArgumentError(
                f"`new` must be a name that no branch has or had, as the journal names them. Received: new={new!r}. "
                f"Taken are {', '.join(map(repr, sorted(self._used)))}."
            )

    def drop(self, name: str) -> None:
        """Let go of a branch: its recording, and the stored states that lead back to it. Its file stays on disk.

        Args:
            name: Not that of the current branch, nor of one that others branch from.

        Raises:
            InvalidArgumentError: If there is no such branch, or it is one of these.
            SessionBusy: If the session is running.
        """
        with self._still():
            branch = self[name]
            if branch is self._current:
                raise InvalidArgumentError(
                    f"`name` must not be the current branch. Received: {name!r}, on which the session stands. "
                    "session.rewind(step, branch) leads to another."
                )
            children = [one.name for one in self._branches if one.parent == name]
            if children:
                raise InvalidArgumentError(
                    f"`name` must not be a branch that others branch from. Received: {name!r}, which "
                    f"{', '.join(map(repr, children))} left. Drop these first."
                )
            self._branches = tuple(one for one in self._branches if one is not branch)
            branch.recording.close()
            self._on_change(branch, None)

    def serve(
        self, still: Callable[[], AbstractContextManager[None]], on_change: Callable[[Branch, str | None], None]
    ) -> None:
        """Be the branches of a session that trains.

        Args:
            still: Keeps the session from training within its block, or refuses.
            on_change: Called with a branch as it was and the name that it has now, `None` where it was dropped.
        """
        self._still, self._on_change = still, on_change

    def __iter__(self) -> Iterator[Branch]:
        return iter(self._branches)

    def __len__(self) -> int:
        """Count them."""
        return len(self._branches)

    def __getitem__(self, name: str) -> Branch:
        """Find a branch.

        Raises:
            InvalidArgumentError: If there is none of that name; the message names the nearest.
        """
        for branch in self._branches:
            if branch.name == name:
                return branch
        near = ", ".join(repr(known) for known in nearest(str(name), self.names))
        raise InvalidArgumentError(f"`branch` must be the name of a branch. Received: {name!r:.100}. Nearest: {near}.")

    def __repr__(self) -> str:
        """List them, the current one with a mark."""
        lines = [f"{'*' if branch is self._current else ' '} {branch!r}" for branch in self._branches]
        return "\n".join(lines)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(branch.name for branch in self._branches)

    @property
    def current(self) -> Branch:
        """The one in which the session stands."""
        return self._current

    def begin_after(self, step: int) -> None:
        """Let the first branch begin after a step of another session, before it has taken one."""
        self._branches = (replace(self._branches[0], step=step),)
        self._current = self._branches[0]

    def go_to(self, name: str) -> None:
        """Make another branch the current one."""
        self._current = self[name]

    def fork(self, step: int, forked: Callable[[str], Recording]) -> Branch:
        """Begin a branch after a step of the current one, and make it the current one.

        Args:
            step: The last step that both have.
            forked: Makes the recording of the branch, whose name it is given.
        """
        while (name := f"branch {self._n_begun}") in self._used:
            self._n_begun += 1
        recording = forked(name)
        recording.belong_to(self)
        self._used.add(name)
        parent = self.owner(step).name
        branch = Branch(name, parent, step, recording, f"{name} leaves {parent} after step {step}")
        self._branches = (*self._branches, branch)
        self._current = branch
        return branch

    def owner(self, step: int) -> Branch:
        """Return the branch that took a step of the current one: what was shared belongs to the one that was left."""
        branch = self._current
        while branch.parent is not None and step <= branch.step:
            branch = self[branch.parent]
        return branch

    def lineage(self, name: str) -> list[tuple[str, int]]:
        """Return a branch and those that it comes from, each with the last of its steps that belongs to it."""
        branch = self[name]
        found = [(branch.name, branch.last_step)]
        while branch.parent is not None:
            found.append((branch.parent, min(branch.step, found[-1][1])))
            branch = self[branch.parent]
        return found


def _renamed(branch: Branch, old: str, new: str) -> Branch:
    """Return a branch as it is once another, or it itself, has a new name."""
    if branch.name == old:
        return replace(branch, name=new)
    return replace(branch, parent=new) if branch.parent == old else branch
