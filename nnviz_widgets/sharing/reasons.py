"""Why something cannot be shown, in words that may be shared."""

from __future__ import annotations

UNREADABLE = "nothing can be read from this model"
"""The beginning of a reason that goes on with the words of an exception."""


def shared_reason(reason: str) -> str:
    """Return a reason without the words of an exception: they may name files and quote data."""
    return UNREADABLE if reason.startswith(UNREADABLE) else reason
