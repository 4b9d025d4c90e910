"""When the state of a training is put aside, and which of these snapshots stay."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.arguments import checked_bytes, whole_number
from nnviz_widgets.core.byte_size import byte_size
from nnviz_widgets.core.calls import called
from nnviz_widgets.core.snapshot_files import SnapshotFiles
from nnviz_widgets.core.thinning import SLACK, drop_order
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from nnviz_widgets.core.report import StepReport
    from nnviz_widgets.core.sickness import SicknessWatch

SHARE = 0.02
"""What snapshots may cost of the training's time where nobody says how often they are taken."""

_BYTES_PER_S = 1.5e9
"""How fast the step after a snapshot makes new values in the place of those that are held."""


@dataclass(frozen=True)
class Snapshots:
    """How often a session puts its state aside, so that `rewind` can lead back: `TrainingSession(..., snapshots=...)`.

    Any step between two snapshots is reached by taking the steps after the earlier one again. Batches that come once
    (of data sets, generators, loaders) are kept for that.

    Attributes:
        every: Steps from one to the next. `None` is as often as costs no more than 2 % of the training's time. One is
            also taken where batches that come once would be dropped before the next.
        memory: Bytes of memory that they may hold, a number or a text such as `"1 GB"`: then those of older steps are
            dropped, ever more sparsely spread. Step 0 and the newest stay even where they alone need more. Batches that
            come once may have half of it.
        disk: Bytes that those for which memory has no room may have on disk, likewise: files in the system's directory
            for temporary files, with the values and the last batch, which are gone with the session. `None` is none:
            they are dropped. To write them takes the training's time.
    """

    every: int | None = None
    memory: int = 10**9
    disk: int | None = None

    @called("Snapshots")
    def __init__(self, every: int | None = None, memory: int | str = "1 GB", disk: int | str | None = None) -> None:
        number = whole_number(every)
        if every is not None and (number is None or number < 1):
            raise InvalidArgumentError(
                f"`every` must be a number of steps, at least 1, or None. Received: every={every!r}. Use None to take "
                "them as often as costs little."
            )
        object.__setattr__(self, "every", number)
        object.__setattr__(self, "memory", checked_bytes("memory", memory))
        object.__setattr__(self, "disk", None if disk is None else checked_bytes("disk", disk))


def as_snapshots(value: Any) -> Snapshots | None:
    """Return `snapshots=` of a session as options; `None` stands for the defaults, and `False` for no snapshots.

    Raises:
        InvalidArgumentError: If it is none of these.
    """
    if value is None or value is True:
        return Snapshots()
    if value is False:
        return None
    if isinstance(value, Snapshots):
        return value
    raise InvalidArgumentError(
        f"`snapshots` must be an nnviz.Snapshots, None for the defaults, or False. Received: {value!r:.100}. "
        'Give, for example, nnviz.Snapshots(every=100, memory="4 GB").'
    )


@dataclass(slots=True)
class Kept:
    """One snapshot.

    Attributes:
        branch: The branch of the recording whose step it is of.
        step: How many steps were completed.
        batch: Index of the last batch in its epoch, -1 before any.
        state: What the backend put aside; has `n_bytes`.
        report: Of the last step.
        watch: What was known of values that are not finite.
        ordinal: How many snapshots were taken before.
        pinned: Whether it stays however old it gets.
        edited: Whether somebody has changed the state at the pause: the steps after it began with this one.
        file: Where what is large of it was written, `None` if it is in memory.
        file_bytes: How large that is.
    """

    branch: str
    step: int
    batch: int
    state: Any
    report: StepReport | None
    watch: SicknessWatch
    ordinal: int
    pinned: bool
    edited: bool = False
    file: Path | None = None
    file_bytes: int = 0

    @property
    def n_bytes(self) -> int:
        """Memory that it holds."""
        return int(self.state.n_bytes)


