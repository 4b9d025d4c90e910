"""A long line becomes short, with every extreme and every gap."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.decimate import decimate, without_pauses


@given(st.integers(1, 5000), st.integers(4, 600), st.integers(0, 10**6))
def test_extremes_and_ends_stay(n, n_points, seed):
    values = np.random.default_rng(seed).standard_normal(n)
    x, y = decimate(np.arange(n), values, n_points)
    assert len(x) <= max(n_points, 4)
    assert (np.diff(x) > 0).all()
    assert {values.min(), values.max()} <= set(y)
    assert (x[0], x[-1]) == (0, n - 1)


def test_a_gap_stays_a_gap_and_an_infinity_stays():
    values = np.ones(6000)
    values[3000:4000] = math.nan
    values[5500] = math.inf
    x, y = decimate(np.arange(6000), values, 100)
    assert np.isnan(y[(x > 3100) & (x < 3900)]).all()
    assert np.isinf(y).sum() == 1


def test_a_metric_of_validation_is_a_line_and_a_nan_loss_is_a_gap():
    steps = np.arange(1, 101)
    validation = np.full(100, math.nan)
    validation[9::10] = 0.5
    assert without_pauses(steps, validation)[0].tolist() == list(range(10, 101, 10))
    loss = np.ones(100)
    loss[40:] = math.nan
    assert without_pauses(steps, loss)[0] is steps
