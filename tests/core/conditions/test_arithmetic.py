"""Arithmetic of conditions is numpy's in float64, which is IEEE 754's, and never raises."""

import operator
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.conditions.arithmetic import OPERATORS
from nnviz_widgets.core.conditions.evaluate import answer
from nnviz_widgets.core.conditions.parse import parse
from tests.core.conditions.texts import Step

NUMPYS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 1e308, -1e308, 5e-324, np.inf, -np.inf, np.nan]


def bits(value):
    """Return what tells a value from every other, zeros from each other too; all NaN are one."""
    return "nan" if value != value else struct.pack("d", value)


def same_as_numpy(sign, a, b):
    with np.errstate(all="ignore"):
        expected = NUMPYS[sign](np.float64(a), np.float64(b))
    found = OPERATORS[sign](a, b)
    assert type(found) is float
    assert bits(found) == bits(float(expected)), (a, sign, b, found, expected)


@pytest.mark.parametrize("sign", OPERATORS)
def test_special_values_give_what_numpy_gives(sign):
    for a in SPECIAL:
        for b in SPECIAL:
            same_as_numpy(sign, a, b)


@given(st.sampled_from(sorted(OPERATORS)), st.floats(), st.floats() | st.integers(-50, 50).map(float))
def test_any_values_give_what_numpy_gives(sign, a, b):
    same_as_numpy(sign, a, b)


def test_r02_powers_of_powers_are_infinite_and_no_long_numbers():
    """As a whole number 9**9**9 has 370 million digits."""
    assert answer(parse("9**9**9 > loss"), Step({"loss": 1e308})).holds is True
    assert answer(parse("9**9**9**9**9 == 9**9**9 + loss"), Step({"loss": 1.0})).holds is True
    assert answer(parse("(-9)**9**9 < -1e308 * step"), Step({"step": 1.0})).holds is True
