"""The slow and obvious way from a tensor to the cells of its picture, value by value, and back from bytes to cells.

It reads where a cell lies from the plane's header alone, as the front end does.
"""

from __future__ import annotations

import cmath
import math

import ml_dtypes
import numpy as np

from nnviz_widgets.protocol import GUTTER_BITS
from tests.core.test_pooling import one_cell

GAP = "gap"
F32_MAX = float(np.finfo("f4").max)
F64_MAX = float(np.finfo("f8").max)
BF16_MAX = float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)


def decoded(plane, buffer):
    """The cells of a plane as nested lists of Python floats, and `GAP` where there is no value."""
    bits = np.frombuffer(buffer, "<u4" if plane.encoding == "f32" else "<u2").reshape(plane.rows, plane.cols)
    gap = GUTTER_BITS << 16 if plane.encoding == "f32" else GUTTER_BITS
    values = bits.view("<f4") if plane.encoding == "f32" else bits.view(ml_dtypes.bfloat16)
    return [
        [GAP if bits[at] == gap else float(values[at]) for at in ((row, col) for col in range(plane.cols))]
        for row in range(plane.rows)
    ]


def on_the_wire(value, encoding):
    """What is left of a real number on the wire."""
    if math.isnan(value) or math.isinf(value):
        return value
    single = float(np.float32(min(max(value, -F32_MAX), F32_MAX)))
    if encoding == "f32":
        return single
    short = float(np.float32(single).astype(ml_dtypes.bfloat16))
    return math.copysign(BF16_MAX, single) if math.isinf(short) else short


def number(value):
    """A scalar of any dtype as a Python number, float or complex."""
    return complex(value) if np.asarray(value).dtype.kind == "c" else float(value)


def real(value, part="abs"):
    """What is drawn of a number."""
    if not isinstance(value, complex):
        return value
    if part in ("abs", "phase") and cmath.isnan(value):
        return math.nan
    if part == "abs":
        return min(math.hypot(value.real, value.imag), F64_MAX) if cmath.isfinite(value) else math.inf
    return math.atan2(value.imag, value.real) if part == "phase" else getattr(value, part)


def difference(value, earlier):
    """What a comparison shows of two numbers."""
    with np.errstate(all="ignore"):
        return type(value)(np.subtract(value, earlier))


def truth_of_all(array, earlier=None, part="abs"):
    """Every drawn value of a tensor, in its order, as floats."""
    values = [number(array[index]) for index in np.ndindex(*array.shape)]
    if earlier is not None:
        others = [number(earlier[index]) for index in np.ndindex(*array.shape)]
        values = [difference(value, other) for value, other in zip(values, others, strict=True)]
    return [real(value, part) for value in values]


def full_picture(layout, shape, values, order=None):
    """The full picture, gaps included: `values` are all of a tensor, `order` is the neuron at each place."""
    cells = []
    for row in range(layout.rows.full):
        cells.append([])
        for column in range(layout.cols.full):
            source = column
            if order is not None:
                place, within = divmod(column, layout.neuron_cols)
                source = int(order[place]) * layout.neuron_cols + within
            index = layout.index(row, source)
            cells[-1].append(GAP if index is None else values[int(np.ravel_multi_index(index, shape)) if shape else 0])
    return cells


def covered(n_cells, factor, axes, gutter, start, shown):
    """For each cell of one side, the full picture's cells that it stands for; `None` for a gap."""
    tiled = gutter and len(axes) > 1
    if not tiled:
        return [range(start + at * factor, min(start + (at + 1) * factor, start + shown)) for at in range(n_cells)]
    tile = axes[-1].size
    if factor > tile:  # whole tiles
        return [range(start + at * factor, min(start + (at + 1) * factor, start + shown)) for at in range(n_cells)]
    cells_per_tile = -(-tile // factor)
    if n_cells != shown // (tile + 1) * (cells_per_tile + 1):  # tiles of one cell whose gaps are gone
        return [range(start + at * (tile + 1), start + at * (tile + 1) + tile) for at in range(n_cells)]
    found = []
    for at in range(n_cells):
        which, within = divmod(at, cells_per_tile + 1)
        first = start + which * (tile + 1)
        last = within == cells_per_tile
        found.append(None if last else range(first + within * factor, first + min((within + 1) * factor, tile)))
    return found


def expected_cells(plane, picture):
    """What a plane must show, cell by cell, of the full picture."""
    down = covered(plane.rows, plane.row_factor, plane.row_axes, plane.gutter, plane.row_start, plane.shown_rows)
    right = covered(plane.cols, plane.col_factor, plane.col_axes, plane.gutter, plane.col_start, plane.shown_cols)
    result = []
    for rows in down:
        result.append([])
        for columns in right:
            if rows is None or columns is None:
                result[-1].append(GAP)
                continue
            block = [picture[row][column] for row in rows for column in columns]
            block = [value for value in block if value is not GAP]
            value = block[0] if plane.reduce == "none" else one_cell(block, plane.reduce)
            result[-1].append(on_the_wire(value, plane.encoding))
    return result


def assert_same_cells(found, expected):
    """Compare cells; NaN is NaN, and the sign of a zero counts where nothing was pooled."""
    assert [len(row) for row in found] == [len(row) for row in expected]
    for row, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        for column, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            same = our is their if GAP in (our, their) else our == their or (our != our and their != their)
            assert same, f"cell {row}, {column}: {our} is drawn, {their} is there"


def first_bad(picture):
    """The first cell that is not finite, row by row."""
    for row, line in enumerate(picture):
        for column, value in enumerate(line):
            if value is not GAP and not math.isfinite(value):
                return row, column
    return None
