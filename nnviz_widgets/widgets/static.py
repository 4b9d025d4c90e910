"""A view that moves without a kernel, inside of a notebook: the page of a shared file in a frame of its own."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nnviz_widgets.widgets.fallback import still_html

if TYPE_CHECKING:
    from nnviz_widgets.sharing.still import Still

WIDE = 1121
"""CSS pixels: from this width on the neuron's panel stands beside the maps and not beneath them."""

HEIGHT_WIDE, HEIGHT, HEIGHT_OPENED = 1000, 1170, 1340
"""CSS pixels of all panels: beside each other; beneath each other in a file for everybody, and in one with samples.

A frame that nobody scripts cannot follow what is in it, so the three cases are told apart beforehand.
"""

TIMELINE_HEIGHT = 148
"""CSS pixels of the timeline, which an inspection has not."""

_HANDLE = 14
"""Room beneath the frame to take hold of, to make it higher."""

_FRAME = (
    f"position: absolute; top: 0; left: 0; display: block; width: 100%; height: calc(100% - {_HANDLE}px); "
    "border: 0; background: Canvas"
)
_BENEATH = "position: absolute; top: 0; left: 0; max-width: 100%; height: auto"


def _box(wide: int, narrow: int) -> str:
    """Return the style of an element as high as its width asks for: a percentage of a padding is one of the width."""
    narrow_or_wide = f"clamp({wide}px, calc(({WIDE}px - 100%) * 1000), {narrow}px)"
    return (
        "position: relative; box-sizing: content-box; width: 100%; height: 0; overflow: hidden; resize: vertical; "
        f"padding-top: {narrow_or_wide}"
    )


def static_html(page: str, picture: Still | None, title: str, *, opened: bool = False, timeline: bool = True) -> str:
    """Return a page within an element of a notebook's output.

    The frame is a document of its own: it may run scripts and hand out files, and reaches nothing of the notebook.
    Where frames are not shown, as on GitHub, the still picture beneath it is.

    Args:
        page: The text of a shared file.
        picture: The still picture, if there is one.
        title: What is shown, for those who do not see it.
        opened: Whether it tells of single samples, for which it has more panels.
        timeline: Whether it has a timeline beneath.
    """
    beneath = "" if picture is None else still_html(picture, _BENEATH)
    frame = (
        f'<iframe title="{escape(title)}" sandbox="allow-scripts allow-downloads" style="{_FRAME}" '
        f'srcdoc="{escape(page)}"></iframe>'
    )
    less = 0 if timeline else TIMELINE_HEIGHT
    box = _box(HEIGHT_WIDE - less, (HEIGHT_OPENED if opened else HEIGHT) - less)
    return f'<div class="nnviz-static" style="{box}">{beneath}{frame}</div>'
