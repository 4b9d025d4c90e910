"""Bytes in words."""

from __future__ import annotations

import pytest

from nnviz_widgets.core.byte_size import byte_size


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (9_600, "9.6 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (1 << 30, "1.07 GB"),
        (1 << 42, "4398 GB"),
    ],
)
def test_three_digits_and_a_unit(n_bytes: int, text: str) -> None:
    assert byte_size(n_bytes) == text
