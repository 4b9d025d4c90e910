"""A thousand changes of what is looked at: no step is traced again, and memory does not grow."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.frame import KINDS
from tests.core import networks

if TYPE_CHECKING:
    from nnviz_widgets.core.session import Session

MOST_GROWTH = 50e6
PAGE = 4096


class Looker:
    """A viewer that wants one tensor, another one each time."""

    def __init__(self) -> None:
        self.keys: frozenset[Any] = frozenset()

    def wanted(self) -> frozenset[Any]:
        return self.keys

    def notify(self) -> None:
        """It looks at nothing."""


def resident_bytes() -> int:
    """Return the memory that this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def change(session: Session, looker: Looker, draw: np.random.Generator) -> None:
    """Look at another tensor, and let the probe read other kinds at other steps."""
    keys = [spec.key for spec in session.recording.catalogue.specs]
    looker.keys = frozenset({keys[int(draw.integers(len(keys)))]}) if draw.random() < 0.7 else frozenset()
    session.probe.kinds = tuple(kind for kind in KINDS if draw.random() < 0.5)
    session.probe.every = int(draw.integers(1, 4)) if draw.random() < 0.5 else None
    session.probe.budget = float(draw.random())


def change_often(n: int) -> None:
    """Take a step after each of `n` changes."""
    draw = np.random.default_rng(5)
    with networks.mlp().session(epochs=10**6) as session:
        session.recording.budget_bytes = 4 << 20  # what is recorded is not what is asked about
        looker = Looker()
        session.add_viewer(looker)
        session.step()
        for _ in range(20):
            change(session, looker, draw)
            session.step()
        functions = session._training.functions
        before, n_forms, n_traces = resident_bytes(), len(functions._compiled), functions.n_traces
        for _ in range(n):
            change(session, looker, draw)
            session.step()
        assert functions.n_traces - n_traces <= len(functions._compiled) - n_forms
        assert len(functions._compiled) <= 3
        assert resident_bytes() - before < MOST_GROWTH
        assert session.step_index == 21 + n


def test_K23_changes_of_the_probe_trace_nothing_and_hold_no_memory() -> None:
    change_often(17)


@pytest.mark.soak
def test_K23_a_thousand_changes_of_the_probe_trace_nothing_and_hold_no_memory() -> None:
    change_often(1000)
