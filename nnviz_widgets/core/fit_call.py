"""Whether a call of `fit` still goes on, for one of its callbacks: Keras does not tell it of an exception elsewhere."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_HOOK = "on_train_begin"


class FitCall:
    """The function that called `on_train_begin` on its callbacks, as `keras.Model.fit` does.

    Made within that hook, on the thread of the call. It holds the frame of the call, and so the data, until `drop`.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._frame = _caller_of_hook()

    def is_mine(self) -> bool:
        """Whether the function that asks was called by this call of `fit`, and by no other within it or after it."""
        mine = self._frame
        frame = sys._getframe(1)
        while mine is not None and frame is not None and frame.f_code is not mine.f_code:
            frame = frame.f_back  # type: ignore[assignment]
        return mine is not None and frame is mine

    def goes_on(self) -> bool:
        """Whether the call has not returned or raised. On another thread than its own, `False` may come too early.

        A frame that ends while its callers are walked through loses its way back to them. Ask twice.
        """
        frame = sys._current_frames().get(self._thread)
        while frame is not None and frame is not self._frame:
            frame = frame.f_back
        return frame is not None

    def drop(self) -> None:
        """Forget the call: from now on it does not go on."""
        self._frame = None


def _caller_of_hook() -> FrameType | None:
    """Return the frame that called the outermost hook, whatever lists and wrappers of callbacks are between."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != _HOOK:
        frame = frame.f_back
    while frame is not None and frame.f_code.co_name == _HOOK:
        frame = frame.f_back
    return frame
