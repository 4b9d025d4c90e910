"""What somebody may have meant who wrote a name that there is not."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_LENGTH = 200
"""Looking for what is near takes the square of the length; a name may come from a page, and be anything."""


def nearest(name: str, known: Sequence[str], n: int = 3) -> list[str]:
    """Return up to `n` of the known names, the nearest first; the first of them if none is near."""
    return get_close_matches(name[:_MAX_LENGTH], known, n=n, cutoff=0.5) or list(known[:n])
