"""The answer to a condition at one step."""

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


def answer(tree: Logical, values: Values) -> Answer:
    """Ask a condition of one step.

    `and` and `or` are answered as soon as one side decides, though the other has no value: `val_loss > 3 or nan` holds
    when `nan` does. A comparison with NaN is false, but for `!=`.

    Raises:
        ConditionBroken: If the values raise it, or one of them is no number.
    """
    asked = _Asked(values)
    holds = asked.logical(tree)
    return Answer(holds, None if asked.missing is None else written(asked.missing), asked.nan_text())


class _Asked:
    """One walk over a tree, and what it met."""

    __slots__ = ("_nan", "_values", "missing")

    def __init__(self, values: Values) -> None:
        self._values = values
        self._nan: Node | None = None
        self.missing: Node | None = None

    def nan_text(self) -> str | None:
        return None if self._nan is None else written(self._nan)

    def logical(self, node: Logical) -> bool | None:
        if isinstance(node, Comparison):
            return self._comparison(node)
        if isinstance(node, Junction):
            return self._junction(node)
        if isinstance(node, Negation):
            holds = self.logical(node.operand)
            return None if holds is None else not holds
        non_finite = self._values.non_finite
        if non_finite is None:
            self.missing = node
        return non_finite

    def _junction(self, node: Junction) -> bool | None:
        decides = node.word == "or"
        open_ = False
        for operand in node.operands:
            holds = self.logical(operand)
            if holds is decides:
                return decides
            open_ = open_ or holds is None
        return None if open_ else not decides

    def _comparison(self, node: Comparison) -> bool | None:
        numbers = [self.numeric(operand) for operand in node.operands]
        holds: bool | None = True
        for index, operator in enumerate(node.operators):
            left, right = numbers[index], numbers[index + 1]
            if left is None or right is None:
                holds = None
            elif not COMPARISONS[operator](left, right):
                holds = False
                break
        if self._nan is None:
            for operand, number in zip(node.operands, numbers, strict=True):
                if number is not None and number != number:
                    self._nan = operand
                    break
        return holds

    def numeric(self, node: Numeric) -> float | None:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Name):
            return self._checked(node, self._values.number(node.name))
        if isinstance(node, Statistic):
            return self._checked(node, self._values.statistic(node.statistic, node.layer, node.kind))
        if isinstance(node, Signed):
            operand = self.numeric(node.operand)
            return operand if operand is None or node.sign == "+" else -operand
        left, right = self.numeric(node.left), self.numeric(node.right)
        return None if left is None or right is None else OPERATORS[node.operator](left, right)

    def _checked(self, node: Name | Statistic, value: Any) -> float | None:
        if type(value) is float:
            return value
        if value is None:
            self.missing = node
            return None
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            raise ConditionBroken(f"{written(node)} is no number but a {type(value).__name__}") from None
