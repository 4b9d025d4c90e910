"""A session whose training went back: its branches as sources, one alone or two beside each other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.pictures.comparison import Comparison
from nnviz_widgets.pictures.debugging import refused_step
from nnviz_widgets.pictures.source import RecordingSource, SessionSource

if TYPE_CHECKING:
    from nnviz_widgets.core.branches import Branch, Branches
    from nnviz_widgets.core.session import Session
    from nnviz_widgets.pictures.source import Source
    from nnviz_widgets.protocol import ReadValues, Watch


class BranchViews:
    """What pages that look at branches of one source get; two that are compared are put beside each other once."""

    def __init__(self, source: Source) -> None:
        """Begin with nothing but the source itself."""
        self._source = source
        self._known: dict[tuple[str, str | None], Source] = {}

    def of(self, asked: Watch | ReadValues) -> Source:
        """Return what a page asks about. Of a branch that there is not it gets the source itself."""
        session = self._source.session
        if session is None:
            return self._source
        branches = session.branches
        self._forget(branches)
        if asked.branch is None and asked.beside is None:
            return self._source
        name = asked.branch or branches.current.name
        if name not in branches.names or (asked.beside is not None and asked.beside not in branches.names):
            return self._source
        try:
            return self._found(session, branches, name, asked.beside)
        except InvalidArgumentError:  # somebody has renamed or dropped it just now
            return self._source

    def _found(self, session: Session, branches: Branches, name: str, beside: str | None) -> Source:
        if beside is None:
            return self._one(branches, name)
        known = self._known.get((name, beside))
        if known is None:
            pair = (branches[name], branches[beside])
            first, second = (_Side(self._source, branch) for branch in pair)
            shared = shared_step(branches, name, beside)
            names, follows = (name, beside), partial(_followed, session, pair)
            known = self._known[names] = Comparison(first, second, "step", names, shared, follows)
        return known

    def _one(self, branches: Branches, name: str) -> Source:
        if name == branches.current.name:
            return self._source
        return self._known.setdefault((name, None), _Side(self._source, branches[name]))

    def _forget(self, branches: Branches) -> None:
        """Let go of branches that are there no more, or by another name."""
        if not self._known:
            return
        names = {*branches.names, None}
        self._known = {pair: source for pair, source in self._known.items() if names.issuperset(pair)}


def shared_step(branches: Branches, one: str, other: str) -> int:
    """Return the last step that two branches have in common."""
    ends = dict(branches.lineage(other))
    return max((min(last, ends[name]) for name, last in branches.lineage(one) if name in ends), default=0)


class _Side(RecordingSource):
    """One branch of a session, current or not."""

    def __init__(self, source: Source, branch: Branch) -> None:
        super().__init__(branch.recording)
        self._whole = source

    @property
    def running(self) -> bool:
        """Whether steps of this branch are being taken."""
        return self._whole.running and self._whole.recording is self.recording


def stands_at(source: Source) -> int | None:
    """Return the step at which a session stands that went back within its branch; `None` if it is at its end.

    A step that a guard has refused is no way back: what was read of it is what a person wants to see.
    """
    return _went_back(source.session) if isinstance(source, SessionSource) else None


def _went_back(session: Session) -> int | None:
    step, last = session.step_index, session.branches.current.last_step
    return step if session.state != "idle" and step < last and refused_step(session) is None else None


def _followed(session: Session, pair: tuple[Branch, Branch]) -> int:
    """Return the step of who follows two branches: where the session stands, or if in neither, where the first ends."""
    current = session.branches.current
    if all(one.recording is not current.recording for one in pair):
        return pair[0].last_step
    stands = _went_back(session)
    return current.last_step if stands is None else stands
