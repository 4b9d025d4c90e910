"""Why something cannot be shown, in words that may be shared."""

from __future__ import annotations

import re

UNREADABLE = "nothing can be read from this model"
"""The beginning of a reason that goes on with the words of an exception."""

_FIXED = re.compile(r"its scale .* and offset .* are fixed numbers", re.DOTALL)
"""What is said of a `Rescaling`."""


def shared_reason(reason: str) -> str:
    """Return a reason without the words of an exception and the numbers of a `Rescaling`.

    The words may name files and quote data, the numbers are often computed from the inputs.
    """
    if reason.startswith(UNREADABLE):
        return UNREADABLE
    return _FIXED.sub("its scale and offset are fixed numbers", reason)
