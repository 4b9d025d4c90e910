"""The built front end: one script and one style sheet that come with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nnviz_widgets.errors import FrontEndMissing

STATIC = Path(__file__).parent / "static"


@cache
def front_end() -> tuple[str, str]:
    """Return the script and the style sheet, read once.

    They are texts and not paths: anywidget keeps every widget alive that is made from a path.

    Raises:
        FrontEndMissing: If the package was made without them.
    """
    try:
        return tuple((STATIC / name).read_text(encoding="utf-8") for name in ("inspector.js", "inspector.css"))  # type: ignore[return-value]
    except FileNotFoundError as error:
        raise FrontEndMissing(
            f"The front end must be built before a widget can be shown. Received: no file {error.filename!r}. "
            "In a checkout run `make build`; otherwise install `nnviz_widgets` again."
        ) from error
