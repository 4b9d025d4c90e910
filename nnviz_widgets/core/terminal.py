"""Ctrl-C at a terminal: once, training pauses and asks how to go on; twice, it ends as it would without us."""

from __future__ import annotations

import re
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from nnviz_widgets.errors import NnvizError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from nnviz_widgets.core.fit_session import FitSession

_QUESTION = "step [Enter or a number], run [r], stop [q]? "
_PAUSING = "\nPausing after this step; Ctrl-C again ends training.\n"
_HELP = (
    "Enter takes one step and a number from 1, such as 200, so many; r trains on; q ends training as stop() does; "
    "Ctrl-C ends it at once; Ctrl-D trains on.\n"
)
_LEFT = "\nEnd of input (Ctrl-D): training goes on; Ctrl-C pauses it again.\n"
_STEPS = re.compile(r"(?:(?:s|step)\s+)?(\d{1,15})")


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
        self._pressed = False  # Ctrl-C, since training last went on
        self._asks = False
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
        self._pressed = self._asks = True
        # No lock: this may come while the same thread is about to take it.
        self._session.ask_pause_at_once()
        _say(_PAUSING)

    def _ask(self) -> None:
        """Ask until there is an answer; a pause that nobody at the terminal asked for is not asked about."""
        if not self._asks:
            return
        self._pressed = True  # also at the end of steps: what is paused already, Ctrl-C ends
        _say(f"\n{_how_it_stands(self._session)}\n")
        while not self._carry_out(_answer()):
            pass

    def _carry_out(self, answer: str) -> bool:
        """Do what a person wrote; whether it was understood."""
        ask = self._meaning(answer)
        if ask is None:
            _say(_HELP if answer in ("?", "h", "help") else f"Not understood: {answer:.40}. {_HELP}")
            return False
        self._pressed = False  # before training goes on: from then on, Ctrl-C pauses
        try:
            ask()
        except NnvizError as error:  # the model is being inspected, on another thread
            self._pressed = True
            _say(f"{error}\n")
            return False
        if self._pressed:  # between the two, for which there was nothing to pause yet
            self._session.ask_pause_at_once()
        return True

    def _meaning(self, answer: str) -> Callable[[], object] | None:
        """Return what carries out an answer, `None` if it is none."""
        session = self._session
        if answer in ("r", "run"):
            return self._run
        if answer in ("q", "stop"):
            return session.ask_stop
        if answer in ("", "s", "step"):
            return session.ask_steps
        n = _STEPS.fullmatch(answer)
        return partial(session.ask_steps, int(n[1])) if n is not None and int(n[1]) else None

    def _run(self) -> None:
        self._asks = False
        self._session.ask_run()


def _answer() -> str:
    try:
        return input(_QUESTION).strip().lower()
    except EOFError:
        with suppress(OSError):  # a terminal that is gone for good does not end training
            _say(_LEFT)
        return "run"


def _say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def _how_it_stands(session: Any) -> str:
    of = f" of {session.total_steps}" if session.total_steps else ""
    logs = "".join(f", {name} {value:.4g}" for name, value in session.logs.items())
    return f"Paused at step {session.step_index}{of}, epoch {session.epoch + 1} of {session.epochs}{logs}"
