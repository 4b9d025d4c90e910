"""Where a training stops by itself: at breakpoints, and at the condition of `run(until=...)`.

A guard is asked once its step was computed, before any callback hears of it. If it holds, and the steps can be taken
again, the worker goes back: the step is refused. It stays recorded, and is the next that is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.conditions.breakpoints import Breakpoints, Needs, Outcome
from nnviz_widgets.core.conditions.condition import GRADIENT_NORM
from nnviz_widgets.core.conditions.known import Known, check
from nnviz_widgets.core.conditions.quick import holding
from nnviz_widgets.core.schedule import Variant
from nnviz_widgets.core.step_values import BATCH_LOSS, StepValues, TensorRows
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Literal

    from nnviz_widgets.core.branches import Branches
    from nnviz_widgets.core.conditions.breakpoint import Breakpoint
    from nnviz_widgets.core.conditions.condition import AnyCondition
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.recorder import Recorder
    from nnviz_widgets.core.report import StepReport

    Quick = tuple[tuple[Breakpoint, Callable[[Any], bool]], ...]
    """Breakpoints, each with what asks it quickly."""

_NO_NEEDS = Needs()
_GUARDS, _OTHERS = 0, 1


@dataclass(frozen=True, slots=True)
class Refused:
    """A step that a guard has refused, and that is still to be taken.

    Attributes:
        step: Its number.
        output: What it returned, without tensors but with its batch.
        hits: The guards.
        digest: Tells what it made of all variables; `None` once it is certain to make something else.
    """

    step: int
    output: Any
    hits: tuple[Breakpoint, ...]
    digest: bytes | None


class Stops:
    """Asks the conditions of one session, on its training thread.

    Args:
        training: What is run.
        probe: What it reads.
        branches: Where it is recorded.
        why_not_before: Says of a step why a session cannot go back to before it, `None` if it can.
        on_change: Called when a breakpoint has changed.

    Attributes:
        breakpoints: Those of the session.
        paused_by: The one at which training pauses.
        refused: A step that is still to be taken.
        retaken: Whether the last step is a refused one and came out bit by bit as before; `None` if it is no such step.
    """

    def __init__(
        self,
        training: Any,
        probe: Probe,
        branches: Branches,
        why_not_before: Callable[[int], str | None],
        on_change: Callable[[], None],
    ) -> None:
        self._training = training
        self._probe = probe
        self._branches = branches
        self._why_not_before = why_not_before
        self.breakpoints = Breakpoints(self.check, on_change)
        self.paused_by: Breakpoint | None = None
        self.refused: Refused | None = None
        self.retaken: bool | None = None
        self._until: Breakpoints | None = None
        self._needs: tuple[Needs, Needs] = (_NO_NEEDS, _NO_NEEDS)
        self._least = Variant.PLAIN
        self._asks = False
        self._quick: tuple[Quick, Quick] | None = None
        self._names: frozenset[str] = frozenset()
        self._rate: float | None = None
        self._rows: TensorRows | None = None
        self._last: StepValues | None = None
        self._guards_asked = False
        self._late: tuple[Breakpoint, ...] = ()
        self._passed: tuple[Breakpoint, ...] = ()
        self._broken: tuple[Breakpoint, ...] = ()
        self._left_to_tell: list[tuple[str, str]] = []
        self._told: set[Any] = set()

    # --- on any thread ---

    def check(self, condition: AnyCondition) -> None:
        """Refuse a condition that can never be answered here.

        Raises:
            NotACondition: If it names what there is not.
            InvalidArgumentError: If it is about a tensor, and the session takes the plain step.
        """
        if condition.needs_vitals and self._probe.layers == ():
            raise InvalidArgumentError(
                "A condition on a tensor must be asked of a session that reads tensors. Received: condition="
                f"{condition.text!r:.200}, and a session with Probe(layers=()). Make it with the layers to read, or "
                "name `nan` or `loss`."
            )
        check(condition, self._known())

    def _known(self) -> Known:
        recording = self._branches.current.recording
        coming = self._training.metric_names()  # other ones than are recorded if the model was compiled anew
        recorded = (*recording.metric_arrays()[1], *(coming or ()))
        if not recorded:
            return Known(recording)
        own = (BATCH_LOSS, GRADIENT_NORM)
        validated = [f"val_{name}" for name in recorded if name not in own] if self._training.validates else []
        return Known(recording, tuple(dict.fromkeys((*recorded, *validated, *own))))

    # --- before a step ---

    def begin(self, until: Breakpoints | None) -> Variant:
        """Get ready for a step.

        Args:
            until: Holds the condition of the run, if it has one.

        Returns:
            What must at least be read of it.
        """
        self.paused_by, self.retaken, self._guards_asked, self._last = None, None, False, None
        self._late = self._passed = self._broken = ()
        self._until = until
        needs = self.breakpoints.needs, _NO_NEEDS if until is None else until.needs
        if needs[0] is not self._needs[0] or needs[1] is not self._needs[1]:
            self._needs = needs
            self._quick = None
            self._least = _least(needs)
            self._names = needs[0].names | needs[1].names
            self._asks = any(one.guards or one.others for one in needs)
        if "lr" in self._names:
            self._rate = self._training.learning_rate()
        return self._least

    def forget(self) -> None:
        """Be somewhere else: nothing is refused there."""
        self.refused = self.paused_by = self.retaken = None

    def refused_is_changed(self) -> bool:
        """Take note that the refused step will come out otherwise: the guards that have fired still let it pass.

        Returns:
            Whether that is new.
        """
        if self.refused is None or self.refused.digest is None:
            return False
        self.refused = replace(self.refused, digest=None)
        return True

    # --- once it was computed ---

    def refuses(self, step: int, event: Any) -> bool:
        """Ask the guards whether a step must not count; those that have refused it before are passed over."""
        if self.refused is not None:
            self._take_up(step, self.refused)
        self._guards_asked = True
        one, other = self._needs
        if not (one.guards or other.guards) or self._leaves(_GUARDS, event.output):
            return False
        outcome = self._ask(step, self._values(step, event, event.output), "guards", self._passed)
        self._broken = outcome.broken
        if not outcome.hits:
            return False
        why = self._why_not_before(step)
        if why is not None:
            self._late = outcome.hits
            self._tell_once(why, f"a guard could pause only after step {step}, not before its update: {why}")
            return False
        hits = (*self._passed, *outcome.hits)
        self.refused = Refused(step, event.output.without_tensors(), hits, self._training.digest())
        self._hit(outcome.hits, f"before the update of step {step}")
        return True

    def _take_up(self, step: int, before: Refused) -> None:
        """Look whether a step is the one that was refused: then the guards that have refused it let it pass."""
        self.refused = None
        if before.step == step:
            if before.digest is not None:
                self.retaken = self._training.digest() == before.digest
            self._passed = self._same_as(before.hits)

    def is_non_finite(self, step: int, event: Any) -> bool:
        """Whether a step has values that are not finite, as the condition `nan` has it."""
        return self._values(step, event, event.output).non_finite

    def refuse(self, step: int, event: Any) -> None:
        """Refuse a step that no guard has refused: the session goes back, and takes it again without a pause."""
        if self.refused is None:
            self.refused = Refused(step, event.output.without_tensors(), (), self._training.digest())

    def say(self, text: str) -> None:
        """Have a sentence noted with the step that was computed just now."""
        self._left_to_tell.append(("notice", text))

    def _same_as(self, hits: tuple[Breakpoint, ...]) -> tuple[Breakpoint, ...]:
        """Add to those that were hit the condition of the run, if it says the same as one of them."""
        conditions = [one.condition for one in hits]
        return (*hits, *(one for one in self._until or () if one.condition in conditions))

    # --- once it counts ---

    def after(self, step: int, event: Any, output: Any, report: StepReport | None) -> bool:
        """Ask the other conditions of a step that counts, or of the end of an epoch; whether training pauses.

        Args:
            step: The number of the last step.
            event: What the training yielded.
            output: What the last step returned.
            report: Of it.
        """
        if not self._asks or output is None or self._leaves_all(event, output):
            return False
        values = self._values(step, event, output, report, event.epoch_logs if event.ends_epoch else None)
        if event.ends_epoch or not self._guards_asked:
            late = {} if not event.ends_epoch else {n: v for n, v in event.epoch_logs.items() if n not in output.logs}
            passed = (*self._passed, *self._answered(late, is_step=event.output is not None))
            outcome = self._ask(step, values, "all", passed)
        else:
            outcome = self._ask(step, values, "others", ())
        if not (outcome.hits or outcome.broken or self._late or self._broken):
            return False
        hits = (*self._late, *outcome.hits)
        is_late = event.output is not None and not self._guards_asked
        if is_late and any(one.condition.is_guard for one in outcome.hits):
            why = self._why_not_before(step)
            self._tell_once(why, f"a guard could pause only after step {step}, not before its update: {why}")
        broken = [one for one in (*self._broken, *outcome.broken) if self._pauses_broken(one)]
        if broken and not hits:
            self.paused_by = broken[0]
            return True
        self._hit(hits, f"after step {step}")
        self._late = ()
        return bool(hits)

    def _leaves_all(self, event: Any, output: Any) -> bool:
        """Whether a step leaves all as it is that is asked once it counts."""
        if event.ends_epoch or self._late or self._broken:
            return False
        return self._leaves(_OTHERS, output) and (self._guards_asked or self._leaves(_GUARDS, output))

    def _leaves(self, which: int, output: Any) -> bool:
        """Whether a step is certain to leave all guards, or all others, as they are: as nearly every step does."""
        try:
            for one, holds in self._quickly()[which]:
                if not one.at_rest or holds(output):
                    return False
        except Exception:  # `Unclear`, or what `_ask` meets again, and tells
            return False
        return True

    def _quickly(self) -> tuple[Quick, Quick]:
        """Return guards and others with what asks them of a step that has these tensors."""
        rows = self._tensor_rows()
        if self._quick is None:
            one, other = self._needs
            self._quick = _quick((*one.guards, *other.guards), rows), _quick((*one.others, *other.others), rows)
        return self._quick

    def _answered(self, late: Mapping[str, float], *, is_step: bool) -> list[Breakpoint]:
        """List the conditions that are not asked now: they were before, and have nothing new to answer."""
        asked = self._guards_asked or not is_step
        guards = [one for needs in self._needs for one in needs.guards] if asked else []
        others = [] if is_step else [one for needs in self._needs for one in needs.others]
        return [one for one in (*guards, *others) if not one.condition.names & late.keys()]

    def _pauses_broken(self, one: Breakpoint) -> bool:
        """Whether training pauses where a condition cannot be answered: a run without its goal would not end there."""
        return self.breakpoints.pause_when_broken or self._is_until(one)

    def _ask(
        self, step: int, values: StepValues, which: Literal["all", "guards", "others"], without: tuple[Breakpoint, ...]
    ) -> Outcome:
        outcome = self.breakpoints.ask(step, values, which, without)
        if self._until is not None:
            own = self._until.ask(step, values, which, without)
            outcome = Outcome((*outcome.hits, *own.hits), (*outcome.broken, *own.broken))
        for one in outcome.broken:
            self._tell_once(one, f"{self._name(one)}: {one.broken}")
        return outcome

    def _values(
        self,
        step: int,
        event: Any,
        output: Any,
        report: StepReport | None = None,
        epoch_logs: Mapping[str, float] | None = None,
    ) -> StepValues:
        """Return the numbers of a step; those that were made before it counted are gone on with."""
        values = self._last
        if values is None or values.output is not output:
            values = self._last = StepValues(step, event.epoch, output, self._tensor_rows(), self._rate, self._metrics)
        values.report, values.epoch_logs = report, epoch_logs
        return values

    def _tensor_rows(self) -> TensorRows:
        catalogue = self._training.functions.catalogue
        if self._rows is None or self._rows.catalogue is not catalogue:
            self._rows, self._quick = TensorRows(catalogue), None
        return self._rows

    def _metrics(self) -> Mapping[str, Any]:
        return self._branches.current.recording.metric_arrays()[1]

    # --- what is told ---

    def _hit(self, hits: tuple[Breakpoint, ...], where: str) -> None:
        if hits:
            self.paused_by = hits[0]
        self._left_to_tell += [("breakpoint", f"{self._name(one)}: paused {where}") for one in hits]

    def _tell_once(self, what: Any, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self._left_to_tell.append(("notice", text))

    def _name(self, one: Breakpoint) -> str:
        return f"until {one.shown()}" if self._is_until(one) else f"breakpoint {one.number}, {one.shown()}"

    def _is_until(self, one: Breakpoint) -> bool:
        return self._until is not None and one in self._until

    def tell(self, step: int, recorder: Recorder) -> None:
        """Note what came of the conditions at a step that is recorded."""
        for name, text in self._left_to_tell:
            recorder.note(step, text, name)
        self._left_to_tell.clear()


def _quick(asked: Iterable[Breakpoint], rows: TensorRows) -> Quick:
    return tuple((one, holding(one.condition, rows)) for one in asked)


def _least(needs: tuple[Needs, Needs]) -> Variant:
    """Return what must be read of a step so that all can be answered."""
    if any(one.tensors for one in needs):
        return Variant.VITALS
    return Variant.SENTINEL if any(one.guards for one in needs) else Variant.PLAIN
