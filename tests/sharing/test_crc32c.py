from __future__ import annotations

import random

import pytest

from nnviz_widgets.sharing.crc32c import crc32c


def obvious(record: bytes) -> int:
    """Bit by bit, as the standard says it."""
    remainder = 0xFFFFFFFF
    for byte in record:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("record", "checksum"),
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_values(record, checksum):
    """Of the catalogue of parametrised CRCs, and RFC 3720, B.4."""
    assert crc32c([record]) == [checksum]


def test_records_of_every_length_around_whole_lanes_at_once():
    rng = random.Random(0)
    lengths = [4, 5, 8, 255, 256, 257, 259, 260, 511, 512, 513, 1000, 5000]
    records = [rng.randbytes(length) for length in lengths]
    assert crc32c(records) == [obvious(record) for record in records]


def test_leading_zeros_count():
    records = [bytes(zeros) + b"tail" for zeros in (0, 1, 252, 256)]
    assert crc32c(records) == [obvious(record) for record in records]
    assert len(set(crc32c(records))) == len(records)


def test_no_records():
    assert crc32c([]) == []
