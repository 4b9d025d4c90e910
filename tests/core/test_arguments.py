from __future__ import annotations

import pytest

from nnviz_widgets.core.arguments import checked_bytes
from nnviz_widgets.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("given", "n_bytes"),
    [
        (1, 1),
        ("20 MB", 20_000_000),
        ("500kB", 500_000),
        ("1.5 MiB", 1572864),
        (" 7 b ", 7),
        ("12", 12),
        ("1 GB", 10**9),
    ],
)
def test_a_size_is_a_number_or_a_text(given, n_bytes):
    assert checked_bytes("max_bytes", given) == n_bytes


@pytest.mark.parametrize("given", [0, -1, True, 1.5, "", "MB", "20 TB", "-1 MB", "1e9", "0.1 b", None, "9" * 99])
def test_anything_else_is_refused(given):
    with pytest.raises(InvalidArgumentError, match="`max_bytes` must be a number of bytes"):
        checked_bytes("max_bytes", given)
