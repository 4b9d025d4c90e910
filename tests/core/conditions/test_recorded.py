"""All steps of a recording at once give the answer that each gives alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from nnviz_widgets.core.conditions.condition import Condition
from nnviz_widgets.core.conditions.recorded import RecordedStep, RecordedSteps, steps_where
from nnviz_widgets.core.conditions.tree import written
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import ConditionBroken, NotACondition
from tests.core.catalogues import arrays_of, dense, reading_of
from tests.core.conditions.texts import conditions


@pytest.fixture(scope="module")
def recording():
    """Twelve steps of two Dense layers: vitals at each third, validation at 6 and 12, a bad loss, an inf activation."""
    recording = Recording("small")
    catalogue = dense(4, 3, 2)
    recording.set_catalogue(catalogue)
    for step in range(1, 13):
        loss = {4: np.nan, 7: np.inf}.get(step, 3 / step)
        recording.add_step(step, step // 7, step - 1, {"batch_loss": loss, "accuracy": step / 12, "gradient_l2": 1.0})
        if step % 3 == 0:
            arrays = arrays_of(catalogue, seed=step)
            if step == 9:
                activation = next(key for key in arrays if key.kind == "activations")
                arrays[activation][0, 0] = np.inf
            recording.add_vitals(step, reading_of(catalogue, arrays, update_ratio=step))
        if step % 6 == 0:
            recording.amend_step(step, {"val_loss": float(step)})
    return recording


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("step == 7", [7]),
        ("3 <= step < 5", [3, 4]),
        ("epoch == 1", [7, 8, 9, 10, 11, 12]),
        ("loss > 1", [1, 2, 7]),
        ("not loss <= 1", [1, 2, 4, 7]),
        ("nan", [4, 7, 9]),
        ("val_loss > 7", [12]),
        ("not val_loss > 7", [6]),
        ("val_loss > 7 or nan", [4, 7, 9, 12]),
        ("not (val_loss < 7 and step > 1)", [1, 12]),
        ("update_ratio(dense.weights) > 5", [6, 9, 12]),
        ("loss ** 0.5 > 1 and not nan", [1, 2]),
        ("nan or not nan", list(range(1, 13))),
        ("l2(dense.weights) < 0", []),
        ("1 < 2 and step > 11", [12]),
    ],
)
def test_the_steps_at_which_it_holds(recording, text, steps):
    assert steps_where(text, recording).tolist() == steps
    assert steps_where(Condition(text), recording).dtype == np.int64


@settings(max_examples=200)
@given(conditions)
def test_all_at_once_are_each_alone(recording, tree):
    text = written(tree)
    assume("**" not in text)  # numpy's power for arrays may differ from that for one number in the last bit
    condition = Condition(text)
    all_steps = RecordedSteps(recording)
    alone = [step for step in recording.steps.tolist() if condition.holds(RecordedStep(all_steps, step))]
    assert steps_where(condition, recording).tolist() == alone


def test_powers_of_all_at_once_are_those_of_each_alone(recording):
    all_steps = RecordedSteps(recording)
    for text in ("loss ** 2 > 1", "(-loss) ** 3 < -1", "(-loss) ** 0.5 > 1", "0 ** -step > 1e308", "9**9**9 > loss"):
        condition = Condition(text)
        alone = [step for step in recording.steps.tolist() if condition.holds(RecordedStep(all_steps, step))]
        assert steps_where(condition, recording).tolist() == alone


def test_r03_what_the_recording_does_not_have_is_said(recording):
    with pytest.raises(NotACondition, match="did you mean 'loss'"):
        steps_where("los > 3", recording)
    with pytest.raises(ConditionBroken, match="no step of the recording has 'lr'"):
        steps_where("lr > 3", recording)
    weights_only = Recording()
    catalogue = dense(4, 3)
    weights_only.set_catalogue(replace(catalogue, specs=catalogue.specs[:2]))
    weights_only.add_step(1, 0, 0, {"batch_loss": 1.0})
    with pytest.raises(ConditionBroken, match="no gradients are known yet"):
        steps_where("l2(dense.gradients) > 3", weights_only)


def test_a_recording_without_steps_has_none():
    assert steps_where("loss > 3 or nan or accuracy < 1", Recording()).tolist() == []
