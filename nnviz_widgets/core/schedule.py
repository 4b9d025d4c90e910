"""When to read: at which steps the compiled step also returns vitals or whole tensors."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnviz_widgets.core.probe import Probe


class Variant(enum.IntEnum):
    """The compiled forms of the training step, each returning more than the one before."""

    PLAIN = 0
    SENTINEL = 1
    """One number more: the norm of all gradients, so that a non-finite or exploding value is seen at every step."""
    VITALS = 2
    FULL = 3


class CostMeter:
    """Learns what each variant costs over the cheapest one, from the durations of the steps themselves.

    Durations are smoothed exponentially. The first step of a variant is left out: it holds the trace.
    """

    _SMOOTHING = 0.1

    def __init__(self) -> None:
        self._mean: dict[Variant, float] = {}
        self._seen: set[Variant] = set()
        self.total_s = 0.0
        self.watching_s = 0.0
        self.spent_s = dict.fromkeys(Variant, 0.0)

    def add(self, variant: Variant, seconds: float) -> None:
        """Count one step that took `seconds`, reading included."""
        if variant not in self._seen:
            self._seen.add(variant)
            return
        mean = self._mean.get(variant, seconds)
        # A step that a busy machine or a long pause made 10 times longer says nothing about the variant.
        self._mean[variant] = mean + self._SMOOTHING * (min(seconds, 10 * mean) - mean)
        self.total_s += seconds
        base = self.base_s
        if variant > Variant.SENTINEL and base is not None:
            extra = max(0.0, min(seconds, 10 * mean) - base)
            self.spent_s[variant] += extra
            self.watching_s += extra

    @property
    def base_s(self) -> float | None:
        """The usual duration of an unwatched step, or `None` if none was taken yet."""
        known = [self._mean[v] for v in (Variant.PLAIN, Variant.SENTINEL) if v in self._mean]
        return min(known) if known else None

    def extra_s(self, variant: Variant) -> float | None:
        """What one step of `variant` costs more than an unwatched one, in seconds; `None` if not known yet."""
        base, mean = self.base_s, self._mean.get(variant)
        return None if base is None or mean is None else max(0.0, mean - base)

    @property
    def share(self) -> float | None:
        """The share of all training time spent on watching; `None` without an unwatched step to compare with."""
        return self.watching_s / self.total_s if self.total_s and self.base_s is not None else None


class Schedule:
    """Chooses the variant of each step by the probe's `every` or `budget`.

    With a budget, half is spent on vitals and half on whole tensors. Each is due when what it has cost so far, and
    its next reading, stay within its half; so an expensive reading simply comes less often.
    """

    _TRIAL = 20
    """A variant of unknown cost is tried again after this many steps."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._last_trial = dict.fromkeys(Variant, -self._TRIAL)
        self.meter = CostMeter()
        self.last = Variant.PLAIN

    def variant(self, step: int) -> Variant:
        """Return what the probe asks for at `step`, the number of the step about to be taken; kept as `last`."""
        self.last = self._variant(step)
        return self.last

    def _variant(self, step: int) -> Variant:
        probe = self._probe
        if probe.layers == ():
            return Variant.PLAIN
        reading = Variant.FULL if probe.kinds else Variant.VITALS
        if probe.every is not None:
            due = probe.every(step) if callable(probe.every) else step % probe.every == 0
            return reading if due else Variant.SENTINEL
        if probe.budget is None:
            return reading
        if probe.kinds and self._affordable(Variant.FULL, step, probe.budget / 2):
            return Variant.FULL
        if self._affordable(Variant.VITALS, step, probe.budget / 2 if probe.kinds else probe.budget):
            return Variant.VITALS
        return Variant.SENTINEL

    def _affordable(self, variant: Variant, step: int, share: float) -> bool:
        if share <= 0:
            return False
        extra = self.meter.extra_s(variant)
        if extra is None:
            if step - self._last_trial[variant] < self._TRIAL:
                return False
            self._last_trial[variant] = step
            return True
        return self.meter.spent_s[variant] + extra <= share * self.meter.total_s
