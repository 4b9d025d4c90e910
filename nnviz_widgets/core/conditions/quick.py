"""The question that is asked at every step: whether a condition holds, and nothing else.

`evaluate` gives an answer that also says what was met on the way: a value that the step does not have, a NaN. Hardly
any step has such a thing to tell. So the same parts are asked here in the same order, but of what the step returned,
without a note; where there would be one, `Unclear` is raised, and `evaluate` is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from nnviz_widgets.core.conditions.arithmetic import COMPARISONS, OPERATORS
from nnviz_widgets.core.conditions.condition import Condition
from nnviz_widgets.core.conditions.tree import Comparison, Junction, Name, Negation, Number, Signed, Statistic

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.conditions.condition import AnyCondition
    from nnviz_widgets.core.conditions.tree import Logical, Numeric
    from nnviz_widgets.core.frame import Kind

    _Asked = Callable[[Any], bool]
    _Number = Callable[[Any], float]


class Unclear(Exception):
    """There is more to say of a condition at a step than whether it holds."""


class Source(Protocol):
    """Where numbers are in what a step returns. A function of it raises `Unclear` where it has no such float."""

    def number(self, name: str) -> _Number:
        """Return the function that reads `loss`, `step`, `epoch`, `lr` or a metric."""
        ...

    def statistic(self, statistic: str, layer: str, kind: Kind) -> _Number:
        """Return the function that reads a number of a tensor."""
        ...

    @property
    def non_finite(self) -> _Asked:
        """The function that says whether `nan` holds."""
        ...


def holding(condition: AnyCondition, source: Source) -> _Asked:
    """Return a function of what a step returned that says whether a condition holds at it.

    It raises `Unclear` unless the answer of `evaluate` is `NO` or `YES`; of a condition that is a function of the
    user's, at every step.
    """
    return _logical(condition.tree, source) if isinstance(condition, Condition) else unclear


def unclear(output: Any) -> Any:
    """Raise `Unclear`."""
    raise Unclear


def _logical(node: Logical, source: Source) -> _Asked:
    if isinstance(node, Comparison):
        return _compared(node, source) if len(node.operands) == 2 else _chained(node, source)
    if isinstance(node, Junction):
        return _joined(node, source)
    if isinstance(node, Negation):
        operand = _logical(node.operand, source)
        return lambda output: not operand(output)
    return source.non_finite


def _joined(node: Junction, source: Source) -> _Asked:
    decides = node.word == "or"
    operands = tuple(_logical(operand, source) for operand in node.operands)

    def holds(output: Any) -> bool:
        for operand in operands:
            if operand(output) is decides:
                return decides
        return not decides

    return holds


def _compared(node: Comparison, source: Source) -> _Asked:
    """Compare two numbers, the second of which is nearly always written down."""
    if not isinstance(node.operands[1], Number):
        return _chained(node, source)
    compare, left, limit = COMPARISONS[node.operators[0]], _numeric(node.operands[0], source), node.operands[1].value

    def holds(output: Any) -> bool:
        number = left(output)
        if number != number:
            raise Unclear
        return compare(number, limit)

    return holds


def _chained(node: Comparison, source: Source) -> _Asked:
    parts = tuple(_numeric(operand, source) for operand in node.operands)
    comparisons = tuple(COMPARISONS[operator] for operator in node.operators)

    def holds(output: Any) -> bool:
        numbers = [part(output) for part in parts]
        if any(number != number for number in numbers):
            raise Unclear
        pairs = zip(comparisons, numbers[:-1], numbers[1:], strict=True)
        return all(compare(left, right) for compare, left, right in pairs)

    return holds


def _numeric(node: Numeric, source: Source) -> _Number:
    if isinstance(node, Number):
        value = node.value
        return lambda output: value
    if isinstance(node, Name):
        return source.number(node.name)
    if isinstance(node, Statistic):
        return source.statistic(node.statistic, node.layer, node.kind)
    if isinstance(node, Signed):
        operand = _numeric(node.operand, source)
        return (lambda output: -operand(output)) if node.sign == "-" else operand
    operator = OPERATORS[node.operator]
    left, right = _numeric(node.left, source), _numeric(node.right, source)
    return lambda output: operator(left(output), right(output))
