"""Numbers of bytes as a person writes them."""

from __future__ import annotations

import re
from typing import Any

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.errors import InvalidArgumentError

UNITS = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}  # fmt: skip


def checked_bytes(name: str, value: Any) -> int:
    """Return a number of bytes, given as one or as a text such as `"20 MB"`.

    Raises:
        InvalidArgumentError: If it is neither, or less than 1.
    """
    number = _of_text(value) if isinstance(value, str) else whole_number(value)
    if number is None or number < 1:
        raise InvalidArgumentError(
            f"`{name}` must be a number of bytes, at least 1, or a text with a unit. Received: {name}={value!r}. "
            'Give, for example, "20 MB", "500 kB" or 20_000_000.'
        )
    return number


def _of_text(text: str) -> int | None:
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([a-zA-Z]*)\s*", text)
    if match is None or (match[2] or "b").lower() not in UNITS:
        return None
    return int(float(match[1]) * UNITS[(match[2] or "b").lower()])
