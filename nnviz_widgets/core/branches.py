"""The futures that a training had: after going back, other steps make another branch, and nothing is overwritten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnviz_widgets.core.names import nearest
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnviz_widgets.core.recording import Recording

MAIN = "main"


@dataclass(frozen=True, slots=True)
class Branch:
    """One future of a training.

    Attributes:
        name: `"main"`, `"branch 1"`, `"branch 2"`, in the order of their beginnings.
        parent: The branch that it left, `None` for the first.
        step: The last step that it shares with its parent; of the first 0, or the step after which it was resumed.
        recording: Its steps, after those that it shares.
    """

    name: str
    parent: str | None
    step: int
    recording: Recording

    @property
    def last_step(self) -> int:
        """The newest step of its recording."""
        steps = self.recording.steps
        return int(steps[-1]) if steps.size else self.step

    def __repr__(self) -> str:
        """Say in one line where it begins and ends."""
        of = "" if self.parent is None else f" of {self.parent!r} after step {self.step}"
        return f"<Branch {self.name!r}{of}: to step {self.last_step}>"


class Branches:
    """All branches of a session in the order of their beginnings; iterable, and each is found by its name."""

    def __init__(self, recording: Recording) -> None:
        """Begin with the branch that is `recording`."""
        self._branches: tuple[Branch, ...] = (Branch(MAIN, None, 0, recording),)
        self._current = self._branches[0]
        recording.belong_to(self)

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
        name = f"branch {len(self._branches)}"
        recording = forked(name)
        recording.belong_to(self)
        branch = Branch(name, self.owner(step).name, step, recording)
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
