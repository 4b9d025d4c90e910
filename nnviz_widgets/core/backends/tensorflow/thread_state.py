"""What Keras keeps for each thread, such as the dtype policy: given to another one for a while, or for good."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

from keras.src.backend.common import global_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def copied_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the Keras state of a thread one level deep.

    Lists in it are work in progress: a list of variables that wait to be initialized must not be that of two threads.
    """
    return {name: copy.copy(value) if isinstance(value, (dict, list)) else value for name, value in state.items()}


@contextlib.contextmanager
def in_keras_state(state: Mapping[str, Any] | None) -> Iterator[None]:
    """Within the block, let Keras be on this thread as on another; what the block adds, such as names, is let go.

    Args:
        state: What Keras keeps for the other thread; `None` is this one.
    """
    mine = vars(global_state.GLOBAL_STATE_TRACKER)
    before = dict(mine)
    given = copied_state(before if state is None else state)
    mine.clear()
    mine.update(given)
    try:
        yield
    finally:
        mine.clear()
        mine.update(before)
