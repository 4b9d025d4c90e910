"""How the debugger of a session stands, in the words of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.core.fit_session import FitSession
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import BranchEntry, BreakpointEntry, Debugging, JournalEntry

if TYPE_CHECKING:
    from nnviz_widgets.core.branches import Branch
    from nnviz_widgets.core.conditions.breakpoint import Breakpoint
    from nnviz_widgets.core.journal import Entry
    from nnviz_widgets.core.session import Session

MAX_TEXT = 200
"""Characters; a status is sent whole whenever something in it changes."""
MAX_ROWS = 40


def debugging_of(session: Session) -> Debugging:
    """Return how the debugger stands; of very long lists the newest rows."""
    paused_by, branches = session.paused_by, session.branches
    return Debugging(
        breakpoints=[_breakpoint(one) for one in list(session.breakpoints)[-MAX_ROWS:]],
        paused_by=None if paused_by is None else cut(paused_by.shown(), MAX_TEXT),
        refused=refused_step(session),
        branches=[_branch(one) for one in branches],
        branch=branches.current.name,
        rewinds=not isinstance(session, FitSession),
        journal=[_entry(one) for one in session.journal[-MAX_ROWS:]],
        n_to_undo=session.n_to_undo,
    )


def refused_step(session: Session) -> int | None:
    """Return the step that a guard has refused, which is recorded and still to be taken; `None` if there is none."""
    paused_by, step = session.paused_by, session.step_index + 1
    refused = paused_by is not None and paused_by.condition.is_guard
    return step if refused and session.branches.current.last_step == step else None


def _breakpoint(one: Breakpoint) -> BreakpointEntry:
    return BreakpointEntry(
        number=one.number,
        condition=cut(one.condition.text, MAX_TEXT),
        told=cut(one.told(), MAX_TEXT),
        enabled=one.enabled,
        hits=one.hits,
        broken=None if one.broken is None else cut(one.broken, MAX_TEXT),
        guard=one.condition.is_guard,
        for_steps=one.for_steps,
        once=one.once,
    )


def _branch(one: Branch) -> BranchEntry:
    return BranchEntry(one.name, one.parent, one.step, one.last_step)


def _entry(one: Entry) -> JournalEntry:
    return JournalEntry(one.step, one.branch, cut(one.text, MAX_TEXT), one.undone)
