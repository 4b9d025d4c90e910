"""The built front end, of the widget and of a shared file: a script and a style sheet each, with the package."""

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
    return _built("inspector")


@cache
def page_front_end() -> tuple[str, str]:
    """Return the script and the style sheet of a shared file, read once.

    Raises:
        FrontEndMissing: If the package was made without them.
    """
    return _built("page")


@cache
def annex_front_end() -> bytes:
    """Return the script of what the widget loads when it is first asked for, in UTF-8, read once.

    Raises:
        FrontEndMissing: If the package was made without it.
    """
    return _read("annex.js").encode()


def _built(name: str) -> tuple[str, str]:
    return _read(f"{name}.js"), _read(f"{name}.css")


def _read(name: str) -> str:
    try:
        return (STATIC / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise FrontEndMissing(
            f"The front end must be built before it can be shown. Received: no file {error.filename!r}. "
            "In a checkout run `make build`; otherwise install `nnviz_widgets` again."
        ) from error
