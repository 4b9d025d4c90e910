"""Asked quickly, a condition holds or does not exactly where its answer says so and nothing else."""

import math

import pytest
from hypothesis import given, settings

from nnviz_widgets.core.conditions.condition import CallableCondition, Condition
from nnviz_widgets.core.conditions.evaluate import NO, YES, answer
from nnviz_widgets.core.conditions.quick import Unclear, holding
from nnviz_widgets.core.conditions.tree import written
from nnviz_widgets.errors import ConditionBroken
from tests.core.conditions.texts import Step, conditions, steps


class Table:
    """Reads the numbers of a `Step` one by one."""

    def number(self, name):
        return lambda step: a_float(step.number(name))

    def statistic(self, *of):
        return lambda step: a_float(step.statistic(*of))

    def non_finite(self, step):
        if step.non_finite is None:
            raise Unclear
        return step.non_finite


def a_float(value):
    if type(value) is not float:
        raise Unclear
    return value


def quickly(text, step):
    """Say whether a condition holds, `None` where more is to be said of it."""
    try:
        return holding(Condition(text), Table())(step)
    except Unclear:
        return None


@settings(max_examples=1000)
@given(conditions, steps(missing=True))
def test_what_is_said_quickly_is_the_whole_answer(tree, step):
    slow = answer(tree, step)
    quick = quickly(written(tree), step)
    if quick is None:
        assert slow.missing is not None or slow.nan is not None
    else:
        assert slow is (YES if quick else NO)


@settings(max_examples=500)
@given(conditions, steps())
def test_nothing_is_unclear_of_finite_numbers(tree, step):
    slow = answer(tree, step)
    if slow.nan is None:
        assert quickly(written(tree), step) is slow.holds


@pytest.mark.parametrize("value", [None, "high", 4, math.nan])
@pytest.mark.parametrize("text", ["accuracy > 3", "0 < accuracy < 3", "accuracy + 1 > loss", "not accuracy > 3"])
def test_r03_what_is_to_be_told_is_not_passed_over(text, value):
    assert quickly(text, Step({"loss": 1.0, "accuracy": value})) is None


def test_what_comes_later_in_a_condition_is_not_looked_at():
    step = Step({"loss": 1.0})
    assert quickly("loss > 3 and accuracy > 3", step) is False
    assert quickly("loss < 3 or accuracy > 3", step) is True
    assert quickly("accuracy > 3 and loss > 3", step) is None


def test_a_function_of_the_users_is_asked_slowly():
    with pytest.raises(Unclear):
        holding(CallableCondition(lambda report: True), Table())(Step())


def test_r03_what_a_value_raises_goes_on():
    class Broken(Table):
        def number(self, name):
            def read(step):
                raise ConditionBroken("none")

            return read

    with pytest.raises(ConditionBroken):
        holding(Condition("loss > 3"), Broken())(Step())
