"""Ctrl-C at a terminal: once, training pauses and asks how to go on; twice, it ends as it would without us."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from nnviz_widgets.errors import NnvizError

if TYPE_CHECKING:
    from types import FrameType

    from nnviz_widgets.core.fit_session import FitSession

_QUESTION = "step [Enter or a number], run [r], stop [q]? "
_PAUSING = "\nPausing after this step; Ctrl-C again ends training.\n"


def can_ask() -> bool:
    """Whether a person sits at a terminal, and this thread is the one that hears of Ctrl-C."""
    return (
        threading.current_thread() is threading.main_thread()
        and sys.stdin is not None
        and sys.stdin.isatty()
        and not in_kernel()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


def in_kernel() -> bool:
    """Whether this is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class Terminal:
    """Hears Ctrl-C for a `fit`, from `enter` to `leave`; both are called on the main thread.

    Args:
        session: What to pause. If it is over without `leave`, Ctrl-C is Python's own again the next time it is pressed.
    """

    def __init__(self, session: FitSession) -> None:
        self._session = session
        self._pressed = False
        self._entered = False

    def enter(self) -> None:
        """Begin to hear Ctrl-C, and to ask at pauses."""
        signal.signal(signal.SIGINT, self._interrupted)
        self._entered = True
        self._session.worker.ask = self._ask

    def leave(self) -> None:
        """Leave Ctrl-C to Python again."""
        if self._entered:
            self._entered = False
            self._session.worker.ask = None
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self._session.look_for_the_end()
        if self._pressed or self._session.worker.over.is_set():
            self.leave()
            signal.default_int_handler(number, frame)
        self._pressed = True
        # No lock: this may come while the same thread is about to take it.
        self._session.ask_pause_at_once()
        _say(_PAUSING)

    def _ask(self) -> None:
        """Ask until there is an answer; a pause that nobody at the terminal asked for is not asked about."""
        if not self._pressed:
            return
        _say(f"\n{_how_it_stands(self._session)}\n")
        while not self._carry_out(_answer()):
            pass

    def _carry_out(self, answer: str) -> bool:
        """Do what a person wrote; whether it was understood."""
        try:
            if answer in ("r", "run"):
                self._pressed = False
                self._session.ask_run()
            elif answer in ("q", "stop"):
                self._session.ask_stop()
            elif answer in ("", "s", "step"):
                self._session.ask_steps(1)
            elif answer.isdecimal() and int(answer):
                self._session.ask_steps(int(answer))
            else:
                return False
        except NnvizError as error:  # the model is being inspected, on another thread
            _say(f"{error}\n")
            return False
        return True


def _answer() -> str:
    try:
        return input(_QUESTION).strip().lower()
    except EOFError:  # nobody is there any more
        return "run"


def _say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def _how_it_stands(session: Any) -> str:
    of = f" of {session.total_steps}" if session.total_steps else ""
    logs = "".join(f", {name} {value:.4g}" for name, value in session.logs.items())
    return f"Paused at step {session.step_index}{of}, epoch {session.epoch + 1} of {session.epochs}{logs}"
