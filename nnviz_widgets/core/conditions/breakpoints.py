"""All breakpoints of a session: a list that any thread may change while the training thread asks it at each step."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.core.attributes import NamedAttributes
from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.conditions.breakpoint import Breakpoint
from nnviz_widgets.core.conditions.condition import as_condition
from nnviz_widgets.errors import ConditionBroken, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from nnviz_widgets.core.conditions.condition import AnyCondition
    from nnviz_widgets.core.conditions.evaluate import Answer, Values
    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.core.report import StepReport

logger = logging.getLogger("nnviz_widgets")

MAX_FOR_STEPS = 1_000_000
"""Steps in a row that a breakpoint can wait for."""


class Outcome(NamedTuple):
    """What came of the breakpoints at one step.

    Attributes:
        hits: Those that were hit, in the order of the list.
        broken: Those whose condition could not be answered, and could at the step before.
    """

    hits: tuple[Breakpoint, ...] = ()
    broken: tuple[Breakpoint, ...] = ()

    @property
    def hit(self) -> Breakpoint | None:
        """The one to tell of: the first that was hit."""
        return self.hits[0] if self.hits else None


_NOTHING = Outcome()


@dataclass(frozen=True, slots=True)
class Needs:
    """What the enabled breakpoints need, for the training thread to read once a step.

    Attributes:
        guards: Those that stop training before an update.
        others: Those that are asked after the step.
        names: Names and metrics, `nan` among them.
        tensors: Statistic, layer as it is written, and kind.
    """

    guards: tuple[Breakpoint, ...] = ()
    others: tuple[Breakpoint, ...] = ()
    names: frozenset[str] = frozenset()
    tensors: frozenset[tuple[str, str, Kind]] = frozenset()

    @property
    def all(self) -> tuple[Breakpoint, ...]:
        """All of them."""
        return (*self.guards, *self.others)

    @classmethod
    def of(cls, breakpoints: tuple[Breakpoint, ...]) -> Needs:
        """Gather what is enabled."""
        enabled = [one for one in breakpoints if one.enabled]
        return cls(
            tuple(one for one in enabled if one.condition.is_guard),
            tuple(one for one in enabled if not one.condition.is_guard),
            frozenset[str]().union(*(one.condition.names for one in enabled)),
            frozenset[tuple[str, str, "Kind"]]().union(*(one.condition.tensors for one in enabled)),
        )


@all_called("session.breakpoints")
class Breakpoints(NamedAttributes):
    """Conditions at which training pauses, in the order in which they were added.

    Args:
        check: Raises `NotACondition` for a condition that names what there is not.
        on_change: Called after each change that a view shows, on the thread that made it.

    Attributes:
        pause_when_broken: Whether training pauses also when the condition of a breakpoint cannot be answered any more.
            If not, it goes on, and the breakpoint says why.

    Example:
        ```python
        session.breakpoints.add("loss > 3", for_steps=5)
        session.breakpoints.add("nan or l2(dense.gradients) > 100")
        session.breakpoints.add(lambda report: report.logs["accuracy"] > 0.9, once=True)
        ```
    """

    pause_when_broken: bool

    def __init__(
        self,
        check: Callable[[AnyCondition], None] = lambda condition: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.pause_when_broken = False
        self._check = check
        self._on_change = on_change
        self._lock = Lock()
        self._n_added = 0
        self._listed: tuple[Breakpoint, ...] = ()  # never changed, but replaced: readers need no lock
        self._needs = Needs()

    def add(
        self, condition: str | AnyCondition | Callable[[StepReport], Any], *, for_steps: int = 1, once: bool = False
    ) -> Breakpoint:
        """Pause training whenever a condition holds.

        A condition that names `nan` or a gradient is a guard: training pauses before the update of the step, with the
        weights of the step before. Any other one pauses it after the step.

        Args:
            condition: A text, as `Condition` describes it, such as `"loss > 3"`, or a function that takes the
                `StepReport` of each step and returns true or false.
            for_steps: At how many steps in a row it must hold.
            once: Whether the breakpoint is removed after its first hit.

        Raises:
            InvalidArgumentError: If an argument is none of the above; of a text that is no condition, the message says
                what is wrong, and at which column. So it is with the name of a metric that no step will have. Where
                only a step can tell the names (a `train_step` or a metric class of the user's, a model that is not
                built), it is told after the first one.
        """
        checked, n_steps = as_condition(condition), _checked_steps(for_steps)
        if not isinstance(once, bool):
            raise InvalidArgumentError(f"`once` must be True or False. Received: once={once!r}. Use one of them.")
        self._check(checked)
        with self._lock:
            self._n_added += 1
            added = Breakpoint(self._n_added, checked, n_steps, once=once)
            self._replace((*self._listed, added))
        self._on_change()
        return added

    def remove(self, breakpoint: Breakpoint | int) -> None:
        """Take a breakpoint, or the one with this number, out of the list.

        Raises:
            InvalidArgumentError: If it is not in the list.
        """
        with self._lock:
            found = self._found(breakpoint)
            self._replace(tuple(one for one in self._listed if one is not found))
        self._on_change()

    def clear(self) -> None:
        """Take all breakpoints out of the list."""
        with self._lock:
            self._replace(())
        self._on_change()

    def enable(self, breakpoint: Breakpoint | int) -> None:
        """Let a breakpoint, or the one with this number, pause training again.

        Raises:
            InvalidArgumentError: If it is not in the list.
        """
        self._switch(breakpoint, enabled=True)

    def disable(self, breakpoint: Breakpoint | int) -> None:
        """Keep a breakpoint, or the one with this number, in the list, but let training pass it.

        Raises:
            InvalidArgumentError: If it is not in the list.
        """
        self._switch(breakpoint, enabled=False)

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def __repr__(self) -> str:
        listed = self._listed
        if not listed:
            return '<Breakpoints: none; add one, for example session.breakpoints.add("loss > 3")>'
        width = max(len(one.shown()) for one in listed)
        rows = [f"  {one.number:>3}  {one.shown():{width}}  {one.told()}" for one in listed]
        return "\n".join([f"<Breakpoints: {len(listed)}>", *rows])

    # For the training thread.

    @property
    def needs(self) -> Needs:
        """What the enabled ones need; one object until the list changes."""
        return self._needs

    def ask(
        self,
        step: int,
        values: Values,
        which: Literal["all", "guards", "others"] = "all",
        without: Collection[Breakpoint] = (),
    ) -> Outcome:
        """Ask the enabled breakpoints at a step, and count.

        All that hold count, also beside others. What a condition raises breaks its breakpoint alone. One that is
        removed or disabled while it is asked is neither hit nor broken.

        Args:
            step: The step. One that was asked before, because it was refused or the run was rewound, is asked anew.
            values: The numbers of the step.
            which: `"guards"` before the update, and `"others"` once the step is taken.
            without: Breakpoints that are passed over, such as guards that have refused this very step.
        """
        needs = self._needs
        asked = needs.guards if which == "guards" else needs.others if which == "others" else needs.all
        answers: list[tuple[Breakpoint, Answer | str]] = []
        answer: Answer | str
        for one in asked:
            if without and one in without:
                continue
            try:
                answer = one.condition.answer(values)
            except Exception as error:
                answer = _why_not(one, error)
            if isinstance(answer, str) or not one.is_left_by(answer):
                answers.append((one, answer))
        if not answers:  # as at nearly every step: without the lock
            return _NOTHING
        with self._lock:
            outcome = self._count(step, answers)
        if outcome.hits or outcome.broken:
            self._on_change()
        return outcome

    def _count(self, step: int, answers: list[tuple[Breakpoint, Answer | str]]) -> Outcome:
        hits, broken = [], []
        for one, answer in answers:
            if one not in self._listed or not one.enabled:
                continue
            whole = one.broken is None
            if isinstance(answer, str):
                one.note_broken(step, answer)
            elif one.note(step, answer):
                hits.append(one)
            if whole and one.broken is not None:
                broken.append(one)
        if any(one.once for one in hits):
            self._replace(tuple(one for one in self._listed if not (one.once and one in hits)))
        return Outcome(tuple(sorted(hits, key=_number)), tuple(sorted(broken, key=_number)))

    def _switch(self, breakpoint: Breakpoint | int, *, enabled: bool) -> None:
        with self._lock:
            self._found(breakpoint).switch(enabled)
            self._replace(self._listed)
        self._on_change()

    def _found(self, breakpoint: Breakpoint | int) -> Breakpoint:
        for one in self._listed:
            if one is breakpoint or (not isinstance(breakpoint, bool) and one.number == breakpoint):
                return one
        numbers = ", ".join(str(one.number) for one in self._listed) or "none"
        raise InvalidArgumentError(
            f"`breakpoint` must be one in the list, or its number. Received: {breakpoint!r}; in the list: {numbers}. "
            "Use one of them."
        )

    def _replace(self, listed: tuple[Breakpoint, ...]) -> None:
        self._listed = listed
        self._needs = Needs.of(listed)


def _number(breakpoint: Breakpoint) -> int:
    return breakpoint.number


def _why_not(breakpoint: Breakpoint, error: Exception) -> str:
    """Say why a condition could not be answered: training must go on whatever that is."""
    if isinstance(error, ConditionBroken):
        return str(error)
    logger.error("the condition of breakpoint %d could not be answered", breakpoint.number, exc_info=error)
    return f"{type(error).__name__}: {error}"


def _checked_steps(for_steps: Any) -> int:
    number = whole_number(for_steps)
    if number is None or not 1 <= number <= MAX_FOR_STEPS:
        raise InvalidArgumentError(
            f"`for_steps` must be a whole number of steps from 1 to {MAX_FOR_STEPS:,}. Received: "
            f"for_steps={for_steps!r}. Use 1 to pause as soon as the condition holds."
        )
    return number
