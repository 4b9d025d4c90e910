"""Going back: which snapshot leads to a step, and what the steps that are taken again must be."""

from __future__ import annotations

import copy
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nnviz_widgets.core.metric_log import present
from nnviz_widgets.core.snapshots import Kept, SnapshotStore
from nnviz_widgets.errors import InvalidArgumentError, ReplayNotExact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnviz_widgets.core.branches import Branches
    from nnviz_widgets.core.report import StepReport
    from nnviz_widgets.core.sickness import SicknessWatch
    from nnviz_widgets.core.snapshots import Snapshots

_BATCHES = 0.5
"""Which share of their memory snapshots leave to the batches of data that come once."""

Grade = Literal["exact", "state only"]


@dataclass(frozen=True, slots=True)
class RewindPlan:
    """What going back to a step will be, told before anything is done.

    Attributes:
        step: The step at which the session will stand.
        branch: The branch whose step it is.
        snapshot: The step whose stored state is put back; the steps after it are taken again.
        grade: `"exact"` if all is as it was, bit by bit. `"state only"` if model, optimizer and random streams are,
            but the data are not: their epoch begins anew.
        remarks: What to know of it, in sentences.
    """

    step: int
    branch: str
    snapshot: int
    grade: Grade
    remarks: tuple[str, ...] = ()

    @property
    def n_again(self) -> int:
        """How many steps are taken again."""
        return self.step - self.snapshot


