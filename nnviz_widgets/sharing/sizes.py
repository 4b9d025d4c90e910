"""Numbers of bytes as a person writes them."""

from __future__ import annotations

from nnviz_widgets.core.arguments import checked_bytes as checked_bytes