class SnapshotStore:
    """The snapshots of one session, within its memory. Only the training thread changes it, or who keeps it at rest.

    Args:
        options: How many there may be.
        besides: Returns how much of their memory the batches of data that come once hold.

    Attributes:
        n_dropped: How many were given up.
        n_bytes: Memory that they hold, what several of them share counted for each.
    """

    def __init__(self, options: Snapshots, besides: Callable[[], int] = lambda: 0) -> None:
        self._options = options
        self._besides = besides
        self._files = SnapshotFiles(options.disk or 0)
        self._kept: dict[tuple[str, int, bool], Kept] = {}
        self._n_added = 0
        self._next = 0.0
        self.n_dropped = 0
        self.n_bytes = 0

    def __len__(self) -> int:
        """Count them."""
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept_now())

    def is_due(self, step: int) -> bool:
        """Whether the state after `step` is to be put aside."""
        if self._options.every is not None:
            return step % self._options.every == 0
        return time.perf_counter() >= self._next

    def add(self, kept: Kept, seconds: float) -> None:
        """Keep a snapshot; one of the same step takes the place of the other.

        Args:
            kept: The snapshot; its ordinal is set here.
            seconds: How long it took to take it.
        """
        began = time.perf_counter()
        twin = self._kept.get((kept.branch, kept.step, kept.edited))
        if twin is not None:
            kept.pinned = kept.pinned or twin.pinned
            self.lose(twin)
        kept.ordinal, self._n_added = self._n_added, self._n_added + 1
        self._kept[kept.branch, kept.step, kept.edited] = kept
        self.n_bytes += kept.n_bytes
        n_bytes = kept.n_bytes
        self._thin()
        now = time.perf_counter()
        self._next = now + (seconds + now - began + n_bytes / _BYTES_PER_S) / SHARE

    def lose(self, kept: Kept) -> None:
        """Let go of a snapshot, if it is stored."""
        key = kept.branch, kept.step, kept.edited
        if self._kept.get(key) is kept:
            del self._kept[key]
            self.n_bytes -= kept.n_bytes
            self._files.drop(kept)

    def read(self, kept: Kept, *, values: bool = True) -> Kept:
        """Return a snapshot with its values, which may lie in a file; or look only whether that is there.

        Raises:
            OSError: If they cannot be read from there.
        """
        if values:
            return self._files.read(kept)
        self._files.check(kept)
        return kept

    def give(self, kept: Kept, branch: str) -> None:
        """Let a snapshot, which may be stored, be that of the step with which a branch begins.

        Raises:
            OSError: If its values cannot be read from its file.
        """
        given = self.read(kept)
        self.lose(kept)
        given.branch, given.edited, given.pinned = branch, False, True
        self.add(given, 0.0)

    def at(self, branch: str, step: int) -> Kept | None:
        """Return the snapshot of a step, as training left it, if there is one."""
        return self._kept.get((branch, step, False))

    def before(self, lineage: Sequence[tuple[str, int]], step: int) -> Kept | None:
        """Return the newest snapshot at or before a step; of the step where a branch begins, the branch's own.

        The step itself is what training left; a later one is reached from what somebody made of it.

        Args:
            lineage: Branches from the current one to the first, each with the last of its steps that counts.
            step: The step.
        """
        ends = dict(lineage)
        found = [kept for kept in self._kept_now() if kept.step + kept.edited <= min(step, ends.get(kept.branch, -1))]
        nearest = {name: -index for index, (name, _) in enumerate(lineage)}
        return max(found, key=lambda kept: (kept.step, kept.edited, nearest[kept.branch]), default=None)

    def after(self, lineage: Sequence[tuple[str, int]], step: int) -> list[Kept]:
        """Return the snapshots after a step, ascending; `lineage` as in `before`."""
        ends = dict(lineage)
        found = [kept for kept in self._kept_now() if step < kept.step <= ends.get(kept.branch, -1)]
        return sorted(found, key=lambda kept: kept.step)

    def steps(self, lineage: Sequence[tuple[str, int]]) -> list[int]:
        """Return the steps that have a snapshot, ascending; `lineage` as in `before`."""
        ends = dict(lineage)
        return sorted({kept.step for kept in self._kept_now() if kept.step <= ends.get(kept.branch, -1)})

    def forget(self) -> None:
        """Drop all: the model has other variables now."""
        self.n_dropped += len(self._kept)
        for kept in self._kept_now():
            self.lose(kept)
        self._next = 0.0

    def branch_changed(self, old: str, new: str | None) -> None:
        """Call those of a branch by its new name, or drop them if it has none."""
        for kept in self._kept_now():
            if kept.branch == old and new is None:
                self.lose(kept)
            elif kept.branch == old and new is not None:
                kept.branch = new
        self._kept = {(kept.branch, kept.step, kept.edited): kept for kept in self._kept_now()}

    def close(self) -> None:
        """Drop all, and leave nothing on disk."""
        self.forget()
        self._files.close()

    def notices(self) -> list[str]:
        """Say where there is not enough room."""
        found = [self.over_budget(), self._files.over_budget()]
        return [text for text in found if text is not None]

    def over_budget(self) -> str | None:
        """Say that even those that stay always need more than they may; `None` if they do not."""
        if self.n_bytes <= self._options.memory:
            return None
        return (
            f"snapshots hold {byte_size(self.n_bytes)}, more than their {byte_size(self._options.memory)}: only step 0 "
            "and the newest are left. Give them more: snapshots=nnviz.Snapshots(memory=...)"
        )

    def _thin(self) -> None:
        """Make room in memory, and then on disk, while there is too much."""
        memory = self._options.memory - self._besides()
        if self.n_bytes > memory:
            self._make_room(memory - int(memory * SLACK))
        files = self._files
        if files.n_bytes > files.budget:
            enough = files.budget - int(files.budget * SLACK)
            for kept in self._in_order([one for one in self._kept_now() if one.file is not None and _may_go(one)]):
                if files.n_bytes <= enough:
                    break
                self._drop(kept)
                files.n_dropped += 1

    def _make_room(self, enough: int) -> None:
        """Write older snapshots to disk, or drop them, until no more than enough is in memory."""
        in_memory = [kept for kept in self._kept_now()[:-1] if kept.file is None]
        if self._options.disk is None:
            in_memory = [kept for kept in in_memory if _may_go(kept)]
        for kept in self._in_order(in_memory):
            if self.n_bytes <= enough:
                break
            n_bytes = kept.n_bytes
            if self._options.disk is not None and self._files.move(kept):
                self.n_bytes += kept.n_bytes - n_bytes
            elif _may_go(kept):
                self._drop(kept)

    def _in_order(self, kept: list[Kept]) -> list[Kept]:
        """Order snapshots by how little they are missed; those that stay always come last."""
        order = [kept[i] for i in drop_order([one.ordinal for one in kept], self._n_added - 1)]
        return sorted(order, key=lambda one: not _may_go(one))

    def _drop(self, kept: Kept) -> None:
        self.lose(kept)
        self.n_dropped += 1

    def _kept_now(self) -> list[Kept]:
        """List the snapshots in the order of their ordinals; at once, as the training thread may add one meanwhile."""
        return list(self._kept.values())


def _may_go(kept: Kept) -> bool:
    """Whether a snapshot may be dropped: step 0 and those with which a branch begins stay always."""
    return bool(kept.step) and not kept.pinned
