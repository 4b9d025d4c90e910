"""Those who look at a session get what they want, and nothing else."""

from __future__ import annotations

from typing import Any

from nnviz_widgets.core.probe import Probe
from tests.core import networks
from tests.waiting import LIMIT_S


class Looker:
    """A viewer that wants one tensor at chosen steps."""

    def __init__(self) -> None:
        self.keys: frozenset[Any] = frozenset()
        self.n_notices = 0

    def wanted(self) -> frozenset[Any]:
        return self.keys

    def notify(self) -> None:
        self.n_notices += 1


def test_viewer_gets_what_it_wants_and_nothing_else() -> None:
    with networks.mlp().session(probe=Probe(budget=0)) as session:
        looker = Looker()
        session.step()
        session.add_viewer(looker)
        looker.keys = frozenset({session.recording.resolve("hidden", "gradients")})
        session.run(until=4)
        session.wait(LIMIT_S)
        assert session.recording.tensor_steps("hidden", "gradients", variable="kernel").tolist() == [1, 2, 3, 4]
        assert session.recording.tensor_steps("out", "gradients").tolist() == [1, 4]
        n_notices = looker.n_notices
        assert n_notices >= 4
        session.remove_viewer(looker)
        session.step()
        assert looker.n_notices == n_notices


def test_K23_changing_what_is_looked_at_traces_nothing_again() -> None:
    with networks.mlp().session(probe=Probe(budget=0)) as session:
        looker = Looker()
        session.add_viewer(looker)
        session.step(2)
        n_traces = session._training.functions.n_traces
        for path in ("hidden", "out", "drop"):
            looker.keys = frozenset({session.recording.resolve(path, "activations")})
            session.step()
        assert session._training.functions.n_traces == n_traces
