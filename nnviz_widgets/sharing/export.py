"""Write a run as one HTML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.atomic import write_whole
from nnviz_widgets.core.calls import called
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.sharing.live_file import live_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.sharing.manifest import Manifest
    from nnviz_widgets.sharing.privacy import Privacy


@called("export_html")
def export_html(
    source: Any,
    path: str | os.PathLike[str],
    *,
    layers: str | Sequence[str] | None = None,
    steps: int | Iterable[int] | None = None,
    kinds: Kind | Sequence[Kind] | None = None,
    max_bytes: int | str = "20 MB",
    title: str | None = None,
    privacy: Privacy | None = None,
) -> Manifest:
    """Write one HTML file that shows a run anywhere: without Python, without a network, by double click.

    Everything moves in it that moves in the notebook, for the layers and steps that it holds. By default it tells
    nothing of single samples or batches; see `nnviz.Privacy`.

    Args:
        source: A session, a recording or its path, an inspection, or an Inspector of one of them. A session may be
            running: the file then stands at the step that was the newest when the call began.
        path: Where to write. A file that is there is replaced, at once and whole.
        layers: Names, paths or glob patterns (`"block/*"`) of the layers to show; all by default.
        steps: Which of the kept steps to show, -1 for the newest; all by default. Fewer may be left by `max_bytes`.
        kinds: `"weights"`, `"activations"`, `"gradients"`, `"activation_gradients"`; all by default.
        max_bytes: The most bytes of the file, a number or a text such as `"500 kB"`. To fit, numbers are written in 8
            bits, then steps are left out, then pictures are pooled; what was chosen is in the manifest.
        title: What the page is called; the name of the run by default.
        privacy: What may be in the file; `None` is the safe default.

    Returns:
        What is in the file.

    Raises:
        InvalidArgumentError: If an argument is not one of the above, or nothing fits `max_bytes`; nothing is written.
        LayerNotFound: If a name or pattern in `layers` matches no layer.
        NotARecording: If `source` is the path of something else.
        FrontEndMissing: If the package was made without its page.
        OSError: If the file cannot be written; then what was there before is there still.

    Example:
        ```python
        nnviz.export_html(session, "run.html")
        nnviz.export_html(session, "for_us.html", privacy=nnviz.Privacy(include=("activations", "gradients")))
        ```
    """
    target = _checked_path(path)
    made = live_file(source, layers=layers, steps=steps, kinds=kinds, max_bytes=max_bytes, title=title, privacy=privacy)
    write_whole(target, (part.encode() for part in made.parts))
    return made.manifest


def _checked_path(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise InvalidArgumentError(
            f'`path` must be where to write the file. Received: path={path!r:.200}. Give, for example, "run.html".'
        )
    target = Path(path).expanduser()
    if not target.parent.is_dir():
        raise InvalidArgumentError(
            f"`path` must be in a folder that exists. Received: path={str(path)!r}. Make the folder first."
        )
    if target.is_dir():
        raise InvalidArgumentError(
            f"`path` must be a file. Received: the folder {str(path)!r}. Give it a name in that folder."
        )
    return target
