from __future__ import annotations

import zlib

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnviz_widgets.pictures.encoding import bfloat16_bits
from nnviz_widgets.protocol import GUTTER_BITS, NAN_BITS
from nnviz_widgets.sharing.codec import base64_text, byte_planes, deflated, with_palette
from tests.sharing.files import inflate, values

SPECIAL = np.array([0x0000, 0x8000, 0x7F80, 0xFF80, NAN_BITS, GUTTER_BITS, 0x7F7F, 0xFF7F, 0x0001], "u2")


def decoded(bits):
    """The cells that a page makes of a palette and its bytes."""
    packed = with_palette(bits.astype("<u2").tobytes())
    assert packed is not None
    palette = np.frombuffer(packed[1], "<u2")
    assert len(palette) <= 256
    return palette[np.frombuffer(packed[0], np.uint8)]


def bits_of(numbers):
    return bfloat16_bits(np.ascontiguousarray(numbers, "f4").ravel())


def test_deflate_is_raw_and_whole():
    data = bytes(range(256)) * 50
    assert inflate(deflated(data)) == data
    with pytest.raises(zlib.error):
        zlib.decompress(deflated(data))
    assert inflate(deflated(b"")) == b""


@pytest.mark.parametrize("n", range(7))
def test_base64_is_padded_so_that_chunks_can_follow_each_other(n):
    assert len(base64_text(b"x" * n)) % 4 == 0


def test_bytes_of_one_weight_lie_beside_each_other():
    assert byte_planes(np.array([0x0102, 0x0304, 0x0506], "<u2").tobytes(), 2) == bytes([2, 4, 6, 1, 3, 5])


def test_few_patterns_are_exact():
    bits = np.tile(np.concatenate([SPECIAL, bits_of(np.linspace(-3, 3, 200))]), 20)
    assert np.array_equal(decoded(bits), bits)


def test_few_cells_get_no_palette():
    assert with_palette(bits_of(np.arange(512)).astype("<u2").tobytes()) is None


def test_what_is_special_is_exact_among_many_others():
    rng = np.random.default_rng(0)
    bits = bits_of(rng.standard_normal(50_000))
    bits[rng.integers(0, bits.size, 400)] = rng.choice(SPECIAL[[0, 2, 3, 4, 5]], 400)
    found = decoded(bits)
    special = np.isin(bits, SPECIAL[[0, 2, 3, 4, 5]])
    assert special.sum() > 300
    assert np.array_equal(found[special], bits[special])
    assert np.isin(found[~special], SPECIAL[2:6]).sum() == 0


@pytest.mark.parametrize("draw", ["standard_normal", "standard_cauchy", "standard_exponential", "random"])
def test_a_cell_is_off_by_less_than_a_shade(draw):
    numbers = getattr(np.random.default_rng(1), draw)(100_000)
    bits = bits_of(numbers)
    wanted, found = values(bits), values(decoded(bits))
    low, high = np.percentile(wanted, [1, 99])
    within = (wanted >= low) & (wanted <= high)
    assert np.abs(found - wanted)[within].max() <= (high - low) / 100
    assert (found.min(), found.max()) == (wanted.min(), wanted.max())


def test_a_greater_cell_is_never_drawn_as_a_smaller_one():
    wanted = values(bits_of(np.random.default_rng(2).standard_cauchy(20_000)))
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(values(decoded(bits_of(wanted)))[order]) >= 0).all()


def test_all_patterns_at_once():
    bits = np.arange(1 << 16, dtype="u2")
    numbers = bits.view(ml_dtypes.bfloat16).astype("f4")
    found = values(decoded(bits_of(numbers)))
    finite = np.isfinite(numbers)
    assert np.array_equal(np.isnan(found), np.isnan(numbers))
    assert np.array_equal(found[np.isinf(numbers)], numbers[np.isinf(numbers)])
    assert np.isfinite(found[finite]).all()
    assert np.array_equal(np.sign(found[numbers == 0]), np.zeros(2))


@given(arrays("u2", st.integers(513, 900), elements=st.integers(0, 0xFFFF)))
def test_any_cells(bits):
    bits = bits_of(bits.view(ml_dtypes.bfloat16).astype("f4"))
    wanted, found = values(bits), values(decoded(bits))
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    infinite = np.isinf(wanted)
    assert np.array_equal(found[infinite], wanted[infinite])
    assert np.isfinite(found[np.isfinite(wanted)]).all()
