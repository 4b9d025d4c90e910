"""A condition as a value: a text in the language of conditions, or a function of the step's report."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.conditions.evaluate import Answer, asking
from nnviz_widgets.core.conditions.parse import parse
from nnviz_widgets.core.conditions.tree import Name, NonFinite, Statistic, walk
from nnviz_widgets.errors import ConditionBroken, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.conditions.evaluate import Values
    from nnviz_widgets.core.conditions.tree import Logical
    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.core.report import StepReport

GRADIENT_NORM = "gradient_l2"
"""The metric of this library that is of the step's gradients: the norm of all of them."""

_BEFORE_UPDATE = {"loss", "step", "epoch", "lr", "nan", "batch_loss", GRADIENT_NORM}
"""Names whose values are there before a step changes the weights. Other metrics Keras counts at its end."""


@dataclass(frozen=True)
class Condition:
    """A condition in a small language that is read, and never run, as Python.

    It has comparisons, also chained (`1 < loss <= 3`), `and or not`, `+ - * / // % **`, numbers and parentheses; the
    names `loss` (of the batch), `step`, `epoch` (from 0), `lr` and every metric, in quotes if it is no plain name;
    `nan`, which is true where a value is not finite; and `mean std min max l2 zeros update_ratio` of a tensor: the name
    of a layer, or its path in quotes, a dot and a kind, as in `l2(dense.gradients) > 100` or
    `max("block/conv 1#1".activations) > 6`.

    Of a layer's weights and gradients the kernel is meant, or else the first variable; of its activations, those of the
    first output. Arithmetic is in float64: `1 / 0` and `9**9**9` are infinite. A comparison with NaN is false, but for
    `!=`. Two conditions are equal if they say the same, whatever their spaces and parentheses.

    Args:
        text: At most 1000 characters.

    Attributes:
        text: As it was given, without space around it.
        tree: What it says.

    Raises:
        InvalidArgumentError: If it is no text.
        NotACondition: If it is not in the language; the message says what is wrong, and at which column.

    Example:
        ```python
        Condition("loss > 3 or l2(dense.gradients) > 100")
        ```
    """

    text: str = field(compare=False)
    tree: Logical = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", parse(self.text))
        object.__setattr__(self, "text", self.text.strip())

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    @cached_property
    def names(self) -> frozenset[str]:
        """The names and metrics that it needs, `nan` among them."""
        named = {node.name for node in walk(self.tree) if isinstance(node, Name)}
        return frozenset(named | ({"nan"} if any(isinstance(node, NonFinite) for node in walk(self.tree)) else set()))

    @cached_property
    def tensors(self) -> frozenset[tuple[str, str, Kind]]:
        """What it needs of tensors: statistic, layer (a path or a name, as written) and kind of each."""
        found = (node for node in walk(self.tree) if isinstance(node, Statistic))
        return frozenset((node.statistic, node.layer, node.kind) for node in found)

    @cached_property
    def is_guard(self) -> bool:
        """Whether the training stops before the update of a step at which it holds: it names `nan` or a gradient."""
        return bool(self.names & {"nan", GRADIENT_NORM}) or any("gradients" in kind for _, _, kind in self.tensors)

    @cached_property
    def needs_vitals(self) -> bool:
        """Whether the vitals of a step must be read for it."""
        return bool(self.tensors)

    @cached_property
    def needs_update(self) -> bool:
        """Whether it is answered only after the step: it names weights, or a metric that Keras counts at the end."""
        return not self.names <= _BEFORE_UPDATE or any(kind == "weights" for _, _, kind in self.tensors)

    @cached_property
    def answer(self) -> Callable[[Values], Answer]:
        """Asks it of one step: a function of its values; what it met on the way is in the answer.

        Raises:
            ConditionBroken: When it is called, if it names what there is not, or a value is no number.
        """
        return asking(self.tree)

    def holds(self, values: Values) -> bool | None:
        """Say whether it holds at a step, `None` if that depends on a value that the step does not have.

        Raises:
            ConditionBroken: If it names what there is not, or a value is no number.
        """
        return self.answer(values).holds


@dataclass(frozen=True)
class CallableCondition:
    """A function of the step's report that says whether a condition holds. It is asked after the step.

    Args:
        function: Takes a `StepReport`, and returns true or false.
    """

    function: Callable[[StepReport], Any]

    names: frozenset[str] = field(default=frozenset(), init=False, repr=False)
    tensors: frozenset[tuple[str, str, Kind]] = field(default=frozenset(), init=False, repr=False)
    is_guard: bool = field(default=False, init=False, repr=False)
    needs_vitals: bool = field(default=False, init=False, repr=False)
    needs_update: bool = field(default=True, init=False, repr=False)

    @property
    def text(self) -> str:
        """The function's name, as a call."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{name}(report)"

    def __str__(self) -> str:
        return self.text

    def answer(self, values: Values) -> Answer:
        """Call the function; as in `Condition`.

        Raises:
            ConditionBroken: If it raises, or returns neither true nor false.
        """
        report = values.report
        if report is None:
            return Answer(None, missing="report")
        try:
            result = self.function(report)
            holds = None if result is None else bool(result)
        except Exception as error:
            raise ConditionBroken(f"{self.text} raised {type(error).__name__}: {error}") from error
        if holds is None:
            raise ConditionBroken(f"{self.text} must return True or False, and returned None")
        return Answer(holds)

    def holds(self, values: Values) -> bool | None:
        """Call the function; as in `Condition`."""
        return self.answer(values).holds


AnyCondition = Condition | CallableCondition


def as_condition(condition: Any) -> AnyCondition:
    """Return a condition of a text or a function; one that is a condition already is returned as it is.

    Raises:
        InvalidArgumentError: If it is neither.
        NotACondition: If it is a text, but not a condition.
    """
    if isinstance(condition, Condition | CallableCondition):
        return condition
    if isinstance(condition, str):
        return Condition(condition)
    if callable(condition) and not isinstance(condition, type):
        return CallableCondition(condition)
    raise InvalidArgumentError(
        f"`condition` must be a text, or a function of the step's report. Received: condition={condition!r} of type "
        f'{type(condition).__name__}. Write, for example, "loss > 3".'
    )
