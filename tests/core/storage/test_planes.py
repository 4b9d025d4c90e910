"""Planes of bytes, each compressed as it pays: what pays is found, and nothing is lost either way."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.storage.blobs import Encoder, decode, raw_bytes
from nnviz_widgets.core.storage.planes import RETRY, Plan, Tools, joined, unpacked

N = 20_000
RNG = np.random.default_rng(0)


def weights(n=N):
    """Return noise whose exponents are alike."""
    return RNG.normal(size=n).astype(np.float32)


def sparse(n=N):
    """Return the same where half of it is zero in long runs."""
    return weights(n) * np.repeat(RNG.integers(2, size=n // 100), 100).astype(np.float32)


def methods(array, base=None):
    """Return what was chosen for each plane of an array."""
    plan = Plan()
    Encoder().encode(array, base, plan)
    return [method.__name__ for method in plan._methods]


def test_last_digits_stay_as_they_are_and_exponents_are_compressed():
    assert methods(weights()) == ["raw", "raw", "raw", "entropy"]


def test_where_zeros_alone_can_be_gained_no_entropy_code_is_built():
    assert methods(sparse())[:2] == ["runs", "runs"]


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("make", [weights, sparse, np.zeros, np.arange])
def test_large_arrays_come_back_bit_by_bit(dtype, make):
    encoder, plan, of_difference = Encoder(), Plan(), Plan()
    with np.errstate(all="ignore"):
        arrays = [make(N).astype(dtype) for _ in range(3)]
    for array in arrays:
        assert decode(encoder.encode(array, None, plan)).tobytes() == array.tobytes()
        base = raw_bytes(arrays[0])
        assert decode(encoder.encode(array, base, of_difference), base).tobytes() == array.tobytes()


def test_what_pays_is_tried_again_after_a_while():
    encoder, plan = Encoder(), Plan()
    for _ in range(RETRY):
        encoder.encode(weights(), None, plan)
    zeros = np.zeros(N, np.float32)
    assert len(encoder.encode(zeros, None, plan).data) < N // 100
    plan = Plan()
    encoder.encode(weights(), None, plan)
    stuck = encoder.encode(zeros, None, plan)
    assert len(stuck.data) > 3 * N, "until then it is as it was found to pay"
    assert decode(stuck).tobytes() == zeros.tobytes()


def test_few_bytes_that_do_not_pay_are_not_tried_each_time():
    encoder, plan = Encoder(), Plan()
    noise = [RNG.integers(256, size=2000).astype(np.uint8) for _ in range(2)]
    for array in [*noise, np.zeros(2000, np.uint8)]:
        blob = encoder.encode(array, None, plan)
        assert len(blob.data) == 2000
        assert decode(blob).tobytes() == array.tobytes()


def test_memory_that_is_used_again_is_in_no_blob():
    encoder = Encoder()
    arrays = [weights(), sparse(), weights(N // 2), weights(N)]
    blobs = [encoder.encode(array, raw_bytes(arrays[1]) if array.size == N else None) for array in arrays]
    for array, blob in zip(arrays, blobs, strict=True):
        assert decode(blob, raw_bytes(arrays[1])).tobytes() == array.tobytes()


@pytest.mark.parametrize("n_planes", [1, 2, 4, 16])
def test_planes_as_such(n_planes):
    planes = RNG.integers(3, size=(n_planes, 5000)).astype(np.uint8)
    data = joined(planes, Plan(), Tools())
    assert len(data) < planes.size // 2
    np.testing.assert_array_equal(unpacked(data, n_planes, planes.size).reshape(-1, n_planes).T, planes)
