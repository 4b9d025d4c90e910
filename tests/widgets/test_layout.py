"""Where the axes of a tensor lie."""

import numpy as np
import pytest

from nnviz_widgets.widgets.layout import lay_out


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
        ((5, 4, 8), ("x", "in", "filter"), 2, "weights", (20, 8, 1)),
        ((16, 10, 32), ("sample", "time", "neuron"), 2, "activations", (10, 32, 1)),
        ((2, 3, 4, 5, 6, 7, 8), tuple("abcdefg"), 6, "weights", (5040, 8, 1)),
    ],
)
def test_N05_sides_of_every_rank(shape, axes, neuron_axis, kind, expected):
    layout = lay_out(shape, axes, neuron_axis, kind)
    assert (layout.rows.full, layout.cols.full, layout.neuron_cols) == expected
    size = np.prod(shape) if layout.sample_axis is None else np.prod(shape) // shape[layout.sample_axis]
    assert layout.arrange(np.zeros(shape)).size == size


@pytest.mark.parametrize(
    ("shape", "axes", "kind"),
    [
        ((3, 2, 4, 5), ("y", "x", "in", "filter"), "weights"),
        ((6, 3, 2, 5), ("sample", "y", "x", "filter"), "activations"),
        ((6, 4, 5), ("sample", "time", "neuron"), "activations"),
        ((4, 5), ("in", "neuron"), "weights"),
        ((2, 3, 4, 5), tuple("abcd"), "weights"),
    ],
)
def test_the_index_of_a_cell_finds_the_value_that_is_drawn_there(shape, axes, kind):
    array = np.arange(np.prod(shape)).reshape(shape)
    layout = lay_out(shape, axes, len(shape) - 1, kind, sample=3)
    tiles = layout.arrange(array)
    seen = 0
    for row in range(-1, layout.rows.full + 1):
        for column in range(-1, layout.cols.full + 1):
            index = layout.index(row, column)
            if index is None:
                continue
            seen += 1
            down, right = divmod(row, layout.rows.pitch), divmod(column, layout.cols.pitch)
            assert array[index] == tiles[(*down, *right)]
    assert seen == tiles.size


def test_a_sample_beyond_the_batch_is_the_last_one():
    assert lay_out((4, 3, 5), ("sample", "time", "neuron"), 2, "activations", sample=99).sample == 3
