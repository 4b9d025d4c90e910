"""The page around the data: one file that asks nobody for anything and runs one script, whose hash it names."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

import msgspec

from nnviz_widgets.core.byte_size import byte_size
from nnviz_widgets.errors import FrontEndMissing
from nnviz_widgets.front_end import page_front_end
from nnviz_widgets.sharing.document import DATA_ID, INDEX_ID, MANIFEST_ID, ROOT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nnviz_widgets.sharing.manifest import Manifest

MAX_TITLE = 200
"""Characters of a title that are shown; a longer one is cut."""

_IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What would end a script element, or a line of an old one, and how JSON writes it instead."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page without its data.

    Attributes:
        script: The front end.
        style: Its style sheet.
    """

    script: str
    style: str

    @property
    def n_bytes(self) -> int:
        """About how many bytes it takes; what is said of the data is a few thousand."""
        return len(self.script.encode()) + len(self.style.encode()) + 8000

    def parts(self, manifest: Manifest, logs: Mapping[str, float | None], index: str, data: list[str]) -> Iterator[str]:
        """Yield the text of the page.

        Args:
            manifest: What is in it.
            logs: The newest metrics.
            index: The document as text.
            data: The text of the chunks.
        """
        yield self._head(manifest.title)
        yield f'<body><div id="{ROOT_ID}">{readable(manifest, logs)}</div>\n'
        yield f'<script type="application/json" id="{MANIFEST_ID}">{json_in_script(manifest)}</script>\n'
        yield f'<script type="text/plain" id="{INDEX_ID}">{index}</script>\n'
        yield f'<script type="text/plain" id="{DATA_ID}">'
        yield from data
        yield f"</script>\n<script>{self.script}</script>\n</body></html>\n"

    def _head(self, title: str) -> str:
        digest = b64encode(sha256(self.script.encode()).digest()).decode("ascii")
        policy = (
            f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
            "base-uri 'none'; form-action 'none'"
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f"<title>{text(title)}</title>\n<style>{self.style}</style></head>\n"
        )


def page() -> Page:
    """Return the page of the built front end.

    Raises:
        FrontEndMissing: If it was not built, or its text would end the element that it stands in.
    """
    script, style = (each.replace("\r\n", "\n") for each in page_front_end())
    lowered = script.lower(), style.lower()
    if "</script" in lowered[0] or "<!--" in lowered[0] or "</style" in lowered[1]:
        raise FrontEndMissing(
            "The built page must hold neither `</script` nor `<!--` in its script, nor `</style` in its style sheet. "
            "Received: a script or style sheet that does. Build it again with `make build`."
        )
    return Page(script, style)


def json_in_script(value: object) -> str:
    """Return `value` as strict JSON that a script element can hold: NaN is null, and no tag begins or ends in it."""
    encoded = msgspec.json.encode(value).decode()
    for character, written in _IN_SCRIPT.items():
        encoded = encoded.replace(character, written)
    return encoded


def text(value: str, length: int = MAX_TITLE) -> str:
    """Return a text for a page, cut to `length` characters, without marks that turn the direction of what follows."""
    kept = "".join(each for each in " ".join(value.split()) if each.isprintable())
    shown = kept if len(kept) <= length else f"{kept[: length - 1]}…"
    return escape(shown)


def readable(manifest: Manifest, logs: Mapping[str, float | None]) -> str:
    """Return what the page says to readers without scripts: the title, the metrics and what is in the file."""
    metrics = "".join(
        f"<dt>{text(name)}</dt><dd>{'not a finite number' if value is None else f'{value:.6g}'}</dd>"
        for name, value in logs.items()
    )
    rows = "".join(
        f"<tr><th>{text(each.kind.replace('_', ' '))}</th><td>{each.steps}</td><td>{each.pictures}</td>"
        f"<td>{text(each.resolution)}</td><td>{text(each.number_format)}</td><td>{byte_size(each.n_bytes)}</td></tr>"
        for each in manifest.content
    )
    lines = "".join(f"<li>{text(line, 1000)}</li>" for line in (*manifest.reveals, *manifest.left_out))
    return (
        f"<h1>{text(manifest.title)}</h1><p>{text(manifest.model)}: {manifest.layers:,} layers, "
        f"{manifest.steps:,} steps. Written by {text(manifest.library)} on {text(manifest.created)}, "
        f"{byte_size(manifest.n_bytes)}.</p><noscript><p>This page shows weights, activations and gradients once "
        f"scripts may run.</p></noscript><dl>{metrics}</dl>"
        "<table><caption>What is in this file</caption><tr><th>kind</th><th>steps</th><th>pictures</th>"
        f"<th>resolution</th><th>numbers</th><th>size</th></tr>{rows}</table><ul>{lines}</ul>"
    )
