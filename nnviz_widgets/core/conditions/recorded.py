"""Conditions asked of a recording: of one step, or of all at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.conditions.arithmetic import COMPARISONS, OPERATORS
from nnviz_widgets.core.conditions.condition import GRADIENT_NORM, Condition
from nnviz_widgets.core.conditions.known import check, known_of, tensor_key
from nnviz_widgets.core.conditions.tree import (
    Comparison,
    Junction,
    Name,
    Negation,
    Number,
    Signed,
    Statistic,
)
from nnviz_widgets.core.metric_log import present
from nnviz_widgets.core.readings import COLUMNS
from nnviz_widgets.errors import ConditionBroken, LayerNotFound, TensorUnavailable

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.conditions.tree import Logical, Numeric
    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.core.recording import Recording

_LOSS = "batch_loss"
_NAN, _INF = COLUMNS.index("nan"), COLUMNS.index("inf")


class RecordedSteps:
    """The numbers of all steps of a recording at one moment, as conditions name them.

    Each is a pair: values, and which steps have one, both of shape `(n_steps,)`. A number of a tensor is there where
    its vitals were read. `nan` holds where loss or gradients are not finite, also where a loss scale skipped the
    step, as a recording does not tell these apart; and where an activation is not, of the steps with vitals.

    Args:
        recording: Also one that is being written.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._readings = recording.readings()
        self._epochs = recording.epochs
        steps, columns = recording.metric_arrays()
        n = min(steps.size, self._epochs.size)  # a step may have been added between two reads
        self.steps = steps[:n]
        self._columns = {name: column[:n] for name, column in columns.items()}
        self._all = np.ones(n, np.bool_)

    def number(self, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Read `loss`, `step`, `epoch` or a metric.

        Raises:
            ConditionBroken: If no step has it.
        """
        if name in ("step", "epoch"):
            return (self.steps if name == "step" else self._epochs[: self.steps.size]).astype(np.float64), self._all
        column = self._columns.get(_LOSS if name == "loss" else name)
        if column is None:
            raise ConditionBroken(f"no step of the recording has {name!r}")
        return column, present(column)

    def statistic(
        self, statistic: str, layer: str, kind: Kind
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Read a number of a tensor, the one that `known.tensor_key` chooses.

        Raises:
            ConditionBroken: If there is no such tensor.
        """
        try:
            key = tensor_key(self._recording, layer, kind)
        except (LayerNotFound, TensorUnavailable) as error:
            raise ConditionBroken(str(error)) from None
        return self._placed(*self._readings.column(key, COLUMNS.index(statistic)))

    @cached_property
    def non_finite(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Whether `nan` holds."""
        bad = np.zeros(self.steps.size, np.bool_)
        for name in (_LOSS, GRADIENT_NORM):
            column = self._columns.get(name)
            if column is not None:
                bad |= present(column) & ~np.isfinite(column)
        for spec in self._recording.catalogue.specs:
            if spec.key.kind == "activations":
                steps, values = self._readings.rows(spec.key)
                count, read = self._placed(steps, values[:, _NAN] + values[:, _INF])
                bad |= read & (count > 0)
        return bad, self._all

    def _placed(
        self, steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Lay values of some steps out over all."""
        spread, there = np.full(self.steps.size, np.nan), np.zeros(self.steps.size, np.bool_)
        own = np.isin(steps, self.steps)
        rows = np.searchsorted(self.steps, steps[own])
        spread[rows], there[rows] = values[own], True
        return spread, there


class RecordedStep:
    """The numbers of one step of a recording, as `evaluate.Values`.

    Args:
        steps: All steps.
        step: One of them.
    """

    report = None

    def __init__(self, steps: RecordedSteps, step: int) -> None:
        self._steps = steps
        self._row = int(np.flatnonzero(steps.steps == step)[0])

    def number(self, name: str) -> float | None:
        """Read `loss`, `step`, `epoch` or a metric."""
        return self._at(self._steps.number(name))

    def statistic(self, statistic: str, layer: str, kind: Kind) -> float | None:
        """Read a number of a tensor."""
        return self._at(self._steps.statistic(statistic, layer, kind))

    @property
    def non_finite(self) -> bool | None:
        """Whether `nan` holds."""
        return bool(self._steps.non_finite[0][self._row])

    def _at(self, pair: tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]) -> float | None:
        values, there = pair
        return float(values[self._row]) if there[self._row] else None


def steps_where(condition: Condition | str, recording: Recording) -> npt.NDArray[np.int64]:
    """Find the steps of a recording at which a condition holds.

    Args:
        condition: A condition, or the text of one. Where it asks for a number of a tensor, steps need vitals.
        recording: Also one that is being written.

    Returns:
        Shape `(n,)`, ascending.

    Raises:
        NotACondition: If the text is not one, or names what the recording does not have.
        ConditionBroken: If it names what could have been recorded and was not, such as `lr`.

    Example:
        ```python
        steps_where("loss > 3 and l2(dense.gradients) > 100", recording)
        ```
    """
    condition = Condition(condition) if isinstance(condition, str) else condition
    check(condition, known_of(recording))
    steps = RecordedSteps(recording)
    if not steps.steps.size:
        return steps.steps
    with np.errstate(all="ignore"):
        holds, known = _logical(condition.tree, steps)
    found: npt.NDArray[np.int64] = steps.steps[np.broadcast_to(holds & known, steps.steps.shape)]
    return found


def _logical(node: Logical, steps: RecordedSteps) -> tuple[Any, Any]:
    """Return where it holds and where it is known to hold or not; what is not known is never said to hold."""
    if isinstance(node, Comparison):
        pairs = [_numeric(operand, steps) for operand in node.operands]
        return _all(
            [
                (COMPARISONS[operator](left, right), left_there & right_there)
                for operator, (left, left_there), (right, right_there) in zip(
                    node.operators, pairs[:-1], pairs[1:], strict=True
                )
            ]
        )
    if isinstance(node, Junction):
        parts = [_logical(operand, steps) for operand in node.operands]
        return _all(parts) if node.word == "and" else _not(_all([_not(part) for part in parts]))
    if isinstance(node, Negation):
        return _not(_logical(node.operand, steps))
    return steps.non_finite


def _not(part: tuple[Any, Any]) -> tuple[Any, Any]:
    holds, known = part
    return ~np.asarray(holds), known


def _all(parts: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Join with `and`: one that is known to be false decides, whatever the others are."""
    holds, known, refuted = np.array(True), np.array(True), np.array(False)
    for part_holds, part_known in parts:
        holds = holds & part_holds
        known = known & part_known
        refuted = refuted | (part_known & ~np.asarray(part_holds))
    return holds & ~refuted, known | refuted


def _numeric(node: Numeric, steps: RecordedSteps) -> tuple[Any, Any]:
    if isinstance(node, Number):
        return np.float64(node.value), np.True_
    if isinstance(node, Name):
        return steps.number(node.name)
    if isinstance(node, Statistic):
        return steps.statistic(node.statistic, node.layer, node.kind)
    if isinstance(node, Signed):
        value, there = _numeric(node.operand, steps)
        return -value if node.sign == "-" else value, there
    (left, left_there), (right, right_there) = _numeric(node.left, steps), _numeric(node.right, steps)
    return _OPERATORS[node.operator](left, right), left_there & right_there


_OPERATORS: dict[str, Any] = {
    **OPERATORS,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.remainder,
    "**": np.float_power,
}
"""As `arithmetic.OPERATORS`, for arrays; a power may differ in its last bit."""
