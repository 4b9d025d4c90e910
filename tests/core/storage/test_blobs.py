from __future__ import annotations

import itertools
import pickle
import tracemalloc
from dataclasses import replace
from struct import pack

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nnviz_widgets.core.storage.blobs import (
    COMPRESSED,
    DTYPES,
    PLANES,
    SHUFFLED,
    Blob,
    Encoder,
    decode,
    raw_bytes,
)
from nnviz_widgets.core.storage.planes import Damaged

SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)


def bits(array):
    return array.dtype, array.shape, array.tobytes()


@st.composite
def arrays(draw, shape=SHAPES):
    """Any bits at all, so that every NaN, subnormal and negative zero comes; of booleans only 0 and 1."""
    name, shape = draw(st.sampled_from(sorted(DTYPES))), draw(shape)
    dtype = DTYPES[name]
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)
    return (raw & 1 if name == "bool" else raw).view(dtype).reshape(shape)


@given(arrays())
def test_every_dtype_and_shape_comes_back_bit_by_bit(array):
    assert bits(decode(Encoder().encode(array))) == bits(array)


@given(arrays(), st.data())
def test_so_does_what_is_stored_as_a_difference(array, data):
    other = data.draw(st.binary(min_size=array.nbytes, max_size=array.nbytes))
    base = np.frombuffer(other, np.uint8)
    assert bits(decode(Encoder().encode(array, base), base)) == bits(array)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.broadcast_to(np.float32(2.5), (3, 4)),
        np.arange(20)[::-3],
        np.array(1.5),
        np.zeros((0, 7), np.complex64),
    ],
    ids=["transposed", "Fortran", "broadcast", "strided", "scalar", "empty"],
)
def test_the_order_in_memory_does_not_matter(array):
    read = decode(Encoder().encode(array))
    assert read.shape == array.shape
    np.testing.assert_array_equal(read, array)
    assert not read.flags.writeable


def test_numbers_with_the_large_end_first_keep_their_values():
    array = np.array([1.5, -2.0, np.nan], ">f4")
    np.testing.assert_array_equal(decode(Encoder().encode(array)), array)


def test_what_changes_little_is_stored_in_fewer_bytes_as_a_difference():
    before = np.random.default_rng(0).normal(size=4096).astype(np.float32)
    after = before * np.float32(1.0001)
    assert len(Encoder().encode(after, raw_bytes(before)).data) < 0.8 * len(Encoder().encode(after).data)


@settings(max_examples=30, deadline=None)
@given(arrays(npst.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=12)))
def test_s04_every_flipped_bit_of_a_blob_is_found(array):
    blob = Encoder().encode(array)
    check = blob.check("dense 7")
    for place, bit in itertools.product(range(len(blob.data)), range(8)):
        data = bytearray(blob.data)
        data[place] ^= 1 << bit
        assert replace(blob, data=bytes(data)).check("dense 7") != check


def test_s04_a_head_that_changed_or_belongs_to_another_is_found():
    blob = Encoder().encode(np.arange(6.0))
    check = blob.check("dense 7")
    changed = [replace(blob, shape="3,2"), replace(blob, dtype="int64"), replace(blob, crc=blob.crc ^ 1)]
    assert [other.check("dense 7") == check for other in changed] == [False] * 3
    assert blob.check("dense 8") != check


def test_s04_wrong_values_never_pass_even_with_a_right_outer_checksum():
    blob = Encoder().encode(np.arange(300.0))
    with pytest.raises(Damaged, match="checksum"):
        decode(replace(blob, crc=blob.crc ^ 1))


def bomb(size):
    """Return a frame of a few bytes that says it holds `size` zeros."""
    compressor = zstandard.ZstdCompressor().compressobj(size=size)
    head = compressor.compress(b"\0" * 1024) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return head


HOSTILE = {
    "pickled": Blob("object", "1", 8, 0, 0, pickle.dumps(print)),
    "structure": Blob("V8", "1", 8, 0, 0, bytes(8)),
    "text": Blob("str", "1", 8, 0, 0, bytes(8)),
    "times": Blob("datetime64", "1", 8, 0, 0, bytes(8)),
    "2**63 numbers": Blob("float32", str(2**63), 2**65, 0, 0, b""),
    "product that wraps": Blob("float32", "4294967296,4294967296", 0, 0, 0, b""),
    "far too large": Blob("float32", "100000,100000", 4 * 10**10, COMPRESSED, 0, b""),
    "negative": Blob("float32", "-1", -4, 0, 0, b""),
    "empty of 2**62 rows": Blob("int8", f"0,{2**59},64", 0, 0, 0, b""),
    "33 axes": Blob("int8", ",".join("1" * 33), 1, 0, 0, b"\0"),
    "no number": Blob("int8", "१", 1, 0, 0, b"\0"),
    "a number in place of a shape": Blob("int8", 4, 4, 0, 0, bytes(4)),
    "no shape": Blob("int8", "0x10", 16, 0, 0, bytes(16)),
    "size that does not fit": Blob("int8", "4", 5, 0, 0, bytes(5)),
    "frame that says more": Blob("float32", "256", 1024, COMPRESSED, 0, bomb(1 << 40)),
    "no frame": Blob("float32", "256", 1024, COMPRESSED, 0, b"not a frame"),
    "planes without lengths": Blob("float32", "256", 1024, PLANES | SHUFFLED, 0, b"\0" * 15),
    "planes of other lengths": Blob("float32", "4", 16, PLANES | SHUFFLED, 0, pack("<4I", 4, 4, 4, 3) + bytes(16)),
    "a plane too long": Blob("float32", "4", 16, PLANES | SHUFFLED, 0, pack("<4I", 4, 4, 3, 5) + bytes(16)),
    "a plane that says more": Blob("uint8", "1024", 1024, PLANES, 0, pack("<I", len(bomb(1 << 40))) + bomb(1 << 40)),
    "a plane that is no frame": Blob("uint8", "64", 64, PLANES, 0, pack("<I", 3) + b"not"),
    "packed twice": Blob("float32", "256", 1024, COMPRESSED | PLANES, 0, bytes(1024)),
    "too short": Blob("float32", "256", 1024, 0, 0, bytes(1000)),
    "unknown coding": Blob("int8", "1", 1, 16, 0, b"\0"),
    "difference from nothing": Blob("int8", "1", 1, 1, 0, b"\0"),
    "null": Blob("int8", "1", 1, 0, 0, None),
}


@pytest.mark.parametrize("blob", HOSTILE.values(), ids=HOSTILE)
def test_s13_a_hostile_head_is_refused_before_anything_is_allocated(blob):
    tracemalloc.start()
    try:
        with pytest.raises(Damaged):
            decode(blob)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
