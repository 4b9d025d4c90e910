"""How far a long piece of work has come, as one line that is written over."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self, TextIO

_PATIENCE = 1.0
"""Seconds before the line comes at all, and between two of its states half of it."""


class Progress:
    """A line such as `Writing run: 40 %`, for work that takes longer than a second; it goes when the work ends."""

    def __init__(
        self, what: str, total: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin to count.

        Args:
            what: What is done.
            total: How many pieces there are.
            stream: Where the line is written, the standard error stream if not given.
            clock: Tells the time in seconds.
        """
        self._what, self._total, self._clock = what, total, clock
        self._stream = sys.stderr if stream is None else stream
        self._done = 0
        self._width = 0
        self._next = clock() + _PATIENCE

    def __enter__(self) -> Self:
        """Count what is done inside."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the line."""
        if self._width:
            self._write("")
            self._write("")  # the cursor stands at the beginning

    def advance(self, pieces: int = 1) -> None:
        """Note that so many pieces more are done."""
        self._done += pieces
        now = self._clock()
        if now >= self._next:
            self._next = now + _PATIENCE / 2
            self._write(f"{self._what}: {100 * self._done // max(1, self._total)} %")

    def _write(self, line: str) -> None:
        self._stream.write(f"\r{line:<{self._width}}")
        self._stream.flush()
        self._width = len(line)
