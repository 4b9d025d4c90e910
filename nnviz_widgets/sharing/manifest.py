"""What is in a shared file, in words and numbers, for people and for `read_manifest`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nnviz_widgets._version import __version__
from nnviz_widgets.core.byte_size import byte_size
from nnviz_widgets.core.calls import called
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.sharing.document import MANIFEST_ID

if TYPE_CHECKING:
    import os

    from nnviz_widgets.sharing.collect import Tally, Written
    from nnviz_widgets.sharing.material import Material
    from nnviz_widgets.sharing.plan import Choice

MANIFEST_VERSION = 1

MOST_BYTES_READ = 4 << 20
"""The manifest stands near the beginning of a file: no more of it is read."""

_OPENING = f'<script type="application/json" id="{MANIFEST_ID}">'.encode()
_CLOSING = b"</script>"

ALWAYS = (
    "Architecture: names, classes and sizes of the layers.",
    "Metrics and the norm of the gradient at every step, and how healthy each layer is.",
)
OF_WEIGHTS = "Weights: a model may have learned single samples by heart, and what two steps differ by is a gradient."


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file has of one kind.

    Attributes:
        kind: `"weights"`, `"activations"`, `"gradients"`, `"activation_gradients"` or `"inputs"`.
        steps: At how many steps.
        first_step: The first of them.
        last_step: The last of them.
        pictures: How many pictures there are.
        histograms: How many histograms stand for pictures that were left out.
        resolution: How large the pictures are, in words.
        number_format: How their cells are written, in words; empty without pictures.
        n_bytes: How many bytes of the file the pictures take.
    """

    kind: str
    steps: int
    first_step: int
    last_step: int
    pictures: int
    histograms: int
    resolution: str
    number_format: str
    n_bytes: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in a shared file.

    Attributes:
        version: Of this list.
        library: The library that wrote the file, with its version.
        created: The day on which it was written, `"2026-01-31"`.
        title: What the page is called.
        model: The name of the run or model.
        layers: How many layers it tells of.
        steps: How many steps were taken.
        opened: The kinds that were opened by `Privacy(include=...)`.
        content: What is in it, by kind.
        reveals: What can be read from it, a line each.
        left_out: What is not in it, and why, a line each.
        n_bytes: How large the file is.
    """

    version: int
    library: str
    created: str
    title: str
    model: str
    layers: int
    steps: int
    opened: list[str]
    content: list[Content]
    reveals: list[str]
    left_out: list[str]
    n_bytes: int = 0

    def __repr__(self) -> str:
        """Say in one line what was written."""
        drawn = [f"{each.kind.replace('_', ' ')} {_in_words(each)}" for each in self.content if each.pictures]
        left = f"; {'; '.join(self.left_out)}" if self.left_out else ""
        return f"<Manifest of {self.title!r}: {byte_size(self.n_bytes)}; {', '.join(drawn) or 'no pictures'}{left}>"


def _in_words(content: Content) -> str:
    n = f"{content.steps:,} step{'' if content.steps == 1 else 's'}"
    return f"at {n}, {content.resolution}, {content.number_format}"


def manifest_of(material: Material, choice: Choice, written: Written) -> Manifest:
    """Return what a file will hold; its own size is not known yet."""
    recording = material.recording
    lengths = [chunk.length for chunk in written.document.chunks]
    return Manifest(
        version=MANIFEST_VERSION,
        library=f"nnviz_widgets {__version__}",
        created=datetime.now(UTC).date().isoformat(),
        title=material.title,
        model=material.status.name,
        layers=len(material.layers),
        steps=len(recording.steps),
        opened=list(material.privacy.include),
        content=[_content(kind, tally, lengths) for kind, tally in written.content.items() if tally.steps],
        reveals=[*ALWAYS, *([OF_WEIGHTS] if "weights" in written.content else []), *material.privacy.reveals],
        left_out=[*_left_out(material), *_thinned(material, choice)],
    )


def _content(kind: str, tally: Tally, lengths: list[int]) -> Content:
    return Content(
        kind=kind,
        steps=len(tally.steps),
        first_step=min(tally.steps),
        last_step=max(tally.steps),
        pictures=sum(tally.sizes.values()),
        histograms=tally.n_histograms,
        resolution=_resolution(tally),
        number_format=_number_format(tally),
        n_bytes=sum(lengths[chunk] for chunk in tally.chunks),
    )


def _resolution(tally: Tally) -> str:
    pooled = [size for size in tally.sizes if size[:2] != size[2:]]
    if not tally.sizes:
        return "histograms only"
    if not pooled:
        return "every value"
    full_rows, full_cols, rows, cols = max(pooled, key=lambda size: size[0] * size[1])
    return f"pooled, {full_rows} x {full_cols} to {rows} x {cols}"


def _number_format(tally: Tally) -> str:
    n_cells = sum(tally.sizes.values())
    if not n_cells:
        return ""
    return "bfloat16" if not tally.n_palettes else "8 bit" if tally.n_palettes == n_cells else "8 bit and bfloat16"


def _left_out(material: Material) -> list[str]:
    """Say what was left out on purpose."""
    words = list(dict.fromkeys(each.why.partition(": ")[2] for each in material.withheld))
    failed = ["why the run failed"] if material.status.state == "failed" else []
    return [f"left out: {', '.join([*words, *failed])}"] if words or failed else []


def _thinned(material: Material, choice: Choice) -> list[str]:
    """Say what was left out to fit the size."""
    found = []
    if len(choice.steps) < len(material.steps):
        found.append(f"{len(choice.steps):,} of {len(material.steps):,} kept steps, so that it is small")
    if choice.room.samples < material.status.samples:
        found.append(f"{choice.room.samples} of {material.status.samples} samples, so that it is small")
    return found


@called("read_manifest")
def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Read what is in a file that `export_html` wrote, without opening it in a browser.

    Args:
        path: The file.

    Raises:
        InvalidArgumentError: If it is no such file.
        OSError: If it cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(MOST_BYTES_READ)
    start = head.find(_OPENING)
    stop = head.find(_CLOSING, start)
    if start < 0 or stop < 0:
        raise InvalidArgumentError(_foreign(path, "a file without a manifest"))
    try:
        return msgspec.json.decode(head[start + len(_OPENING) : stop], type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgumentError(_foreign(path, f"a manifest that cannot be read ({error})")) from None


def _foreign(path: str | os.PathLike[str], received: str) -> str:
    return (
        f"`path` must be a file that `nnviz.export_html` of this version wrote. Received: {str(path)!r}, {received}. "
        "Write it again."
    )
