"""Asking every gradient computation of a thread for a few gradients more.

`tape.gradient(loss, weights)` passes the gradients of all tensors between the loss and the weights anyway. Here it is
made to return some of them as well, while a step is traced: nothing is added between two operations of the model, so
the graph that TensorFlow optimises is the one that `fit` would give it.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_lock = threading.Lock()
_asking: dict[int, list[tuple[Callable[[], list[Any]], Callable[[list[Any]], None]]]] = {}
"""Thread to what is asked there; the innermost block comes last."""

_original: Any = None


@contextlib.contextmanager
def asking(tensors: Callable[[], list[Any]], tell: Callable[[list[Any]], None]) -> Iterator[None]:
    """Within the block, let each `tape.gradient` of this thread also compute the gradients of other tensors.

    Args:
        tensors: Returns the floating tensors whose gradients are wanted, each time it is called.
        tell: Called with their gradients in that order, `None` for those that the tape does not connect.
    """
    thread = threading.get_ident()
    global _original
    with _lock:
        if not _asking:
            _original = tf.GradientTape.gradient
            tf.GradientTape.gradient = _gradient
        _asking.setdefault(thread, []).append((tensors, tell))
    try:
        yield
    finally:
        with _lock:
            _asking[thread].pop()
            if not _asking[thread]:
                del _asking[thread]
            if not _asking:
                tf.GradientTape.gradient = _original


def _gradient(
    tape: Any,
    target: Any,
    sources: Any,
    output_gradients: Any = None,
    unconnected_gradients: Any = tf.UnconnectedGradients.NONE,
) -> Any:
    """Stand in for `tf.GradientTape.gradient`."""
    original = _original
    asked = _asking.get(threading.get_ident())
    others = asked[-1][0]() if asked else []
    # Asked for zeros where nothing is connected, a tape would give zeros to us too, and nobody could tell.
    if not asked or not others or unconnected_gradients != tf.UnconnectedGradients.NONE:
        return original(tape, target, sources, output_gradients, unconnected_gradients)
    found, more = original(tape, target, (sources, others), output_gradients, unconnected_gradients)
    asked[-1][1](more)
    return found
