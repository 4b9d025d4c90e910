"""What is asked quickly at a step leaves all as a whole answer would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.conditions.evaluate import NO, YES
from nnviz_widgets.core.conditions.quick import Unclear
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.step_values import StepValues
from nnviz_widgets.core.stops import Stops
from tests.core import networks

if TYPE_CHECKING:
    import pytest

    from nnviz_widgets.core.session import Session

EVERY_FORM = (
    "l2(hidden.gradients) > {}",
    "max(hidden.activations) > {}",
    "update_ratio(out.weights) < {}",
    "std(hidden.weights) > {} and not min(out.activations) < 0",
    "zeros(hidden.activations) > {}",
    "mean(out.activation_gradients) < {} < 1",
    "min(out.weights) > {} or loss - loss == 1",
    "gradient_l2 * 2 > {} * 2 or nan",
    "batch_loss > {}",
    "accuracy < {} or val_loss > 0",
    "loss / 0 > 0 and {} < loss",
    "epoch >= 1 and lr > 0 and step % 2 == 0 or loss < {} - 9",
)
"""Conditions, each with a number in it."""


def middle_of(recording: Any, form: str) -> float:
    """Return the number that half of the steps are beyond."""
    metrics = recording.metric_arrays()[1]
    if form.startswith("gradient_l2"):
        return float(np.median(metrics["gradient_l2"]))
    named = re.match(r"(\w+)\((\w+)\.(\w+)\)", form)
    if named is None:
        return float(np.median(metrics["batch_loss"]))
    statistic, layer, kind = named.groups()
    return float(recording.vitals(layer, kind)[statistic].median())


def told(session: Session) -> list[tuple[int, str, str]]:
    return [event for event in session.recording.events if event[1] in ("breakpoint", "notice")]


def trained(conditions: list[str]) -> Session:
    """Train with breakpoints, pressing Run at each pause."""
    network = networks.mlp()
    with network.session(probe=Probe(kinds=(), every=1), validation_data=(network.x, network.y)) as session:
        for index, condition in enumerate(conditions):
            session.breakpoints.add(condition, for_steps=1 + index % 2)
        while session.state != "finished":
            session.run()
            session.wait()
    return session


def test_what_is_passed_over_quickly_is_what_a_whole_answer_would_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = trained([]).recording
    conditions = [form.format(middle_of(recording, form)) for form in EVERY_FORM]
    said: dict[str, set[bool | None]] = {condition: set() for condition in conditions}
    leaves = Stops._leaves

    def compared(self: Stops, which: int, output: Any) -> bool:
        values = StepValues(0, 0, output, self._tensor_rows(), 0.01)
        for one, holds in self._quickly()[which]:
            try:
                quick = holds(output)
            except Unclear:
                said[one.condition.text].add(None)
            else:
                said[one.condition.text].add(quick)
                assert one.condition.answer(values) is (YES if quick else NO)
        return leaves(self, which, output)

    monkeypatch.setattr(Stops, "_leaves", compared)
    quickly = trained(conditions)
    monkeypatch.setattr(Stops, "_leaves", lambda self, which, output: False)
    slowly = trained(conditions)

    assert {True, False, None} == set().union(*said.values())
    assert [text for text, found in said.items() if found == {None}] == conditions[-1:], "which names the epoch first"
    assert told(quickly) == told(slowly)
    assert [one.told() for one in quickly.breakpoints] == [one.told() for one in slowly.breakpoints]
    assert all(one.hits for one in quickly.breakpoints if one.for_steps == 1), quickly.breakpoints
