"""Text that fits where it is shown."""

from __future__ import annotations


def cut(text: str, length: int) -> str:
    """Return at most `length` characters of `text`, which UTF-8 can hold; an ellipsis says that there was more.

    Half a surrogate pair, which Python takes for a character, is a question mark.
    """
    whole = text.encode(errors="replace").decode()
    return whole if len(whole) <= length else f"{whole[: length - 1]}…"
