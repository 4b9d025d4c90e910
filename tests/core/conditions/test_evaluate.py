"""The answer to a condition is the one that Python itself would give for its text, in float64."""

import math
import re
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz_widgets.core.conditions.evaluate import Answer, answer
from nnviz_widgets.core.conditions.parse import parse
from nnviz_widgets.core.conditions.tree import STATISTICS, written
from nnviz_widgets.core.frame import KINDS
from nnviz_widgets.errors import ConditionBroken
from tests.core.conditions.texts import LAYERS, Step, conditions, steps

NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?(?:e[+-]?\d+)?)")


def slowly(text, step):
    """Run the text of a condition, which comes from our own grammar, as Python, on numbers of numpy."""
    names = {name: np.float64(value) for name, value in step.numbers.items()}
    tensors = {layer: SimpleNamespace(**{kind: (layer, kind) for kind in KINDS}) for layer in LAYERS}
    functions = {
        statistic: lambda of, statistic=statistic: np.float64(step.statistics[(statistic, *of)])
        for statistic in STATISTICS
    }
    scope = {"float64": np.float64, "nan": step.non_finite, "__builtins__": {}, **names, **tensors, **functions}
    with np.errstate(all="ignore"):
        return bool(eval(NUMBER.sub(r"float64(\1)", text), scope))


@settings(max_examples=500)
@given(conditions, steps())
def test_the_answer_is_that_of_python_itself(tree, step):
    assert answer(tree, step).holds == slowly(written(tree), step)


@pytest.mark.parametrize(
    ("text", "loss", "holds"),
    [
        ("loss > 3", 3.5, True),
        ("loss > 3", 3.0, False),
        ("1 < loss <= 3", 3.0, True),
        ("1 < loss <= 3", 1.0, False),
        ("loss == 0.5", 0.5, True),
        ("loss != 0.5", 0.5, False),
        ("not loss > 3 and loss > 1", 2.0, True),
        ("-2 ** 2 == loss", -4.0, True),
        ("2 ** -1 == loss", 0.5, True),
        ("-7 // 2 == loss", -4.0, True),
        ("-7 % 2 == loss", 1.0, True),
        ("1 / loss > 1e308", 0.0, True),
        ("1 / loss < -1e308", -0.0, True),
        ("loss % 0 == loss % 0", 1.0, False),
    ],
)
def test_precedence_and_values(text, loss, holds):
    assert answer(parse(text), Step({"loss": loss})).holds is holds


@pytest.mark.parametrize(("operator", "holds"), [("<", 0), ("<=", 0), (">", 0), (">=", 0), ("==", 0), ("!=", 1)])
def test_a_comparison_with_nan_is_false_but_for_unequal(operator, holds):
    step = Step({"loss": math.nan})
    assert answer(parse(f"loss {operator} 3"), step) == Answer(bool(holds), None, "loss")
    assert answer(parse(f"3 {operator} loss * 2"), step) == Answer(bool(holds), None, "loss * 2")


def test_r03_the_number_that_became_nan_is_named():
    step = Step({"loss": 0.0, "step": 5.0}, {("l2", "dense", "gradients"): math.nan})
    assert answer(parse("loss > 1 or l2(dense.gradients) > 100"), step).nan == "l2(dense.gradients)"
    assert answer(parse("step > 1 and loss / loss > 1"), step).nan == "loss / loss"
    assert answer(parse("1 < step < 9"), step).nan is None
    assert answer(parse("step > 9 and loss / loss > 1"), step).nan is None  # `and` was decided before


def test_a_value_that_the_step_does_not_have_leaves_it_open():
    step = Step({"loss": 5.0})
    assert answer(parse("val_loss > 3"), step) == Answer(None, "val_loss", None)
    assert answer(parse("not val_loss > 3"), step).holds is None
    assert answer(parse("val_loss + 1 > 3 and loss > 3"), step).holds is None
    assert answer(parse("-l2(dense.weights) > 3"), step) == Answer(None, "l2(dense.weights)", None)
    assert answer(parse("nan"), Step(non_finite=None)) == Answer(None, "nan", None)


def test_what_decides_decides_though_the_rest_is_open():
    step = Step({"loss": 5.0}, non_finite=True)
    assert answer(parse("val_loss > 3 or nan"), step).holds is True
    assert answer(parse("val_loss > 3 and loss < 3"), step).holds is False
    assert answer(parse("val_loss > loss > 9"), step).holds is False


@settings(max_examples=300)
@given(conditions, steps(missing=True), st.lists(st.sampled_from([0.0, 2.0, -7.5, math.inf, math.nan]), min_size=1))
def test_an_answer_does_not_depend_on_what_was_missing(tree, step, fillings):
    found = answer(tree, step).holds
    if found is None:
        return

    def filled(table, value):
        return {name: value if known is None else known for name, known in table.items()}

    for value, flag in product(fillings, [False, True]):
        non_finite = flag if step.non_finite is None else step.non_finite
        full = Step(filled(step.numbers, value), filled(step.statistics, value), non_finite)
        assert answer(tree, full).holds is found


@pytest.mark.parametrize("value", ["high", [1.0], {"a": 1}, np.zeros(2), 10**400])
def test_r03_a_value_that_is_no_number_breaks_it(value):
    with pytest.raises(ConditionBroken, match=f"accuracy is no number but a {type(value).__name__}"):
        answer(parse("accuracy > 3"), Step({"accuracy": value}))


@pytest.mark.parametrize("value", [4, np.float32(4), np.int64(4), True, np.float64(4)])
def test_any_number_is_one(value):
    assert answer(parse("accuracy > 0"), Step({"accuracy": value})).holds is True
