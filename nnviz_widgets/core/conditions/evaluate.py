"""The answer to a condition at one step.

A condition is asked at every step of a training, so its tree is gone through once: each part becomes a function of the
numbers of a step, made of the functions of its own parts. Nothing of a text is ever run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nnviz_widgets.core.conditions.arithmetic import COMPARISONS, OPERATORS
from nnviz_widgets.core.conditions.tree import (
    Comparison,
    Junction,
    Name,
    Negation,
    Number,
    Signed,
    Statistic,
    written,
)
from nnviz_widgets.errors import ConditionBroken

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.conditions.tree import Logical, Node, Numeric
    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.core.report import StepReport


class Values(Protocol):
    """What a condition asks of one step. A value that the step does not have, though others may, is `None`.

    Each may raise `ConditionBroken` for what no step has.
    """

    def number(self, name: str) -> float | None:
        """Return `loss`, `step`, `epoch`, `lr` or a metric."""
        ...

    def statistic(self, statistic: str, layer: str, kind: Kind) -> float | None:
        """Return a number of a tensor, of the variable that `known.tensor_key` chooses."""
        ...

    @property
    def non_finite(self) -> bool | None:
        """Whether `nan` holds."""
        ...

    @property
    def report(self) -> StepReport | None:
        """What a condition that is a function is called with."""
        ...


class Answer(NamedTuple):
    """What came of a condition at one step.

    Attributes:
        holds: Whether it holds, `None` if that depends on a value that the step does not have.
        missing: That value as it stands in a condition, or `None`.
        nan: A number of the condition that was NaN when it was compared, or `None`.
    """

    holds: bool | None
    missing: str | None = None
    nan: str | None = None


NO, YES = Answer(False), Answer(True)
"""The answers of nearly all steps."""


class _Met:
    """What was met on the way to an answer."""

    __slots__ = ("missing", "nan")

    def __init__(self) -> None:
        self.missing: Node | None = None
        self.nan: Node | None = None


if TYPE_CHECKING:
    _Asked = Callable[[Values, _Met], bool | None]
    _Number = Callable[[Values, _Met], float | None]


def answer(tree: Logical, values: Values) -> Answer:
    """Ask a condition of one step; as `asking`."""
    return asking(tree)(values)


def asking(tree: Logical) -> Callable[[Values], Answer]:
    """Return the function that asks a condition of one step.

    `and` and `or` are answered as soon as one side decides, though the other has no value: `val_loss > 3 or nan` holds
    when `nan` does. A comparison with NaN is false, but for `!=`. The function raises `ConditionBroken` if the values
    raise it, or one of them is no number.
    """
    holds_at = _logical(tree)

    def ask(values: Values) -> Answer:
        met = _Met()
        holds = holds_at(values, met)
        if met.missing is None and met.nan is None:
            return YES if holds else NO
        missing, nan = (None if node is None else written(node) for node in (met.missing, met.nan))
        return Answer(holds, missing, nan)

    return ask


def _logical(node: Logical) -> _Asked:
    if isinstance(node, Comparison):
        return _compared(node) if len(node.operands) == 2 else _chained(node)
    if isinstance(node, Junction):
        return _joined(node)
    if isinstance(node, Negation):
        return _negated(_logical(node.operand))
    return _non_finite(node)


def _non_finite(node: Node) -> _Asked:
    def ask(values: Values, met: _Met) -> bool | None:
        found = values.non_finite
        if found is None:
            met.missing = node
        return found

    return ask


def _negated(operand: _Asked) -> _Asked:
    def ask(values: Values, met: _Met) -> bool | None:
        holds = operand(values, met)
        return None if holds is None else not holds

    return ask


def _joined(node: Junction) -> _Asked:
    decides = node.word == "or"
    operands = tuple(map(_logical, node.operands))

    def ask(values: Values, met: _Met) -> bool | None:
        open_ = False
        for operand in operands:
            holds = operand(values, met)
            if holds is decides:
                return decides
            if holds is None:
                open_ = True
        return None if open_ else not decides

    return ask


def _compared(node: Comparison) -> _Asked:
    """Compare two numbers."""
    compare = COMPARISONS[node.operators[0]]
    of_left, of_right = node.operands
    left, right = _numeric(of_left), _numeric(of_right)

    def ask(values: Values, met: _Met) -> bool | None:
        one, other = left(values, met), right(values, met)
        if met.nan is None and (one != one or other != other):
            met.nan = of_left if one != one else of_right
        return None if one is None or other is None else compare(one, other)

    return ask


def _chained(node: Comparison) -> _Asked:
    """Compare more than two numbers, neighbour with neighbour."""
    parts = tuple(map(_numeric, node.operands))
    comparisons = tuple(COMPARISONS[operator] for operator in node.operators)

    def ask(values: Values, met: _Met) -> bool | None:
        numbers = [part(values, met) for part in parts]
        if met.nan is None:
            met.nan = next(
                (part for part, number in zip(node.operands, numbers, strict=True) if number != number), None
            )
        holds: bool | None = True
        for compare, left, right in zip(comparisons, numbers[:-1], numbers[1:], strict=True):
            if left is None or right is None:
                holds = None
            elif not compare(left, right):
                return False
        return holds

    return ask


def _numeric(node: Numeric) -> _Number:
    if isinstance(node, Number):
        value = node.value
        return lambda values, met: value
    if isinstance(node, Name):
        return _named(node)
    if isinstance(node, Statistic):
        return _of_tensor(node)
    if isinstance(node, Signed):
        operand = _numeric(node.operand)
        return _minus(operand) if node.sign == "-" else operand
    return _calculated(OPERATORS[node.operator], _numeric(node.left), _numeric(node.right))


def _named(node: Name) -> _Number:
    name = node.name

    def ask(values: Values, met: _Met) -> float | None:
        value: Any = values.number(name)
        return value if type(value) is float else _checked(node, value, met)

    return ask


def _of_tensor(node: Statistic) -> _Number:
    statistic, layer, kind = node.statistic, node.layer, node.kind

    def ask(values: Values, met: _Met) -> float | None:
        value: Any = values.statistic(statistic, layer, kind)
        return value if type(value) is float else _checked(node, value, met)

    return ask


def _minus(operand: _Number) -> _Number:
    def ask(values: Values, met: _Met) -> float | None:
        number = operand(values, met)
        return None if number is None else -number

    return ask


def _calculated(operator: Callable[[float, float], float], left: _Number, right: _Number) -> _Number:
    def ask(values: Values, met: _Met) -> float | None:
        one, other = left(values, met), right(values, met)
        return None if one is None or other is None else operator(one, other)

    return ask


def _checked(node: Name | Statistic, value: Any, met: _Met) -> float | None:
    """Return as a float what is none yet; `None` is a value that the step does not have."""
    if value is None:
        met.missing = node
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ConditionBroken(f"{written(node)} is no number but a {type(value).__name__}") from None
