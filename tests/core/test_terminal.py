"""Ctrl-C in a script at a terminal, with a person who types: a process of its own on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_S = 90
ROOT = Path(__file__).parents[2]

SCRIPT = """
import signal
import nnviz_widgets as nnviz
from tests.core import networks

network = networks.line()
inspect = nnviz.InspectCallback(probe=nnviz.Probe(layers=()))
before = signal.getsignal(signal.SIGINT)
try:
    network.fit(epochs={epochs}, callbacks=[inspect, *{more}])
    print("fit returned", inspect.session.state, inspect.session.stopped, inspect.session.step_index)
except KeyboardInterrupt:
    print("KeyboardInterrupt", inspect.session.state)
print("handler", signal.getsignal(signal.SIGINT) is before, network.model.stop_training)
"""
SAYS_WHERE = "[__import__('keras').callbacks.LambdaCallback(on_epoch_end=lambda e, l: print('epoch', e, flush=True))]"
CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """A script on a pseudo-terminal."""

    def __init__(self, script: str, *, stdin_is_terminal: bool = True) -> None:
        self._master, slave = pty.openpty()
        self.text = ""
        self._process = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=ROOT,
            stdin=slave if stdin_is_terminal else subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(1), os.O_RDWR)),  # makes it the controlling terminal
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until `text` came, and take it and what was before it away."""
        end = time.monotonic() + LIMIT_S
        while text not in self.text:
            assert time.monotonic() < end, f"{text!r} did not come: {self.text}"
            if select.select([self._master], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self._master, 4096).decode(errors="replace")
                except OSError:  # the script has ended
                    assert text in self.text, self.text
        self.text = self.text.partition(text)[2]

    def wait_for_question(self) -> None:
        """Read until the question, and until its answer is waited for: else Python sees Ctrl-C only at the next key."""
        self.wait_for("stop [q]? ")
        end = time.monotonic() + LIMIT_S
        while psutil.Process(self._process.pid).status() != psutil.STATUS_SLEEPING:
            assert time.monotonic() < end, "the script does not wait for an answer"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@pytest.fixture
def start() -> Iterator[object]:
    """Starts scripts, and ends them."""
    made: list[Terminal] = []

    def make(epochs: int = 10**9, *, stdin_is_terminal: bool = True) -> Terminal:
        script = SCRIPT.format(epochs=epochs, more=SAYS_WHERE)
        made.append(Terminal(script, stdin_is_terminal=stdin_is_terminal))
        made[-1].wait_for("epoch 3")
        return made[-1]

    yield make
    for terminal in made:
        terminal.close()


def test_ctrl_c_pauses_and_a_person_steps_runs_and_stops(start) -> None:
    terminal = start()
    terminal.type(CTRL_C)
    terminal.wait_for("Pausing after this step; Ctrl-C again ends training.")
    terminal.wait_for("Paused at step ")
    terminal.wait_for_question()
    terminal.type("3\n")
    terminal.wait_for("Paused at step ")
    terminal.wait_for_question()
    terminal.type("\n")
    terminal.wait_for("Paused at step ")
    terminal.wait_for_question()
    terminal.type("r\n")
    terminal.wait_for("epoch ")
    terminal.wait_for("epoch ")
    terminal.type(CTRL_C)
    terminal.wait_for_question()
    terminal.type("q\n")
    terminal.wait_for("fit returned finished True ")
    terminal.wait_for("handler True True")


def test_ctrl_c_pauses_also_during_steps_that_a_person_typed(start) -> None:
    terminal = start()
    terminal.type(CTRL_C)
    terminal.wait_for_question()
    for steps in ("1000000", "step 2000000", "s 3000000"):
        terminal.type(f"{steps}\n")
        terminal.wait_for("epoch ")
        terminal.wait_for("epoch ")
        terminal.type(CTRL_C)
        terminal.wait_for("Pausing after this step; Ctrl-C again ends training.")
        terminal.wait_for("Paused at step ")
        terminal.wait_for_question()
    terminal.type("q\n")
    terminal.wait_for("fit returned finished True ")
    terminal.wait_for("handler True True")


def test_ctrl_c_at_the_question_after_typed_steps_ends_training(start) -> None:
    terminal = start()
    terminal.type(CTRL_C)
    terminal.wait_for_question()
    terminal.type("2\n")
    terminal.wait_for_question()
    terminal.type(CTRL_C)
    terminal.wait_for("KeyboardInterrupt finished")
    terminal.wait_for("handler True")


def test_what_can_be_typed_is_said_in_one_line(start) -> None:
    terminal = start()
    terminal.type(CTRL_C)
    terminal.wait_for_question()
    for answer in ("help", "?", "run 30", "stepp", "0", "-2", "step 0", "9" * 200):
        terminal.type(f"{answer}\n")
        terminal.wait_for(f"{answer}\r\n")
        if answer not in ("help", "?"):
            terminal.wait_for(f"Not understood: {answer[:40]}. Enter takes one step")
        terminal.wait_for("such as 200")
        assert "Paused at step" not in terminal.text
        terminal.wait_for_question()
    terminal.type("q\n")
    terminal.wait_for("fit returned finished True ")


def test_ctrl_d_says_that_training_goes_on_and_ctrl_c_pauses_it_again(start) -> None:
    terminal = start()
    for _ in range(2):
        terminal.type(CTRL_C)
        terminal.wait_for_question()
        terminal.type(CTRL_D)
        terminal.wait_for("training goes on; Ctrl-C pauses it again.")
        terminal.wait_for("epoch ")
        terminal.wait_for("epoch ")


def test_ctrl_c_at_the_question_ends_training(start) -> None:
    terminal = start()
    terminal.type(CTRL_C)
    terminal.wait_for_question()
    terminal.type(CTRL_C)
    terminal.wait_for("KeyboardInterrupt finished")
    terminal.wait_for("handler True")


def test_without_a_terminal_ctrl_c_is_fits_own(start) -> None:
    terminal = start(stdin_is_terminal=False)
    terminal.type(CTRL_C)
    terminal.wait_for("KeyboardInterrupt finished")
    terminal.wait_for("handler True")
    assert "Pausing" not in terminal.text
