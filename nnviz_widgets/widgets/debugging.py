"""What a page asks of the debugger of a session, carried out or answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.conditions.completion import complete
from nnviz_widgets.core.conditions.known import known_of
from nnviz_widgets.errors import InvalidArgumentError, SessionBusy
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import Candidate, Completion, Plan, Settings

if TYPE_CHECKING:
    from nnviz_widgets.core.session import Session
    from nnviz_widgets.protocol import ChangeBreakpoint, Complete, Edit, PlanRewind, ReadSettings

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


def edit(session: Session, message: Edit) -> None:
    """Ask for an edit.

    Raises:
        NnvizError: As `session.ask_edit`.
    """
    value, layer = message.value, message.layer
    match message.name:
        case "learning_rate":
            arguments: dict[str, Any] = {"value": value}
        case "batch_size":
            arguments = {"n": _whole(value)}
        case "trainable":
            arguments = {"layer": layer, "flag": value}
        case "dropout":
            arguments = {"layer": layer, "rate": value}
        case "weights":
            arguments = {"layer": layer, "value": value, "neuron": message.neuron}
        case "reinitialize":
            arguments = {"layer": layer, "neuron": message.neuron}
    if "layer" in arguments and layer is None:
        raise InvalidArgumentError(f"`layer` must be named to edit its {message.name}. Received: none.")
    session.ask_edit(message.name, **arguments)


def _whole(value: float | bool | None) -> float | bool | None:
    """Return a number of the page, which knows no others, as an int if it is one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def settings_of(session: Session, message: ReadSettings) -> Settings:
    """Return what may be edited.

    Raises:
        SessionBusy: If the session is running: its numbers move.
    """
    if session.state == "running":
        raise SessionBusy("The settings of a session must be read while it rests. Received: one that is running.")
    found = session.settings(message.layer)
    return Settings(found.learning_rate, found.batch_size, found.trainable, found.dropout)
