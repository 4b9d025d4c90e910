"""A view that moves without a kernel, inside of a notebook: the page of a shared file in a frame of its own."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nnviz_widgets.widgets.fallback import still_html

if TYPE_CHECKING:
    from nnviz_widgets.sharing.still import Still

HEIGHT = 1200
"""CSS pixels: all panels of a public view at the width of a notebook. It can be made higher or lower at its corner."""

_BOX = (
    "position: relative; box-sizing: border-box; width: 100%; min-height: 200px; overflow: hidden; resize: vertical; "
    "padding-bottom: 12px"
)
_FRAME = "position: relative; display: block; width: 100%; height: 100%; border: 0; background: Canvas"
_BENEATH = "position: absolute; top: 0; left: 0; max-width: 100%; height: auto"


def static_html(page: str, picture: Still | None, title: str) -> str:
    """Return a page within an element of a notebook's output.

    The frame is a document of its own: it may run scripts and hand out files, and reaches nothing of the notebook.
    Where frames are not shown, as on GitHub, the still picture beneath it is.

    Args:
        page: The text of a shared file.
        picture: The still picture, if there is one.
        title: What is shown, for those who do not see it.
    """
    beneath = "" if picture is None else still_html(picture, _BENEATH)
    frame = (
        f'<iframe title="{escape(title)}" sandbox="allow-scripts allow-downloads" style="{_FRAME}" '
        f'srcdoc="{escape(page)}"></iframe>'
    )
    return f'<div class="nnviz-static" style="{_BOX}; height: {HEIGHT}px">{beneath}{frame}</div>'
