"""Text that fits where it is shown."""

from __future__ import annotations


def cut(text: str, length: int) -> str:
    """Return at most `length` characters of `text`; an ellipsis says that there was more."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
