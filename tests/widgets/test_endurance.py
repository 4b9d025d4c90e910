"""L01: very many steps as fast as they go, recorded to disk and looked at."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.protocol import MAX_UNACKNOWLEDGED
from tests.waiting import until
from tests.widgets.fakes import Page

if TYPE_CHECKING:
    from pathlib import Path

N_STEPS = 1_000_000
MB = 1 << 20


def endless(path: Path, n_steps: int) -> Session:
    """Return a session on the smallest network, which takes so many steps."""
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8_000, 2)).astype("float32")
    epochs = -(-n_steps // 1000)
    return Session(model, x, x[:, :1], batch_size=8, epochs=epochs, verbose=0, probe=Probe(every=50), record=path)


class Looker(threading.Thread):
    """A page that paints what it gets until it is told to stop."""

    def __init__(self, inspector: Any) -> None:
        super().__init__()
        self.page, self.most_owed, self.n_frames = Page(inspector), 0, 0
        self.stop = threading.Event()

    def run(self) -> None:
        self.page.ready()
        self.page.watch("activations", "weights", "gradients", layer="dense")
        while not self.stop.wait(0.02):
            (client,) = self.page.inspector._publisher.clients.snapshot()
            self.most_owed = max(self.most_owed, len(client.credit._owed))
            self.page.poll()
            self.forget()

    def forget(self) -> None:
        """Let go of the messages that were taken in, as a page does."""
        sent = self.page.comm.sent
        seen = sent[:]
        n_frames = sum(data.get("content", {}).get("kind") == "frame" for _, data, _ in seen)
        if n_frames <= self.page._acked:
            del sent[: len(seen)]
            self.page._acked -= n_frames
            self.n_frames += n_frames


@pytest.mark.parametrize("share", [60, pytest.param(1, marks=pytest.mark.soak)])
def test_L01_memory_stays_flat_over_very_many_steps_at_full_speed_with_a_view_open(tmp_path, make_inspector, share):
    n_steps = N_STEPS // share
    with endless(tmp_path / "a.nnv", n_steps) as session:
        session.recording.budget_bytes = 2 * MB
        looker = Looker(make_inspector(session))
        looker.start()
        process, marks = psutil.Process(), []
        session.run()
        for mark in np.linspace(0.3, 1, 15):
            until(lambda mark=mark: session.step_index >= int(mark * n_steps) or session.state != "running", 2000)
            # The metrics of every step are kept, and states to go back to within a limit of their own: what recording
            # and snapshots say that they hold is theirs.
            held = session.recording.n_bytes + session._worker.travel.n_bytes
            marks.append(process.memory_info().rss - held)
        session.wait()
        looker.stop.set()
        looker.join()
        assert session.step_index >= n_steps
        first, last = np.median(marks[:5]), np.median(marks[-5:])
        assert last - first < 16 * MB, "blocks that are not full yet, and no more"
        assert looker.n_frames > 20
        assert looker.most_owed <= MAX_UNACKNOWLEDGED
    found = open_recording(tmp_path / "a.nnv")
    assert found.steps.size == session.step_index
    assert found.events == session.recording.events
    found.close()
