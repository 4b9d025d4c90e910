"""Which batches the steps of a recording took, as far as it tells whether two steps took the same one."""

from __future__ import annotations

from bisect import bisect_right


class FedBy:
    """What fed the steps: things that stand for sources of batches. Of one source step `n` takes the same batch always.

    Only the training thread notes; any thread may ask.
    """

    def __init__(self, noted: tuple[tuple[int, object], ...] = ()) -> None:
        """Begin with what is noted: steps, ascending, each with the source from there on."""
        self._noted = noted

    def note(self, step: int, source: object) -> None:
        """Say what has fed a step, which is not before those that were noted."""
        if not self._noted or self._noted[-1][1] is not source:
            self._noted = (*self._noted, (step, source))

    def until(self, step: int) -> FedBy:
        """Return the same up to a step, for a branch that leaves there."""
        return FedBy(tuple(one for one in self._noted if one[0] <= step))

    def source(self, step: int) -> object | None:
        """Return what has fed a step, `None` if that is not known."""
        noted = self._noted
        place = bisect_right([first for first, _ in noted], step) - 1
        return None if place < 0 else noted[place][1]
