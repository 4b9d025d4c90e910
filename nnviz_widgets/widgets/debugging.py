"""What a page asks of the debugger of a session, carried out or answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.core.conditions.completion import complete
from nnviz_widgets.core.conditions.known import known_of
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import Candidate, Completion, Plan

if TYPE_CHECKING:
    from nnviz_widgets.core.session import Session
    from nnviz_widgets.protocol import ChangeBreakpoint, Complete, PlanRewind

MAX_REMARKS = 20
MAX_TEXT = 600
"""Characters of a remark, and of a candidate."""


def change_breakpoint(session: Session, message: ChangeBreakpoint) -> None:
    """Switch or remove a breakpoint.

    Raises:
        InvalidArgumentError: If it is not in the list.
    """
    listed = session.breakpoints
    match message.to:
        case "enabled":
            listed.enable(message.number)
        case "disabled":
            listed.disable(message.number)
        case "removed":
            listed.remove(message.number)


def completion_of(session: Session, message: Complete) -> Completion:
    """Return what may stand where the cursor is."""
    found = complete(message.condition, message.cursor, known_of(session.recording))
    fitting = [Candidate(one.text, one.sort) for one in found.candidates if len(one.text) <= MAX_TEXT]
    return Completion(found.start, found.end, fitting)


def plan_of(session: Session, message: PlanRewind) -> Plan:
    """Return what going back would be.

    Raises:
        NnvizError: As `session.rewind_plan`.
    """
    plan = session.rewind_plan(message.step, message.branch)
    remarks = [cut(remark, MAX_TEXT) for remark in plan.remarks[:MAX_REMARKS]]
    return Plan(plan.step, plan.branch, plan.n_again, plan.grade == "exact", remarks)
