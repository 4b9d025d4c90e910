"""A pooled matrix shows every NaN, every infinity and every extreme."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnviz_widgets.core.pooling import pooled

MATRICES = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(width=32))


def slow(block: np.ndarray, signed: bool) -> float:
    """Say what one cell must show, value by value."""
    if np.isnan(block).any():
        return np.nan
    return float(block.flat[np.argmax(np.abs(block))]) if signed else float(block.max())


@given(MATRICES, st.integers(1, 12), st.integers(1, 12), st.booleans())
def test_each_cell_shows_the_extreme_of_its_block(matrix, max_rows, max_columns, signed):
    cells, n_rows, n_columns = pooled(matrix, max_rows, max_columns, signed=signed)
    assert cells.shape[0] <= max_rows
    assert cells.shape[1] <= max_columns
    for row in range(cells.shape[0]):
        for column in range(cells.shape[1]):
            block = matrix[row * n_rows : (row + 1) * n_rows, column * n_columns : (column + 1) * n_columns]
            expected, found = slow(block, signed), cells[row, column]
            same = np.isnan(found) if np.isnan(expected) else found in (expected, -expected) and found in block
            assert same, (block, found)


def test_a_matrix_that_fits_is_not_changed():
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    cells, n_rows, n_columns = pooled(matrix, 2, 3, signed=True)
    np.testing.assert_array_equal(cells, matrix)
    assert (n_rows, n_columns) == (1, 1)
