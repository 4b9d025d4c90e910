from __future__ import annotations

from base64 import b64decode

import numpy as np
import pytest

from nnviz_widgets.sharing import chunks as chunks_module
from nnviz_widgets.sharing.chunks import Chunks
from tests.sharing.files import inflate


def read(chunks):
    """The bytes of each chunk, from the text as a page has it."""
    places, parts = chunks.written()
    text = "".join(parts)
    found = [inflate(b64decode(text[place.start : place.start + place.length])) for place in places]
    assert [len(data) for data in found] == [place.n_bytes for place in places]
    assert sum(place.length for place in places) == len(text)
    return found


def test_chunks_lie_one_after_the_other_and_the_same_bytes_once():
    with Chunks() as chunks:
        given = [b"", b"one", bytes(10_000), b"one", b"two"]
        assert [chunks.add(data) for data in given] == [0, 1, 2, 1, 3]
        assert read(chunks) == [b"", b"one", bytes(10_000), b"two"]


def test_arrays_are_little_endian():
    with Chunks() as chunks:
        chunks.add_array(np.array([1, -2]), ">i4")
        chunks.add_array(np.arange(6.0).reshape(2, 3).T, "<f4")
        first, second = read(chunks)
    assert np.frombuffer(first, ">i4").tolist() == [1, -2]
    assert np.frombuffer(second, "<f4").tolist() == [0, 3, 1, 4, 2, 5]


def test_no_more_waits_than_may(monkeypatch):
    monkeypatch.setattr(chunks_module, "MOST_WAITING", 2500)
    monkeypatch.setattr(chunks_module, "BATCH", 1000)
    data = [np.random.default_rng(i).bytes(1000) for i in range(20)]
    with Chunks() as chunks:
        for each in data:
            chunks.add(each)
            assert chunks._n_waiting <= 2500
        assert read(chunks) == data


def test_many_small_chunks_are_few_tasks():
    data = [np.random.default_rng(i).bytes(100) for i in range(6000)]
    with Chunks() as chunks:
        assert [chunks.add(each) for each in data] == list(range(6000))
        assert read(chunks) == data
        assert len(chunks._texts) == 3


def test_what_goes_wrong_in_a_thread_is_raised(monkeypatch):
    def fail(data):
        raise MemoryError("too much")

    monkeypatch.setattr(chunks_module, "deflated", fail)
    with Chunks() as chunks:
        chunks.add(b"x")
        with pytest.raises(MemoryError, match="too much"):
            chunks.written()
