"""Python's debugger: at a terminal pdb, in a notebook that of IPython, which asks in the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.terminal import in_kernel

if TYPE_CHECKING:
    from types import FrameType, TracebackType


class Debugger:
    """Stops at a frame, and lets go of it at the end."""

    def __init__(self) -> None:
        self._pdb: Any = None

    def __call__(self, frame: FrameType) -> None:
        """Ask a person at the next line of a frame of this thread."""
        self._pdb = _pdb()
        self._pdb.set_trace(frame)

    def end(self) -> None:
        """Follow no line any more: who went on step by step shall not be led out of the step."""
        if self._pdb is not None:
            self._pdb.set_continue()


def look_at(traceback: TracebackType) -> None:
    """Ask a person in the innermost frame of a traceback."""
    asking = _pdb()
    asking.reset()
    asking.interaction(None, traceback)


def _pdb() -> Any:
    if not in_kernel():
        import pdb

        return pdb.Pdb()
    from IPython.core.debugger import Pdb

    return Pdb()
