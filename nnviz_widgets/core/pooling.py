"""Make a large matrix small enough to draw without losing what must be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def pooled(
    matrix: npt.NDArray[Any], max_rows: int, max_columns: int, *, signed: bool
) -> tuple[npt.NDArray[Any], int, int]:
    """Let one value stand for each block of cells: NaN before infinity before the most extreme number.

    Args:
        matrix: Real floats, `(rows, columns)`, with at least one cell.
        max_rows: How many rows the result may have.
        max_columns: How many columns the result may have.
        signed: Whether the most extreme is the one of greatest magnitude, with its sign; otherwise the greatest.

    Returns:
        The pooled matrix, and how many rows and columns one of its cells stands for.
    """
    n_rows, n_columns = -(-matrix.shape[0] // max_rows), -(-matrix.shape[1] // max_columns)
    greatest = _reduced(np.maximum, matrix, n_rows, n_columns)
    if not signed:
        return greatest, n_rows, n_columns
    least = _reduced(np.minimum, matrix, n_rows, n_columns)
    return np.where(-least > greatest, least, greatest), n_rows, n_columns


def _reduced(reduce: np.ufunc, matrix: npt.NDArray[Any], n_rows: int, n_columns: int) -> npt.NDArray[Any]:
    """Reduce rows first, which runs along the memory, then what is left of the columns."""
    rows = reduce.reduceat(matrix, np.arange(0, matrix.shape[0], n_rows), axis=0)
    return np.asarray(reduce.reduceat(rows, np.arange(0, matrix.shape[1], n_columns), axis=1))
