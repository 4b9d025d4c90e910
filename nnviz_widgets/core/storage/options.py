"""How a run is recorded on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from nnviz_widgets.core.arguments import checked_bytes
from nnviz_widgets.core.calls import called
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from os import PathLike

StoredDtype = Literal["float32", "float16", "bfloat16"]
Overflow = Literal["block", "thin"]

MIN_QUOTA = 4_000_000
"""An empty file of all tables is a tenth of it."""


@dataclass(frozen=True)
class Record:
    """Where a run is recorded, and how: `nnviz.TrainingSession(..., record=nnviz.Record("runs/a.nnv", quota="10 GB"))`.

    Attributes:
        path: The file. Folders that are missing are made; a file that is there already is never overwritten.
        dtype: `"float32"` keeps every tensor as it is, bit by bit, whatever its dtype. `"float16"` and `"bfloat16"`
            round floats that are wider; what is too large for float16 becomes infinite. Metrics and statistics are
            never rounded.
        quota: The most bytes of the file, a number or a text such as `"10 GB"`: then whole tensors of older steps are
            dropped, ever more sparsely spread. `None` is no limit.
        overflow: What happens when the disk is slower than the training. `"block"` lets the training wait, `"thin"`
            leaves whole tensors out; the number of them is told in `recording.events`.
    """

    path: Path
    dtype: StoredDtype = "float32"
    quota: int | None = None
    overflow: Overflow = "block"

    @called("Record")
    def __init__(
        self,
        path: str | PathLike[str],
        dtype: StoredDtype = "float32",
        quota: int | str | None = None,
        overflow: Overflow = "block",
    ) -> None:
        object.__setattr__(self, "path", checked_path("path", path))
        object.__setattr__(self, "dtype", _one_of("dtype", dtype, get_args(StoredDtype)))
        object.__setattr__(self, "quota", _checked_quota(quota))
        object.__setattr__(self, "overflow", _one_of("overflow", overflow, get_args(Overflow)))

    def beside(self, name: str) -> Record:
        """Return where "branch 1" of the same training is recorded: beside `runs/a.nnv` in `runs/a.branch-1.nnv`."""
        path = self.path.with_name(f"{self.path.stem}.{name.replace(' ', '-')}{self.path.suffix}")
        return replace(self, path=path)


def _checked_quota(quota: int | str | None) -> int | None:
    n_bytes = None if quota is None else checked_bytes("quota", quota)
    if n_bytes is not None and n_bytes < MIN_QUOTA:
        raise InvalidArgumentError(
            f"`quota` must be at least {MIN_QUOTA:,} bytes: metrics are never dropped. Received: quota={quota!r}. "
            'Give, for example, "10 GB".'
        )
    return n_bytes


def as_record(value: Any) -> Record:
    """Return `record=` of a session as options; a path stands for the defaults."""
    return value if isinstance(value, Record) else Record(checked_path("record", value))


def checked_path(name: str, value: Any, example: str = "runs/a.nnv") -> Path:
    """Return a path that was given as one or as a text; `example` is named where it was neither.

    Raises:
        InvalidArgumentError: If it is neither, or empty.
    """
    try:
        path = Path(value)
    except TypeError:
        path = None
    if path is None or not os.fspath(value):
        raise InvalidArgumentError(
            f'`{name}` must be a path. Received: {name}={value!r:.200}. Give, for example, "{example}".'
        )
    return path


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> Any:
    if value in choices:
        return value
    listed = ", ".join(f'"{choice}"' for choice in choices)
    raise InvalidArgumentError(f"`{name}` must be one of {listed}. Received: {name}={value!r:.200}. Use one of them.")
