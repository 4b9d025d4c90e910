"""What a page shows of a view that it cannot bring to life: a still picture, and how to get back.

Where widgets are drawn, JupyterLab for one, nobody sees this. Of the rest of an output, nbconvert's HTML and Markdown,
VS Code and JupyterLab without widgets prefer HTML to a picture, LaTeX and PDF take only the picture, and GitHub takes
either. So the picture is there by itself and within the HTML.
"""

from __future__ import annotations

import base64
import logging
from html import escape
from typing import TYPE_CHECKING, Any

from nnviz_widgets.sharing.still import Still, still

if TYPE_CHECKING:
    from nnviz_widgets.pictures.source import Source

logger = logging.getLogger("nnviz_widgets")

HOW_BACK = (
    "The view that moves needs its kernel: run the cell again. If only this picture comes back: "
    "This page forbids the widget code (CSP script-src blob:), or shows no widgets at all; "
    "<code>inspector.show_static()</code> and <code>nnviz.export_html</code> need neither kernel nor widgets."
)
_WORDS = "color: #5f6368; font: 13px/1.4 system-ui, sans-serif; margin: 4px 0 0"
_PICTURE = "display: block; max-width: 100%; height: auto; border-radius: 6px"


def still_of(source: Source, layer: str, step: int) -> Still | None:
    """Return a still picture, or `None` if it cannot be drawn: a view is shown all the same, and the log says why."""
    try:
        return still(source, layer, step)
    except Exception:
        logger.exception("the still picture of a view could not be drawn")
        return None


def fallback(picture: Still | None, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data and metadata of an output beside the widget itself.

    Args:
        picture: What to show, `None` for words alone.
        name: What is shown.
    """
    if picture is None:
        return {"text/html": f'<p style="{_WORDS}">Here is an Inspector of <b>{escape(name)}</b>. {HOW_BACK}</p>'}, {}
    data = {
        "image/png": base64.b64encode(picture.png).decode("ascii"),
        "text/html": f'{still_html(picture)}<p style="{_WORDS}">{HOW_BACK}</p>',
    }
    size = {"width": picture.width, "height": picture.height, "alt": picture.words}
    return data, {"image/png": size}


def still_html(picture: Still, style: str = _PICTURE) -> str:
    """Return a picture as an element that holds it itself."""
    url = f"data:image/png;base64,{base64.b64encode(picture.png).decode('ascii')}"
    return f'<img alt="{escape(picture.words)}" width="{picture.width}" style="{style}" src="{url}">'
