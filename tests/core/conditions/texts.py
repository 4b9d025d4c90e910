"""Conditions of every form, drawn at random as trees."""

from __future__ import annotations

from hypothesis import strategies as st

from nnviz_widgets.core.conditions.arithmetic import COMPARISONS, OPERATORS
from nnviz_widgets.core.conditions.tree import (
    STATISTICS,
    Arithmetic,
    Comparison,
    Junction,
    Name,
    Negation,
    NonFinite,
    Number,
    Signed,
    Statistic,
    walk,
)
from nnviz_widgets.core.frame import KINDS

LAYERS = ("dense", "dense_1")
NAMES = ("loss", "step", "accuracy")

literals = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 9.0, 1e9, 1e300]).map(Number)
statistics = st.builds(
    lambda statistic, layer, kind: Statistic(statistic, layer, "weights" if statistic == "update_ratio" else kind),
    st.sampled_from(STATISTICS),
    st.sampled_from(LAYERS),
    st.sampled_from(KINDS),
)
numbers = st.recursive(
    literals | st.sampled_from(NAMES).map(Name) | statistics,
    lambda below: (
        st.builds(Signed, st.sampled_from("+-"), below)
        | st.builds(Arithmetic, st.sampled_from(sorted(OPERATORS)), below, below)
    ),
    max_leaves=6,
)


@st.composite
def comparisons(draw):
    """Draw two or three numbers and what stands between them."""
    operands = draw(st.lists(numbers, min_size=2, max_size=3))
    operators = draw(
        st.lists(st.sampled_from(sorted(COMPARISONS)), min_size=len(operands) - 1, max_size=len(operands) - 1)
    )
    return Comparison(tuple(operators), tuple(operands))


conditions = st.recursive(
    comparisons() | st.just(NonFinite()),
    lambda below: (
        below.map(Negation)
        | st.builds(Junction, st.sampled_from(["and", "or"]), st.lists(below, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
).filter(lambda tree: any(isinstance(node, Name | Statistic | NonFinite) for node in walk(tree)))
"""Trees of conditions, each of which names something."""

values = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -7.5, 1e9, 1e300, float("inf"), float("-inf"), float("nan")]
)


class Step:
    """The values of one step, from a table; what is not in it, the step does not have."""

    report = None

    def __init__(self, numbers=None, statistics=None, non_finite=False):
        self.numbers, self.statistics, self.non_finite = numbers or {}, statistics or {}, non_finite

    def number(self, name):
        return self.numbers.get(name)

    def statistic(self, statistic, layer, kind):
        return self.statistics.get((statistic, layer, kind))


@st.composite
def steps(draw, missing=False):
    """Draw a step that has all values, or with `missing` only some."""
    value = values | st.none() if missing else values
    everything = [(s, layer, kind) for s in STATISTICS for layer in LAYERS for kind in KINDS]
    drawn = draw(st.lists(value, min_size=8, max_size=8))
    return Step(
        {name: drawn[i] for i, name in enumerate(NAMES)},
        {of: drawn[i % 8] for i, of in enumerate(everything)},
        draw(st.booleans() | st.none() if missing else st.booleans()),
    )
