"""Two runs of the same model beside each other, as a source: what an Inspector shows of them, and of which step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.core.alignment import align, epochs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.alignment import Alignment, By
    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.apart import Known
    from nnviz_widgets.pictures.source import Source, SourceKind

OF_ONE_STEP = ("batch_loss", "gradient_l2")
"""Metrics that say less of a run than the others: left out where there are others."""

MOST_TRIES = 12
"""So many kept steps are looked at for one that both runs keep, before two that lie close will do."""


class Comparison:
    """Two runs. Steps are counted as the first one counts them.

    Args:
        follows: Returns the step of who follows, where that is not for the two to say.

    Attributes:
        first: The one whose steps count.
        second: The one that is compared with it.
        by: Whether a step belongs to that of the same number, or to that at the same place within the same epoch.
        names: What both are called.
        distances: What was found of how far they are apart.
        shared: The last step that both have in common, as branches of one training do: until then they are one.
    """

    kind: SourceKind = "comparison"
    session = None  # nobody can press a button of two

    def __init__(
        self,
        first: Source,
        second: Source,
        by: By,
        names: tuple[str, str],
        shared: int = -1,
        follows: Callable[[], int] | None = None,
    ) -> None:
        """Put two runs beside each other, of which the caller knows that they are of the same model."""
        self.first = first
        self.second = second
        self.by = by
        self.names = names
        self.shared = shared
        self.distances: Known = {}
        self._follows = follows
        self._known: tuple[tuple[int, ...], Alignment] | None = None

    @property
    def recording(self) -> Recording:
        """That of the first run."""
        return self.first.recording

    @property
    def other(self) -> Recording:
        """That of the second run."""
        return self.second.recording

    @property
    def alignment(self) -> Alignment:
        """Which step of the second belongs to which of the first, as far as is known now."""
        recordings = (self.recording, self.other)
        state = (*(each.steps.size for each in recordings), *(len(each.events) for each in recordings))
        if self._known is None or self._known[0] != state:
            self._known = state, align(epochs_of(self.recording), epochs_of(self.other), self.by)
        return self._known[1]

    @property
    def running(self) -> bool:
        """Whether one of them goes on."""
        return self.first.running or self.second.running

    @property
    def logs(self) -> dict[str, float]:
        """The newest metrics of both, one after the other."""
        first, second = self.first.logs, self.second.logs
        known = {**first, **second}
        logs: dict[str, float] = {}
        for name in [name for name in known if name not in OF_ONE_STEP] or known:
            for run, mine in zip(self.names, (first, second), strict=True):
                if name in mine:
                    logs[f"{name}, {run}"] = mine[name]
        return logs

    @property
    def last_step(self) -> int:
        """The newest step of that which is further."""
        return max(self._last_steps)

    @property
    def newest(self) -> int:
        """The newest moment that is compared: where both are, or, while it goes on, where the one is that does."""
        if self._follows is not None:
            return self._follows()
        ends = self._last_steps
        going_on = [end for source, end in zip((self.first, self.second), ends, strict=True) if source.running]
        return max(going_on) if going_on else min(ends)

    @property
    def _last_steps(self) -> tuple[int, int]:
        return self.first.last_step, self.alignment.to_own(self.second.last_step)

    @property
    def n_samples(self) -> int:
        """How many rows of the batch keep their activations in all runs that keep any."""
        return min((n for n in (self.first.n_samples, self.second.n_samples) if n), default=0)

    def common_step(self, key: TensorKey, step: int) -> tuple[int, int] | None:
        """Find the newest moment at or before `step` at which both keep a tensor.

        Returns:
            The first run's step and the second's, `None` if there is none. Where the newest kept steps of both never
            meet, the newest one of the first and that of the second which is nearest before it. So it is of branches
            that have met only where they were one.
        """
        alignment = self.alignment
        nearest: tuple[int, int] | None = None
        own = self.recording.kept_step(key, min(step, self._last_steps[1]))
        for _ in range(MOST_TRIES):
            if own is None:
                break
            wanted = alignment.to_other(own)
            other = self.other.kept_step(key, wanted)
            if other is None:
                break
            if own <= self.shared < step and nearest is not None:
                break
            if other == wanted or alignment.to_own(other) == own:
                return own, other
            nearest = nearest or ((own, other) if other > self.shared else None)
            before = min(own - 1, alignment.to_own(other))
            own = self.recording.kept_step(key, before) if before >= 0 else None
        return nearest

    def __repr__(self) -> str:
        """Name both."""
        return f"<Comparison of {self.names[0]!r} and {self.names[1]!r} by {self.by}>"
