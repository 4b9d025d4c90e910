"""The headers of pictures, each written once however many steps have it."""

from __future__ import annotations

from typing import Any

import msgspec

from nnviz_widgets.protocol import Plane
from nnviz_widgets.sharing.reasons import shared_reason

OF_STEP: dict[str, Any] = {
    "low": None,
    "high": None,
    "clip_low": None,
    "clip_high": None,
    "n_nan": 0,
    "n_posinf": 0,
    "n_neginf": 0,
    "first_bad": None,
    "histogram": [],
}
"""The fields of a header that differ from step to step, and what they are in the one that is written."""


class Headers:
    """Gathers headers, and hands out the index of each."""

    def __init__(self) -> None:
        """Begin without any."""
        self.planes: list[Plane] = []
        self._known: dict[bytes, int] = {}

    def add(self, plane: Plane) -> int:
        """Return the index of a header without what differs from step to step."""
        why = None if plane.missing is None else shared_reason(plane.missing)
        common = msgspec.structs.replace(plane, value=None, missing=why, **OF_STEP)
        name = msgspec.json.encode(common)
        if name not in self._known:
            self._known[name] = len(self.planes)
            self.planes.append(common)
        return self._known[name]


def of_step(plane: Plane) -> dict[str, Any]:
    """Return the fields of a header that differ from step to step."""
    return {name: getattr(plane, name) for name in OF_STEP}
