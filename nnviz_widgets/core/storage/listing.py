"""The recordings of a folder, as a table."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Literal

from nnviz_widgets.core.calls import called
from nnviz_widgets.core.storage.lock import OWNER, owner_of_rows
from nnviz_widgets.core.storage.options import checked_path
from nnviz_widgets.core.storage.pages import Pages
from nnviz_widgets.errors import InvalidArgumentError, NotARecording, RecordingDamaged

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    import pandas as pd

    RecordingState = Literal["recording", "complete", "interrupted", "damaged"]

COLUMNS = ("name", "model", "steps", "last_loss", "size", "state")

_NEWEST = "SELECT first, last, names, steps, numbers, joined, checksum FROM metrics ORDER BY id DESC LIMIT 1"


@called("list_recordings")
def list_recordings(folder: str | PathLike[str]) -> pd.DataFrame:
    """List the recordings that are in a folder, not those in folders within.

    Args:
        folder: Where to look.

    Returns:
        Indexed by file name, with the columns `name`, `model` (its class), `steps` (the newest step), `last_loss`,
        `size` in bytes and `state`: `"recording"` while a process writes it, `"complete"` if it was closed, also where
        training was stopped, `"interrupted"` if that process ended before its time, `"damaged"`. Files of other kinds
        are passed over.

    Raises:
        InvalidArgumentError: If it is no folder.
    """
    import pandas as pd

    path = checked_path("folder", folder, "runs")
    if not path.is_dir():
        raise InvalidArgumentError(
            f"`folder` must be a folder. Received: folder={str(folder)!r}. `nnviz.open_recording` opens one recording."
        )
    rows = {}
    for file in sorted(path.iterdir()):
        row = _row(file) if file.is_file() else None
        if row is not None:
            rows[file.name] = row
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).rename_axis("file")


def _row(file: Path) -> list[Any] | None:
    """Return the row of a file, `None` if it is no recording that this version reads."""
    size = _size(file)
    try:
        pages = Pages(file)
    except NotARecording:
        return None
    except RecordingDamaged:
        return [file.stem, "", 0, math.nan, size, "damaged"]
    try:
        meta = dict(pages.rows("SELECT name, value FROM meta"))
        step, loss = _newest(pages)
        return [meta.get("name") or file.stem, meta.get("model", ""), step, loss, size, _state(pages, meta)]
    except RecordingDamaged:
        return [file.stem, "", 0, math.nan, size, "damaged"]
    finally:
        pages.close()


def _size(file: Path) -> int:
    """Count the bytes of a file and of the log beside it."""
    log = file.with_name(f"{file.name}-wal")
    return file.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _newest(pages: Pages) -> tuple[int, float]:
    """Read the newest step and its loss."""
    rows = pages.checked_rows(_NEWEST, "a row of the metrics")
    if not rows:
        return 0, math.nan
    first, last, names, _, of, _ = rows[0]
    columns = json.loads(names)
    numbers = pages.array(of, f"metrics {first} {last}", f"steps {first} to {last}: the metrics")
    name = "loss" if "loss" in columns else "batch_loss"
    return last, float(numbers[columns.index(name), -1]) if name in columns else math.nan


def _state(pages: Pages, meta: dict[str, str]) -> RecordingState:
    owner = owner_of_rows(pages.rows(OWNER))
    if owner is not None and owner.alive:
        return "recording"
    return "complete" if meta.get("state") == "complete" else "interrupted"
