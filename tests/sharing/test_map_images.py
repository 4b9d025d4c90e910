from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from nnviz_widgets.core.frame import Frame, TensorKey
from nnviz_widgets.pictures.picture import picture
from nnviz_widgets.sharing.map_images import Scale, colors_of, png, scale_of, size_of_cells, words_of

BLUE, WHITE, RED = (5, 48, 97), (247, 247, 247), (103, 0, 31)


def plane_of(array, kind="weights", axes=("in", "neuron")):
    """The header and the cells of the picture of an array."""
    array = np.asarray(array, np.float32)
    drawn = picture(Frame(TensorKey("d", kind), 1, array, axes, array.ndim - 1))
    plane, data = drawn.draw(256, 256, "f32")
    return plane, np.frombuffer(data, "<u4").reshape(plane.rows, plane.cols)


def test_colours_diverge_around_zero_and_have_marks_for_what_is_no_number():
    values = np.array([[-2, -1, 0], [1, 2, np.nan], [np.inf, -np.inf, 0.5]], np.float32)
    colors = colors_of(plane_of(values)[1], Scale(-1, 1, "diverging-light"))
    assert [tuple(cell) for cell in colors[0]] == [BLUE, BLUE, (247, 247, 247)]
    assert [tuple(cell) for cell in colors[1]] == [RED, RED, (0xFF, 0x00, 0xE5)]
    assert [tuple(cell) for cell in colors[2, :2]] == [(0x7E, 0xE0, 0x00), (0x00, 0xD9, 0xC0)]
    assert tuple(colors[2, 2]) not in (WHITE, RED)


def test_gaps_between_tiles_are_white():
    plane, cells = plane_of(np.ones((2, 2, 3, 4)), axes=("y", "x", "in", "neuron"))
    assert plane.gutter
    assert (colors_of(cells, Scale(-1, 1, "diverging-light"))[2] == 255).all()


def test_one_scale_for_all_pictures():
    planes = [plane_of([[size, -size / 2]])[0] for size in (1.0, 4.0, 2.0)]
    assert scale_of(planes) == Scale(-4.0, 4.0, "diverging-light")


def test_activations_that_are_never_below_zero_begin_at_white():
    plane, cells = plane_of([[0.0, 3.0]], "activations", ("sample", "neuron"))
    scale = scale_of([plane])
    assert scale == Scale(0.0, 3.0, "sequential-light")
    assert [tuple(cell) for cell in colors_of(cells, scale)[0]] == [WHITE, (0x0A, 0x2A, 0x66)]
    below, _ = plane_of([[-1.0, 3.0]], "activations", ("sample", "neuron"))
    assert scale_of([plane, below]) == Scale(-3.0, 3.0, "diverging-light")


def test_without_a_finite_value_there_is_no_scale_and_still_a_picture():
    plane, cells = plane_of([[np.nan, np.inf]])
    assert scale_of([plane]) is None
    assert colors_of(cells, None).shape == (1, 2, 3)
    assert "No value is finite." in words_of(plane, None)


@pytest.mark.parametrize("value", [0.0, np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal])
def test_extreme_scales(value):
    plane, cells = plane_of([[value, -value]])
    colors = colors_of(cells, scale_of([plane]))
    assert [tuple(cell) for cell in colors[0]] == ([WHITE, WHITE] if value == 0 else [RED, BLUE])


def test_a_cell_is_so_many_pixels_high_and_wide():
    cells = np.random.default_rng(0).integers(0, 256, (3, 5, 3)).astype(np.uint8)
    width, height, data = png(cells, (7, 4))
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    assert pixels.shape == (height, width, 3) == (21, 20, 3)
    np.testing.assert_array_equal(pixels, np.kron(cells, np.ones((7, 4, 1), np.uint8)))


@pytest.mark.parametrize(
    ("shape", "axes", "size"),
    [
        ((200, 16), ("in", "neuron"), (2, 32)),
        ((2, 3), ("in", "neuron"), (64, 64)),
        ((600, 600), ("in", "neuron"), (2, 2)),
        ((4, 4, 3, 16), ("y", "x", "in", "neuron"), (6, 6)),
    ],
)
def test_maps_fill_the_image_and_tiles_are_square(shape, axes, size):
    assert size_of_cells(plane_of(np.ones(shape), axes=axes)[0]) == size


def test_words_say_what_lies_where_and_what_a_cell_stands_for():
    plane, _ = plane_of(np.linspace(-1, 1, 600 * 4).reshape(600, 4))
    words = words_of(plane, Scale(-0.5, 0.5, "diverging-light"))
    assert words.startswith("Rows: in. Columns: neuron. Blue is -0.5 and below, white 0, red 0.5 and above")
    assert "A cell stands for 3 by 1 values: the one farthest from 0." in words
