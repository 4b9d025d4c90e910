"""Arithmetic of conditions: in float64, as IEEE 754 has it, so that nothing raises and no number grows without end.

Python's floats do the same but for what they raise: a division by zero is infinite with the sign that the limit has, or
NaN for 0 / 0; a remainder by zero is NaN; a power that is too large is infinite, and one that is complex is NaN.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def divide(a: float, b: float) -> float:
    """Divide; by zero, the result is infinite, or NaN if `a` is zero or NaN."""
    return a / b if b else _by_zero(a, b)


def floor_divide(a: float, b: float) -> float:
    """Divide and round down; by zero as `divide`."""
    return a // b if b else _by_zero(a, b)


def remainder(a: float, b: float) -> float:
    """Return what `floor_divide` leaves, with the sign of `b`; by zero it is NaN."""
    return a % b if b else math.nan


def power(a: float, b: float) -> float:
    """Raise to a power: infinite where the result is too large or `a` is zero and `b` negative, NaN where complex."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and _odd(b) else math.inf
    except ValueError:
        if a == 0:
            return math.copysign(math.inf, a) if _odd(b) else math.inf
        return math.nan


def _by_zero(a: float, b: float) -> float:
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _odd(number: float) -> bool:
    return abs(math.fmod(number, 2.0)) == 1.0


OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "//": floor_divide,
    "%": remainder,
    "**": power,
}

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
"""A comparison with NaN is false, but for `!=`."""
