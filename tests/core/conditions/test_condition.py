"""A condition is a value that tells what it needs; a function of the report is one too."""

import copy
import pickle

import numpy as np
import pytest

from nnviz_widgets.core.conditions.condition import CallableCondition, Condition, as_condition
from nnviz_widgets.core.report import StepReport
from nnviz_widgets.errors import ConditionBroken, InvalidArgumentError, NotACondition
from tests.core.conditions.texts import Step

REPORT = StepReport(5, 0, 4, 2.5, {"accuracy": 0.5}, 2, 0.1)


def reported(report=REPORT):
    step = Step()
    step.report = report
    return step


def test_conditions_are_values():
    first, second = Condition(" loss>3 "), Condition("(loss) > 3.0")
    assert first == second
    assert hash(first) == hash(second)
    assert {first, second, Condition("loss > 4")} == {first, Condition("loss > 4")}
    assert (str(first), repr(second)) == ("loss>3", "Condition('(loss) > 3.0')")
    assert pickle.loads(pickle.dumps(first)) == copy.deepcopy(first) == first
    with pytest.raises(AttributeError):
        first.text = "loss > 4"


def test_a_condition_tells_what_it_needs():
    condition = Condition("accuracy > 3 and (not nan or l2('a/b'.gradients) ** 2 > -mean(dense.weights)) or step == 7")
    assert condition.names == {"accuracy", "nan", "step"}
    assert condition.tensors == {("l2", "a/b", "gradients"), ("mean", "dense", "weights")}
    assert condition.needs_vitals
    assert Condition("loss > 3").names == {"loss"}
    assert not Condition("loss > 3 or nan").needs_vitals


@pytest.mark.parametrize(
    ("text", "is_guard", "needs_update"),
    [
        ("nan", True, False),
        ("step == 7", False, False),
        ("loss > 3 and nan", True, False),
        ("l2(dense.gradients) > 1", True, False),
        ("max(dense.activation_gradients) > lr", True, False),
        ("gradient_l2 > 100", True, False),
        ("max(dense.activations) > 1", False, False),
        ("l2(dense.weights) > 1", False, True),
        ("l2(dense.gradients) > l2(dense.weights)", True, True),
        ("accuracy > 0.5", False, True),
    ],
)
def test_who_guards_an_update_and_who_needs_it(text, is_guard, needs_update):
    assert (Condition(text).is_guard, Condition(text).needs_update) == (is_guard, needs_update)


def test_a_function_is_asked_with_the_report():
    condition = as_condition(lambda report: report.logs["accuracy"] >= 0.5)
    assert condition.holds(reported()) is True
    assert condition.holds(reported(StepReport(6, 0, 5, 2.5, {"accuracy": 0.25}, 2, 0.1))) is False
    assert condition.holds(reported(None)) is None
    assert (condition.is_guard, condition.needs_vitals, condition.needs_update) == (False, False, True)
    assert (condition.names, condition.tensors) == (frozenset(), frozenset())


@pytest.mark.parametrize("result", [np.True_, 1, np.array([True]), "yes"])
def test_what_a_function_returns_is_taken_as_python_takes_it(result):
    assert as_condition(lambda report: result).holds(reported()) is True


def test_a_function_is_called_by_its_name():
    def too_slow(report):
        return report.seconds > 1

    class Watch:
        def __call__(self, report):
            return True

    assert as_condition(too_slow).text == "too_slow(report)"
    assert as_condition(Watch()).text == "Watch(report)"
    assert as_condition(too_slow) == as_condition(too_slow) != as_condition(lambda report: True)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda report: report.logs["acuracy"] > 1, r"<lambda>\(report\) raised KeyError: 'acuracy'"),
        (lambda report: None, r"<lambda>\(report\) must return True or False, and returned None"),
        (lambda report: np.zeros(2) > 1, r"<lambda>\(report\) raised ValueError: The truth value of an array"),
        (lambda: True, r"<lambda>\(report\) raised TypeError"),
    ],
)
def test_r03_a_function_that_fails_breaks(function, said):
    with pytest.raises(ConditionBroken, match=said):
        as_condition(function).holds(reported())


def test_an_interrupt_in_a_function_is_nobodys_fault():
    def interrupted(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        as_condition(interrupted).holds(reported())


def test_a_condition_is_a_text_or_a_function():
    condition = Condition("nan")
    function = CallableCondition(len)
    assert as_condition(condition) is condition
    assert as_condition(function) is function
    assert as_condition("nan") == condition
    for wrong in (None, 3, True, ["nan"], b"nan", bool):
        with pytest.raises(InvalidArgumentError, match="`condition` must be a text, or a function"):
            as_condition(wrong)
    with pytest.raises(NotACondition):
        as_condition("loss")
