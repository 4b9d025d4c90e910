"""Where the axes of a tensor lie."""

import itertools

import numpy as np
import pytest

from nnviz_widgets.core.grammar import Grammar
from nnviz_widgets.pictures.layout import MOST_TILED_ROWS, lay_out

GATES = Grammar(blocks=("update", "reset", "candidate"))
DEPTHWISE = Grammar(joined=2)


@pytest.mark.parametrize(
    ("shape", "axes", "neuron_axis", "kind", "expected"),
    [
        ((784, 128), ("in", "neuron"), 1, "weights", (784, 128, 1)),
        ((16, 128), ("sample", "neuron"), 1, "activations", (16, 128, 1)),
        ((128,), ("neuron",), 0, "weights", (1, 128, 1)),
        ((), (), None, "weights", (1, 1, 0)),
        ((16,), ("sample",), None, "activations", (16, 1, 0)),
        ((5, 7), ("a", "b"), None, "weights", (5, 7, 0)),
        ((3, 3, 2, 8), ("y", "x", "in", "filter"), 3, "weights", (2 * 4, 8 * 4, 4)),
        ((1, 1, 2, 8), ("y", "x", "in", "filter"), 3, "gradients", (2, 8, 1)),
        ((3, 1, 2, 8), ("y", "x", "in", "filter"), 3, "weights", (2 * 4, 8 * 2, 2)),
        ((16, 26, 27, 8), ("sample", "y", "x", "filter"), 3, "activations", (26, 8 * 28, 28)),
        ((3, 3, 8, 2), ("y", "x", "filter", "in"), 2, "weights", (2 * 4, 8 * 4, 4)),
        ((5, 4, 8), ("time", "in", "filter"), 2, "weights", (4 * 6, 8, 1)),
        ((16, 10, 32), ("sample", "time", "neuron"), 2, "activations", (10, 32, 1)),
        ((2, 3, 4, 5, 6, 7, 8), tuple("abcdefg"), 6, "weights", (7, 8, 1)),
        ((3, 4, 5, 2, 8), ("z", "y", "x", "in", "filter"), 4, "weights", (2 * 5, 8 * 6, 6)),
        ((9, 3, 4, 5, 8), ("sample", "z", "y", "x", "filter"), 4, "activations", (4, 8 * 6, 6)),
        ((6, 2, 3), ("in", "head", "dim"), None, "weights", (6, 3, 0)),
        ((2, 3, 6), ("head", "dim", "neuron"), 2, "weights", (3, 6, 1)),
        ((9, 2, 4, 5), ("sample", "head", "query", "key"), None, "activations", (4, 5, 0)),
        ((4, 5, 6), ("y", "x", "filter"), 2, "weights", (4, 6 * 6, 6)),
    ],
)
def test_N05_sides_of_every_rank(shape, axes, neuron_axis, kind, expected):
    layout = lay_out(shape, axes, neuron_axis, kind)
    assert (layout.rows.full, layout.cols.full, layout.neuron_cols) == expected
    off_picture = [each.size for each in layout.further]
    off_picture += [] if layout.sample_axis is None else [shape[layout.sample_axis]]
    assert layout.arrange(np.zeros(shape)).size * np.prod(off_picture, dtype=int) == np.prod(shape, dtype=int)


@pytest.mark.parametrize(
    ("shape", "axes", "neuron_axis", "grammar", "expected"),
    [
        ((5, 12), ("in", "neuron"), 1, GATES, (3 * 6, 4, 1)),
        ((12,), ("neuron",), 0, GATES, (3, 4, 1)),
        ((2, 12), ("bias", "neuron"), 1, GATES, (2 * 4, 4, 1)),
        ((3, 3, 2, 12), ("y", "x", "in", "filter"), 3, GATES, (3 * 2 * 4, 4 * 4, 4)),
        ((13,), ("neuron",), 0, GATES, (1, 13, 1)),
        ((3, 3, 4, 2), ("y", "x", "in", "multiplier"), 3, DEPTHWISE, (3, 8 * 4, 4)),
        ((5, 4, 2), ("time", "in", "multiplier"), 2, DEPTHWISE, (5, 8, 1)),
        ((3, 3, 4, 2), ("y", "x", "in", "multiplier"), 3, Grammar(joined=2, own=False), (3, 8 * 4, 0)),
    ],
)
def test_gates_are_blocks_of_rows_and_joined_axes_one_run_of_columns(shape, axes, neuron_axis, grammar, expected):
    layout = lay_out(shape, axes, neuron_axis, "weights", grammar=grammar)
    assert (layout.rows.full, layout.cols.full, layout.neuron_cols) == expected
    assert layout.n_neurons == (0 if not grammar.own else layout.cols.sizes[0])


def test_blocks_are_labelled():
    (gate, inputs) = lay_out((5, 12), ("in", "neuron"), 1, "weights", grammar=GATES).rows.dimensions
    assert (gate.name, gate.size, gate.labels) == ("gate", 3, ["update", "reset", "candidate"])
    assert (inputs.name, inputs.size, inputs.labels) == ("in", 5, [])


def test_labels_of_an_axis_go_along_wherever_it_lies():
    grammar = Grammar(labels={"head": ("a", "b"), "in": ("r", "g", "b")})
    layout = lay_out((3, 2, 4), ("in", "head", "dim"), None, "weights", grammar=grammar)
    assert layout.rows.dimensions[0].labels == ["r", "g", "b"]
    assert layout.further[0].labels == ["a", "b"]


