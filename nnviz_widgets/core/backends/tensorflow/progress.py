"""Keras' progress bar, where training pauses in the middle of an epoch."""

from __future__ import annotations

from typing import Any

from keras.src.utils import io_utils


def end_line(callbacks: Any) -> None:
    """End the line of the progress bar if it is open, so that what is printed next does not land in it.

    Keras draws the bar over itself and ends its line with the epoch only.

    Args:
        callbacks: A `keras.callbacks.CallbackList`.
    """
    # What Keras keeps to itself may go with its next release; no training is to fail for a line's end.
    bar: Any = getattr(getattr(callbacks, "_progbar", None), "progbar", None)
    if not getattr(bar, "_prev_total_width", 0) or getattr(bar, "_seen_so_far", None) == getattr(bar, "target", None):
        return
    io_utils.print_msg("")
    bar._prev_total_width = 0  # nothing is to be drawn over: the bar goes on in the new line
