"""What a page asks of the debugger of a session, carried out or answered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.conditions.completion import complete
from nnviz_widgets.core.conditions.known import known_of
from nnviz_widgets.errors import InvalidArgumentError, SessionBusy
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import Candidate, Completion, Plan, Settings, Tried, VariableRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnviz_widgets.core.session import Session
    from nnviz_widgets.protocol import ChangeBreakpoint, Complete, Edit, PlanRewind, ReadSettings, TryWeight

MAX_REMARKS = 20
MAX_VARIABLES = 2000
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
            if message.index is not None:
                arguments |= {"variable": message.variable, "index": tuple(message.index)}
        case "reinitialize":
            arguments = {"layer": layer, "neuron": message.neuron}
        case "hyperparameter":
            arguments = {"name": message.hyperparameter, "value": value}
        case "class_weight":
            arguments = {"mapping": _by_class(message.class_weight)}
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
    weights = None if found.class_weight is None else {str(key): value for key, value in found.class_weight.items()}
    return Settings(
        found.learning_rate,
        found.batch_size,
        found.trainable,
        found.dropout,
        dict(found.hyperparameters),
        weights,
        {name: list(shape) for name, shape in found.weights.items()},
    )


def try_weight(session: Session, message: TryWeight) -> Tried:
    """Return what the loss would be with another weight.

    Raises:
        NnvizError: As `session.what_if`.
    """
    found = session.what_if(message.layer, message.value, message.variable, index=tuple(message.index))
    value = message.value if found.value is None else found.value  # the same one was tried
    return Tried(_finite(found.before), _finite(found.after), _finite(value))


def variable_rows(session: Session) -> list[VariableRow]:
    """Return a row for each variable, the first `MAX_VARIABLES` of very many.

    Raises:
        NnvizError: As `session.variables`.
    """
    rows: list[Any] = session.variables().head(MAX_VARIABLES).to_dict("records")
    return [
        VariableRow(
            path=cut(row["path"], MAX_TEXT),
            variable=cut(row["variable"], MAX_TEXT),
            shape=" × ".join(map(str, row["shape"])) or "scalar",
            dtype=row["dtype"],
            trainable=bool(row["trainable"]),
            mean=_number(row["mean"]),
            std=_number(row["std"]),
            norm=_number(row["norm"]),
            n_nonfinite=int(row["n_nonfinite"]),
            slots=cut(row["slots"], MAX_TEXT),
        )
        for row in rows
    ]


def _number(value: float) -> str:
    """Return a number as it is shown, with the sign that stands as high as digits do."""
    return f"{value:.4g}".replace("-", "−")


def _finite(value: float) -> float | None:
    """Return a number as JSON knows it."""
    return value if math.isfinite(value) else None


def _by_class(weights: Mapping[str, float] | None) -> dict[int, float] | None:
    """Return weights by the numbers of their classes.

    Raises:
        InvalidArgumentError: If one is no number.
    """
    if weights is None:
        return None
    try:
        return {int(name): value for name, value in weights.items()}
    except ValueError as error:
        raise InvalidArgumentError(
            f"`class_weight` must map numbers of classes to weights. Received: {dict(weights)!r:.200}."
        ) from error
