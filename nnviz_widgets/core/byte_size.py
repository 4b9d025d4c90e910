"""How large something in memory is, in words."""

from __future__ import annotations


def byte_size(n_bytes: int) -> str:
    """Return a number of bytes with three digits and its unit of thousands, such as `"1.07 GB"`."""
    size, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if size < 999.5:  # from there on three digits are 1000
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}" if size < 999.5 else f"{size:.0f} {unit}"
