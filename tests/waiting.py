"""Waiting for what another thread does, and telling where each thread is if it does not come."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 120.0
"""Twice what tf.data may take to end its threads, whoever drops the iterator: ARCHITECTURE.md, on closed sessions."""
LOOK_S = 0.002


def until(condition: Callable[[], Any], seconds: float = LIMIT_S) -> None:
    """Wait until something is so.

    What is counted are looks, not what a clock says: a machine that stood still for a minute has not waited.

    Raises:
        AssertionError: If it did not come to pass; with the stack of each thread.
    """
    for _ in range(round(seconds / LOOK_S)):
        if condition():
            return
        time.sleep(LOOK_S)
    raise AssertionError(f"it did not come to pass in {seconds:g} s of looking\n{_stacks()}")


def ended(thread: threading.Thread, seconds: float = LIMIT_S) -> None:
    """Wait for the end of a thread, as `until` does."""
    until(lambda: not thread.is_alive(), seconds)


def _stacks() -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames().items()
    return "\n".join(f"{names.get(ident)}:\n{''.join(traceback.format_stack(frame)[-12:])}" for ident, frame in frames)