class TimeTravel:
    """The past of one session.

    Args:
        training: What is run.
        branches: Where it is recorded.
        options: How often the state is put aside; `None` is never.

    Attributes:
        unread: What is still to be told of states that could not be read from disk.
    """

    def __init__(self, training: Any, branches: Branches, options: Snapshots | None) -> None:
        self._training = training
        self._branches = branches
        self._store = None if options is None else SnapshotStore(options, lambda: int(training.held_bytes))
        if options is not None:
            training.tape_bytes = int(options.memory * _BATCHES)
        self._told: set[str] = set()
        self._held: Kept | None = None
        self.unread: list[str] = []

    @property
    def on(self) -> bool:
        """Whether snapshots are taken."""
        return self._store is not None

    @property
    def n_bytes(self) -> int:
        """Memory that stored states hold."""
        return 0 if self._store is None else self._store.n_bytes

    def steps(self, branch: str) -> list[int]:
        """Return the steps of a branch whose state is stored, ascending."""
        return [] if self._store is None else self._store.steps(self._branches.lineage(branch))

    # --- on the training thread ---

    def is_due(self, step: int, *, ends_epoch: bool) -> bool:
        """Whether the state after `step` is to be put aside.

        Always at the end of an epoch whose validation reads on: it would read something else if it were gone over.
        """
        if self._store is None:
            return False
        if self._store.is_due(step) or self._training.needs_snapshot:
            return True
        return ends_epoch and self._training.reads_on() is not None

    def keep(
        self,
        step: int,
        batch: int,
        output: Any,
        report: StepReport | None,
        watch: SicknessWatch,
        *,
        pinned: bool,
        state: Any = None,
    ) -> list[str]:
        """Put the state aside, which is that after `step`.

        Args:
            step: How many steps were completed.
            batch: Index of the last batch in its epoch.
            output: What the last step returned, `None` before any.
            report: Of the last step.
            watch: What is known of values that are not finite.
            pinned: Whether it stays however old it gets.
            state: One that was put aside there before somebody changed it; what there is now if `None`.

        Returns:
            What to tell the user, each once.
        """
        if self._store is None:
            return []
        began = time.perf_counter()
        kept = self._kept(step, batch, output, report, watch, pinned=pinned, state=state)
        if kept is None:
            return self._once([f"memory does not suffice for a snapshot at step {step}; it is left out"])
        if self._held is not None and self._held.step < step:
            self._held = None
        self._store.add(kept, time.perf_counter() - began)
        batches = self._training.let_go(one.state for one in self._store)
        return self._once([*self._store.notices(), *([] if batches is None else [batches])])

    def hold(self, step: int, batch: int, output: Any, report: StepReport | None, watch: SicknessWatch) -> list[Any]:
        """Hold the state that training goes on from. If somebody has changed it since the pause, it is kept beside.

        Args:
            step: As in `keep`.
            batch: As in `keep`.
            output: As in `keep`.
            report: As in `keep`.
            watch: As in `keep`.

        Returns:
            The variables that were changed, with their values.
        """
        held = self._held = None if self._store is None else self._kept(step, batch, output, report, watch, pinned=True)
        if self._store is None or held is None:
            return []
        left = self._read(lambda store: store.at(held.branch, step))
        if left is None or left.state.is_same(held.state):
            return []
        differing: list[Any] = left.state.differing(held.state)
        held.edited = True
        self._store.add(held, 0.0)
        return differing

    def hold_on_to(self, kept: Kept) -> None:
        """Hold a state that was gone back to as the one that training goes on from."""
        self._held = kept

    def begin_branch(self, step: int) -> None:
        """Let the current branch begin with the state that is held of `step`, which belongs to the one it has left."""
        held, name = self._held, self._branches.current.name
        if self._store is not None and held is not None and held.step == step:
            with self._telling(held):
                self._store.give(held, name)

    def changed(self, step: int, output: Any, *, refused: bool) -> list[Any]:
        """Return the variables that somebody has changed since training came to `step`, with their values.

        None where the state of that step is not stored.

        Args:
            step: Where it stands.
            output: What the last step returned.
            refused: Whether the next step was refused: then since that, with what was changed before.
        """
        if self._store is None:
            return []
        owner = self._branches.owner(step).name

        def left_at(store: SnapshotStore) -> Kept | None:
            held = self._held
            return held if refused and held is not None and held.step == step else store.at(owner, step)

        left = self._read(left_at)
        now = None if left is None else self._training.snapshot(output)
        return [] if left is None or now is None else list(left.state.differing(now))

    def _kept(
        self,
        step: int,
        batch: int,
        output: Any,
        report: StepReport | None,
        watch: SicknessWatch,
        *,
        pinned: bool,
        state: Any = None,
    ) -> Kept | None:
        state = self._training.snapshot(output) if state is None else state
        if state is None:
            return None
        return Kept(self._branches.current.name, step, batch, state, report, copy.copy(watch), 0, pinned)

    def newest(self, step: int) -> Kept | None:
        """Return the newest state at or before a step from which training came to where it is."""
        lineage = self._branches.lineage(self._branches.current.name)

        def newest_of(store: SnapshotStore) -> Kept | None:
            kept, held = store.before(lineage, step), self._held
            is_held = held is not None and held.step <= step and (kept is None or kept.step <= held.step)
            return held if is_held else kept

        return self._read(newest_of)

    def _read(self, find: Callable[[SnapshotStore], Kept | None], *, values: bool = True) -> Kept | None:
        """Return a snapshot with its values; one whose file cannot be read any more is dropped, and another found.

        Args:
            find: Finds it.
            values: If false, it is only looked whether its file is there.
        """
        while self._store is not None and (kept := find(self._store)) is not None:
            with self._telling(kept):
                return self._store.read(kept, values=values)
        return None

    @contextmanager
    def _telling(self, kept: Kept) -> Iterator[None]:
        """Within the block, let go of a snapshot whose file cannot be read, and remember to tell it."""
        try:
            yield
        except OSError as error:
            self.unread.append(f"the state of step {kept.step} cannot be read back from disk any more: {error}")
            if kept is self._held:
                self._held = None
            if self._store is not None:
                self._store.lose(kept)

    def first(self, branch: str) -> Any:
        """Return the state of step 0, as training began, of a branch; `None` if it is not stored."""
        kept = self._read(lambda store: store.before(self._branches.lineage(branch), 0))
        return None if kept is None else kept.state

    def why_not_back(self, step: int) -> str | None:
        """Say why a step of the current branch cannot be gone back to bit by bit; `None` if it can."""
        if self._store is None:
            return "the session takes no snapshots (snapshots=False)"
        kept = self.newest(step)
        return "no state before it is stored" if kept is None else self._why_not_from(kept)

    def is_exact_from(self, kept: Kept) -> bool:
        """Whether the steps after a snapshot can be taken again bit by bit."""
        return self._why_not_from(kept) is None

    def _why_not_from(self, kept: Kept) -> str | None:
        reason: str | None = self._training.why_not_exact(kept.state)
        return reason

    def _once(self, texts: list[str]) -> list[str]:
        """Return those of which none was told that begins alike."""
        new = [text for text in texts if text[:16] not in self._told]
        self._told |= {text[:16] for text in new}
        return new

    def forget(self) -> None:
        """Drop all snapshots: the model changed, and no step before can be taken again."""
        self._held = None
        if self._store is not None:
            self._store.forget()

    def branch_changed(self, old: str, new: str | None) -> None:
        """Call the snapshots of a branch by its new name, or drop them with it; only while the training rests."""
        held = self._held
        if self._store is not None:
            self._store.branch_changed(old, new)
        if held is not None and held.branch in (old, new):
            self._held = None if new is None else held
            held.branch = new or old

    def close(self) -> None:
        """Drop all snapshots, and leave nothing on disk."""
        self._held = None
        if self._store is not None:
            self._store.close()

    # --- before acting, on any thread while the session rests ---

    @property
    def grade(self) -> Grade:
        """Whether the newest steps can be taken again bit by bit."""
        return "exact" if self._training.why_not_exact() is None else "state only"

    def plan(self, step: int, branch: str, *, state_only: bool, values: bool = False) -> tuple[RewindPlan, Kept]:
        """Return what going back will be, and the snapshot that it begins with.

        Args:
            step: Where to go.
            branch: The branch whose step it is.
            state_only: Whether less than bit by bit is allowed.
            values: Whether the snapshot is read from its file, if it is in one.

        Raises:
            InvalidArgumentError: If there is no such step.
            ReplayNotExact: If it cannot be reached bit by bit, and `state_only` does not allow less.
        """
        changes = self._training.functions.changes()
        if changes:
            raise ReplayNotExact(
                f"The model must be the one that took the steps to go back to one. Received: step={step}, and since "
                f"then {'; '.join(changes)}. Undo that, or step on: a later step can be gone back to."
            )
        last = self._branches[branch].last_step
        if not 0 <= step <= last:
            raise InvalidArgumentError(
                f"`step` must be a step that was taken, from 0 to {last} on branch {branch!r}. Received: step={step}. "
                "session.step and session.run go forward."
            )
        if self._store is None:
            raise ReplayNotExact(
                "A session must take snapshots to be rewound. Received: one with snapshots=False. Make it without "
                "that argument."
            )
        kept = self._read(lambda store: store.before(self._branches.lineage(branch), step), values=values)
        if kept is None:
            raise ReplayNotExact(self._nothing_before(step, branch))
        reason = self._why_not_from(kept)
        if reason is not None and not state_only:
            raise ReplayNotExact(
                f"Steps must be such that they can be taken again to go back exactly. Received: step={step}, and "
                f"{reason}. {self._nearest_exact(step, branch)}Without the data, the nearest step whose state is "
                f"stored is {kept.step}: session.rewind({step}, state_only=True)."
            )
        return self._plan(step if reason is None else kept.step, branch, kept, reason), kept

    def _plan(self, step: int, branch: str, kept: Kept, reason: str | None) -> RewindPlan:
        remarks = [] if reason is None else [f"the data of the epoch begin anew: {reason}"]
        again = self._training.called_again()
        if again and step > kept.step:
            remarks.append(f"called again for the steps in between: {', '.join(again)}")
        if again:
            remarks.append(f"what these remember is not put back: {', '.join(again)}")
        validation = self._training.reads_on()
        if validation is not None and self._ends_epoch_between(kept, step):
            remarks.append(f"where an epoch ends in between, {validation} gives its validation other data than then")
        return RewindPlan(step, branch, kept.step, "exact" if reason is None else "state only", tuple(remarks))

    def _ends_epoch_between(self, kept: Kept, step: int) -> bool:
        per_epoch = self._training.steps_per_epoch
        if step == kept.step or per_epoch is None:
            return step > kept.step
        return bool((kept.batch + 1) % per_epoch + step - kept.step >= per_epoch)

    def _nearest_exact(self, step: int, branch: str) -> str:
        """Name the nearest step after one that can be gone back to exactly; nothing if there is none."""
        assert self._store is not None
        later = self._store.after(self._branches.lineage(branch), step)
        found = next((kept.step for kept in later if self.is_exact_from(kept)), None)
        return (
            "" if found is None else f"The nearest step that is reached exactly is {found}: session.rewind({found}). "
        )

    def _nothing_before(self, step: int, branch: str) -> str:
        stored = self.steps(branch)
        if not stored:
            return (
                f"A state must be stored to go back to it. Received: step={step}, and none is at or before it: the "
                "session has taken no step, is closed, or the model was changed since."
            )
        return (
            f"`step` must not be before the oldest state that is stored, which is that of step {stored[0]}. Received: "
            f"step={step}. States before are gone where the model was changed since, or the session was resumed."
        )


class Fingerprint:
    """What steps that are taken again must return: the losses and norms that the recording has of them, bit by bit.

    Args:
        branches: The recording of the current one is compared with.

    Attributes:
        difference: The first difference, in words; `None` as long as all is as it was.
    """

    def __init__(self, branches: Branches) -> None:
        self._steps, self._columns = branches.current.recording.metric_arrays()
        self.difference: str | None = None

    def compare(self, step: int, output: Any) -> None:
        """Compare what a step returned with what is recorded of it."""
        row = int(np.searchsorted(self._steps, step))
        if self.difference is not None or row == self._steps.size or self._steps[row] != step:
            return
        for name, now in (("batch_loss", output.batch_loss), ("gradient_l2", output.gradient_l2)):
            column = self._columns.get(name)
            if now is None or column is None or not present(column[row : row + 1])[0]:
                continue
            before = float(column[row])
            if before == now or (math.isnan(before) and math.isnan(now)):
                continue
            word = "loss" if name == "batch_loss" else "gradient norm"
            self.difference = (
                f"replay differs from the recording at step {step} ({word} {before:.7g} then, {now:.7g} now)"
            )
            return
