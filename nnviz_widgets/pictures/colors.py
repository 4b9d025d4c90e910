"""The colour maps, one diverging around zero and one sequential, each for a light and a dark page.

Declared once: `make protocol` writes `js/src/colors.gen.ts` from this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

COLOR_MAPS = {
    "diverging-light": [
        "#053061",
        "#2166ac",
        "#4393c3",
        "#92c5de",
        "#d1e5f0",
        "#f7f7f7",
        "#fddbc7",
        "#f4a582",
        "#d6604d",
        "#b2182b",
        "#67001f",
    ],
    "diverging-dark": [
        "#62abff",
        "#3f7cc4",
        "#264d7e",
        "#1b2a40",
        "#17191d",
        "#38231b",
        "#77412a",
        "#bb653f",
        "#ff9663",
    ],
    "sequential-light": ["#f7f7f7", "#dbe3ef", "#b3c3dd", "#7d97c3", "#4a6ba6", "#22468a", "#0a2a66"],
    "sequential-dark": ["#17191d", "#2b3558", "#4a5272", "#6f7178", "#9c9466", "#cdba50", "#ffe84d"],
}
"""Evenly spaced colours. The diverging ones are as light at one end as at the other, so neither sign looks larger."""

SPECIAL = {"nan": "#ff00e5", "posinf": "#7ee000", "neginf": "#00d9c0"}
"""Cells that are no number on the scale; none of these colours is in a map."""


def rgb(color: str) -> npt.NDArray[np.float64]:
    """Return red, green and blue of a colour as it is written above, each from 0 to 255."""
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)], float)


def ramp(name: str, levels: int) -> npt.NDArray[np.float64]:
    """Return the colours of a map from its low end to its high one, shape `(levels, 3)`."""
    stops = np.array([rgb(stop) for stop in COLOR_MAPS[name]])
    places = np.linspace(0, len(stops) - 1, levels)
    return np.stack([np.interp(places, np.arange(len(stops)), channel) for channel in stops.T], axis=1)
