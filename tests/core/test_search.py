"""The first bad value is the one that a reader of the picture meets first."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz_widgets.core import search
from nnviz_widgets.core.pooling import Take
from nnviz_widgets.core.search import first_bad


def slowly(values, take):
    """Walk through the picture row by row."""
    if take is not None:
        values = values.take(take.indices, axis=take.axis)
    return next((place for place in np.ndindex(*values.shape) if not math.isfinite(values[place])), None)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.tuples(*[st.integers(1, 4)] * 4), st.sampled_from([1, 7, 1 << 18]))
def test_the_first_bad_value_is_its_slow_twin(data, shape, piece):
    values = np.zeros(shape, "f4")
    places = st.tuples(*(st.integers(0, size - 1) for size in shape))
    for place in data.draw(st.lists(places, max_size=4)):
        values[place] = data.draw(st.sampled_from([math.nan, math.inf, -math.inf]))
    axis = data.draw(st.sampled_from([2, 3]))
    order = data.draw(st.none() | st.permutations(range(shape[axis])))
    take = None if order is None else Take(axis, np.array(order))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "BLOCK_VALUES", piece)
        assert first_bad(values, take) == slowly(values, take)


@pytest.mark.parametrize("axis", [1, 3])
def test_a_broadcast_axis_is_looked_at_once(axis):
    line = np.zeros(1000, "f4")
    line[[700, 800]] = math.nan
    shape = (1, 10**6, 1, 1000) if axis == 3 else (1, 1000, 1, 10**6)
    values = np.broadcast_to(line if axis == 3 else line.reshape(1, -1, 1, 1), shape)
    assert first_bad(values) == ((0, 0, 0, 700) if axis == 3 else (0, 700, 0, 0))
    backwards = Take(3, np.arange(values.shape[3])[::-1])
    assert first_bad(values, backwards) == ((0, 0, 0, 199) if axis == 3 else (0, 700, 0, 0))
