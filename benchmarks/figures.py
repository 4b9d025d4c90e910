"""One measured figure and how it is printed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """What was measured.

    Attributes:
        measure: What it is, in words.
        value: The measured value.
        unit: Its unit, `"x"` for a ratio.
        limit: What it must not exceed (or must reach, if `at_least`); `None` for a figure to compare with.
        at_least: Whether more is better.
        remark: Anything a reader must know.
    """

    measure: str
    value: float
    unit: str = "x"
    limit: float | None = None
    at_least: bool = False
    remark: str = ""

    @property
    def verdict(self) -> str:
        """Whether the limit is kept, in a word."""
        if self.limit is None:
            return ""
        return "ok" if (self.value >= self.limit if self.at_least else self.value <= self.limit) else "MISSED"

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"{'>=' if self.at_least else '<='} {self.limit:g}"
        return (
            f"{self.measure:66s} {self.value:9.3f} {self.unit:4s} {limit:9s} {self.verdict:7s} {self.remark}".rstrip()
        )


def in_turns(candidates: dict[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Call the candidates one after the other, `rounds` times, and return what each returned."""
    results: dict[str, list[T]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, candidate in candidates.items():
            results[name].append(candidate())
    return results


def median_ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """Return the median of the ratios of what was measured in the same round."""
    return statistics.median(a / b for a, b in zip(values, base, strict=True))
