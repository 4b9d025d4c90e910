"""Commands from many threads in any order."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import (
    NnvizError,
    SessionBusy,
)
from tests.core import networks
from tests.core.networks import assert_same_weights, weights_of
from tests.waiting import until

# Commands in any order meet the end of training.
pytestmark = pytest.mark.filterwarnings("ignore:`session.(run|step)` ")


def test_ask_methods_never_block_and_refuse_in_words(session: Session) -> None:
    session.ask_steps(2)
    until(lambda: session.state == "paused")
    assert session.step_index == 2
    session.ask_run(until=4)
    until(lambda: session.state == "paused")
    assert session.step_index == 4
    session.ask_pause()
    session.ask_stop()
    until(lambda: session.state == "finished")
    session.close()
    with pytest.raises(NnvizError, match="closed"):
        session.ask_run()


def _command(session: Session, draw: np.random.Generator) -> str:
    """Give the session one command drawn at random, and return its name."""
    choice = draw.choice(["run", "run until", "pause", "step", "wait", "ask_pause", "ask_steps", "speed"])
    try:
        if choice == "run until":
            session.run(until=session.step_index + int(draw.integers(0, 4)))
        elif choice == "wait":
            session.wait(timeout=0.002)
        elif choice == "step":
            session.step(int(draw.integers(1, 3)))
        elif choice == "ask_steps":
            session.ask_steps()
        elif choice == "speed":
            session.speed = None if draw.random() < 0.5 else 5000.0
        else:
            getattr(session, choice)()
    except SessionBusy:
        return "busy"
    return str(choice)


def _storm(n_commands: int) -> None:
    """Let two threads give commands at once, then compare with `fit` over as many steps."""
    network = networks.line()
    inside, overlaps = [0], [0]

    class Owner(_keras_callback()):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            inside[0] += 1
            overlaps[0] += inside[0] != 1

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            inside[0] -= 1

    session = network.session(epochs=10**9, probe=Probe(layers=()), callbacks=[Owner()])
    done: list[int] = []

    def give(seed: int) -> None:
        draw = np.random.default_rng(seed)
        for _ in range(n_commands // 2):
            _command(session, draw)
        done.append(seed)

    threads = [threading.Thread(target=give, args=(seed,), daemon=True) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60 + n_commands / 50
    pump = threading.Event()
    while any(thread.is_alive() for thread in threads):
        assert time.monotonic() < end, "deadlock"
        pump.wait(0.02)
        session.ask_pause()  # frees a thread that waits for a run without an end
    session.pause()
    assert len(done) == 2
    assert session.state in ("paused", "idle")
    n_steps = session.step_index
    assert session.recording.steps.tolist() == list(range(1, n_steps + 1))
    weights = weights_of(network.model)
    session.close()
    assert overlaps == [0]

    by_fit = networks.line()
    fit_steps(by_fit, n_steps)
    assert_same_weights(weights, weights_of(by_fit.model))


def _keras_callback() -> Any:
    import keras

    return keras.callbacks.Callback


def fit_steps(network: networks.Network, n_steps: int) -> None:
    """Train with `fit` for a number of steps."""
    import keras

    class Stop(keras.callbacks.Callback):
        n = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.n += 1
            self.model.stop_training = self.n == n_steps

    if n_steps:
        network.fit(epochs=10**9, callbacks=[Stop()])


def test_C13_two_threads_with_random_commands_agree_with_fit() -> None:
    _storm(1000)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_C13_two_threads_with_random_commands_agree_with_fit_in_full_length() -> None:
    _storm(100_000)
