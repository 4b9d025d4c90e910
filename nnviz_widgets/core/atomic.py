"""Write a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write `parts` one after the other to `path`, which is what it was before until all is on the disk.

    They go to a new file beside it, which then takes its name, or is removed if anything fails.

    Args:
        path: Where; a file that is there is replaced.
        parts: What.

    Raises:
        OSError: If it cannot be written; `path` is as it was.
    """
    path = Path(os.path.realpath(path))  # what a link leads to is replaced, and the link stays
    # Without the name: TensorBoard opens each file whose name has "tfevents" in it, finished or not.
    draft = path.with_name(f".nnviz.{secrets.token_hex(6)}.tmp")
    try:
        # `open` leaves the rights to the umask, where `tempfile` would give the file to its owner only.
        with draft.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        if error.errno is None or error.filename not in (None, str(draft)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None  # what our draft is called is nobody's business
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Let the new name survive a power cut, where a folder can be synced. Not on Windows; the file is whole anyway."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