EVERY_GRAMMAR = [
    ((3, 2, 4, 5), ("y", "x", "in", "filter"), 3, "weights", Grammar()),
    ((6, 3, 2, 5), ("sample", "y", "x", "filter"), 3, "activations", Grammar()),
    ((6, 5, 3, 2), ("sample", "filter", "y", "x"), 1, "activations", Grammar()),
    ((6, 4, 5), ("sample", "time", "neuron"), 2, "activations", Grammar()),
    ((4, 5), ("in", "neuron"), 1, "weights", Grammar()),
    ((2, 3, 4, 5), tuple("abcd"), None, "weights", Grammar()),
    ((2, 3, 4, 2, 5), ("z", "y", "x", "in", "filter"), 4, "weights", Grammar()),
    ((4, 2, 3), ("in", "head", "dim"), None, "gradients", Grammar()),
    ((4, 2, 3, 5), ("sample", "head", "query", "key"), None, "activations", Grammar()),
    ((4, 2, 3), ("time", "filter", "in"), 1, "weights", Grammar()),
    ((4, 6), ("in", "neuron"), 1, "weights", GATES),
    ((2, 6), ("bias", "neuron"), 1, "gradients", GATES),
    ((2, 3, 2, 6), ("y", "x", "in", "filter"), 3, "weights", GATES),
    ((2, 3, 4, 2), ("y", "x", "in", "multiplier"), 3, "weights", DEPTHWISE),
    ((3, 2, MOST_TILED_ROWS, 2), ("y", "x", "in", "filter"), 3, "weights", Grammar()),
    ((7,), ("sample",), None, "activations", Grammar()),
    ((), (), None, "weights", Grammar()),
]


@pytest.mark.parametrize(("shape", "axes", "neuron_axis", "kind", "grammar"), EVERY_GRAMMAR)
def test_every_value_is_at_one_cell_and_the_picture_shows_it_there(shape, axes, neuron_axis, kind, grammar):
    """The quick arrangement against a slow loop over the cells, at every place of every slider."""
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    start = lay_out(shape, axes, neuron_axis, kind, grammar=grammar)
    names = [each.name for each in start.further]
    samples = range(1 if start.sample_axis is None else shape[start.sample_axis])
    seen = []
    for sample, *places in itertools.product(samples, *(range(each.size) for each in start.further)):
        at = dict(zip(names, places, strict=True))
        layout = lay_out(shape, axes, neuron_axis, kind, sample, at, grammar)
        tiles = layout.arrange(array)
        for row, column in itertools.product(range(-1, layout.rows.full + 1), range(-1, layout.cols.full + 1)):
            index = layout.index(row, column)
            if index is None:
                assert layout.text(array, row, column) == ""
                continue
            down, right = divmod(row, layout.rows.pitch), divmod(column, layout.cols.pitch)
            assert array[index] == tiles[(*down, *right)]
            assert layout.rows.cell(layout.rows.index(row)) == row
            assert layout.cols.cell(layout.cols.index(column)) == column
            seen.append(int(array[index]))
    assert sorted(seen) == list(range(array.size))


@pytest.mark.parametrize("grammar", [Grammar(), GATES])
def test_columns_of_one_neuron_hold_the_values_of_that_neuron_alone(grammar):
    layout = lay_out((2, 3, 4, 6), ("y", "x", "in", "filter"), 3, "weights", grammar=grammar)
    n_units = 6 // max(1, len(grammar.blocks))
    assert layout.n_neurons == n_units
    for row, column in itertools.product(range(layout.rows.full), range(layout.cols.full)):
        index = layout.index(row, column)
        if index is not None:
            assert index[3] % n_units == column // layout.neuron_cols


def test_planes_of_many_input_channels_are_looked_at_one_by_one():
    few = lay_out((3, 3, MOST_TILED_ROWS // 4, 8), ("y", "x", "in", "filter"), 3, "weights")
    assert not few.further
    many = lay_out((3, 3, MOST_TILED_ROWS // 4 + 1, 8), ("y", "x", "in", "filter"), 3, "weights", at={"in": 7})
    assert [(each.name, each.size, each.index) for each in many.further] == [("in", MOST_TILED_ROWS // 4 + 1, 7)]
    assert many.index(2, 5) == (2, 1, 7, 1)
    single_values = lay_out((1, 1, 9999, 8), ("y", "x", "in", "filter"), 3, "weights")
    assert (single_values.rows.full, single_values.further) == (9999, ())


def test_places_beyond_the_tensor_are_the_last_ones():
    assert lay_out((4, 3, 5), ("sample", "time", "neuron"), 2, "activations", sample=99).sample == 3
    beyond = lay_out((4, 3, 5), ("in", "head", "dim"), None, "weights", at={"head": 99, "nobody": 1})
    assert [each.index for each in beyond.further] == [2]


def test_a_tensor_larger_than_memory_is_arranged_without_a_copy():
    huge = np.broadcast_to(np.float32(1), (100_000, 100_000))
    layout = lay_out(huge.shape, ("in", "neuron"), 1, "weights", grammar=Grammar(blocks=("a", "b", "c", "d")))
    assert layout.arrange(huge).shape == (4, 100_000, 1, 25_000)
