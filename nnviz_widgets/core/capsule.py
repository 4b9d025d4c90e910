"""A capsule that was written: what is in it, read when somebody asks, without TensorFlow."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.calls import called
from nnviz_widgets.core.capsule_files import BATCH, FACTS, FORMAT, STATE
from nnviz_widgets.core.sick_batch import PARTS
from nnviz_widgets.core.storage.blobs import DTYPES
from nnviz_widgets.core.storage.options import checked_path
from nnviz_widgets.core.text_table import as_html, as_text
from nnviz_widgets.errors import NotACapsule

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from pathlib import Path

    import numpy.typing as npt


@called("open_capsule")
def open_capsule(path: str | PathLike[str]) -> Capsule:
    """Open what a session with `capsule=` wrote at its first value that was not finite. No code of it is run.

    Args:
        path: The folder.

    Raises:
        FileNotFoundError: If there is no such folder.
        NotACapsule: If it is no capsule, damaged, or of a newer version.

    Example:
        ```python
        capsule = nnviz.open_capsule("runs/nan")
        capsule                       # where and how it began
        x, y, sample_weight = capsule.batch
        capsule.state["weights/hidden/kernel"]
        ```
    """
    folder = checked_path("path", path, "runs/nan")
    if not folder.exists():
        raise FileNotFoundError(f"There is no {str(path)!r}. Give the folder of a capsule.")
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        version = facts["format"]
        if not isinstance(version, int) or version > FORMAT:
            raise ValueError(f"format {version!r:.40}, which only a newer version of nnviz_widgets reads")
        return Capsule(folder, facts)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _refusal(folder, f"{FACTS}: {error}") from error


class Capsule:
    """The step at which a training met its first value that was not finite.

    It holds training data: the batch of that step.

    Attributes:
        path: Its folder, in which `reproduce.py` repeats the step in plain Keras.
        facts: Everything but the arrays, plain values of JSON.
    """

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        self.path = path
        self.facts = facts
        self._dtypes: dict[str, str] = {str(name): str(dtype) for name, dtype in facts["dtypes"].items()}
        self.step, self.why  # noqa: B018 (a capsule without them is none)

    @property
    def step(self) -> int:
        """The step, counted from 1; it was not part of the state yet."""
        return int(self.facts["step"])

    @property
    def layer(self) -> str | None:
        """Path of the layer whose output or gradient is the first that is bad; `None` for the loss, or if unknown."""
        layer: str | None = self.facts["layer"]
        return layer

    @property
    def what(self) -> str | None:
        """What is bad first: `"output"`, `"loss"` or `"gradient"`; `None` if that is not known."""
        what: str | None = self.facts["what"]
        return what

    @property
    def variable(self) -> str | None:
        """The variable whose gradient is bad; `None` if it is not that of one."""
        variable: str | None = self.facts["variable"]
        return variable

    @property
    def kind(self) -> str | None:
        """`"nan"` if any of its values is NaN, `"inf"` if they are infinite only, `None` if it is not known."""
        if self.what is None:
            return None
        return "nan" if self.facts["n_nan"] else "inf"

    @property
    def why(self) -> str:
        """Where it began, and what was not finite before, in words."""
        return str(self.facts["why"])

    @cached_property
    def batch(self) -> tuple[Any, Any, Any]:
        """The batch, `(x, y, sample_weight)` in numpy arrays; rows of ragged ones as lists, sparse ones dense.

        Raises:
            NotACapsule: If it is damaged.
        """
        parts = self._read(lambda: _joined(self.facts["batch"], self._arrays(BATCH)))
        parts = parts if isinstance(parts, tuple) else (parts,)
        x, y, sample_weight = (*parts, None, None)[:3]
        return x, y, sample_weight

    @cached_property
    def state(self) -> Mapping[str, npt.NDArray[Any]]:
        """All variables before the step, by name such as `"weights/hidden/kernel"`; each is read when it is asked for.

        Raises:
            NotACapsule: If one is damaged.
        """
        return self._arrays(STATE)

    def _arrays(self, file: str) -> _Arrays:
        return _Arrays(self.path / file, self._dtypes)

    def _read(self, read: Any) -> Any:
        try:
            return read()
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise _refusal(self.path, str(error)) from error

    def _rows(self) -> list[tuple[str, str]]:
        of = "" if self.layer is None else f" of {self.layer}"
        where = (
            "not known" if self.what is None else f"{self.what}{of}" + (f" ({self.variable})" if self.variable else "")
        )
        bad = "" if self.kind is None else f"{self.facts['n_nan']:,} NaN, {self.facts['n_inf']:,} Inf"
        return [
            ("model", str(self.facts["model"])),
            ("step", f"{self.step:,}"),
            ("first bad", where),
            *([("values", bad)] if bad else []),
            ("why", self.why),
            ("batch", ", ".join(_parts(self.facts))),
            ("state", f"{len(self.state)} variables"),
            ("script", str(self.path / "reproduce.py")),
            ("privacy", "holds training data"),
        ]

    def __repr__(self) -> str:
        """Draw a table of what is known."""
        return as_text(("capsule", ""), self._rows())

    def _repr_html_(self) -> str:
        """Draw the same for a notebook."""
        return as_html("capsule", (), self._rows())


class _Arrays(Mapping[str, "npt.NDArray[Any]"]):
    """The arrays of a file, each read when it is asked for."""

    def __init__(self, path: Path, dtypes: Mapping[str, str]) -> None:
        self._path = path
        self._dtypes = dtypes
        self._names = self._with_file(lambda file: tuple(one.removesuffix(".npy") for one in file.namelist()))

    def _with_file(self, read: Callable[[zipfile.ZipFile], Any]) -> Any:
        try:
            with zipfile.ZipFile(self._path) as file:
                return read(file)
        except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
            raise _refusal(self._path.parent, f"{self._path.name}: {error}") from error

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        array: npt.NDArray[Any] = self._with_file(lambda file: _array(file, f"{name}.npy"))
        # numpy keeps the bytes of bfloat16 and the like, but not their name.
        return array.view(DTYPES[self._dtypes[name]]) if array.dtype.kind == "V" else array

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _array(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """Read an array, of which nothing is allocated that the file does not hold, and nothing unpickled."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(member)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != info.file_size - member.tell():
            raise ValueError(f"{name} does not hold what it says")
    with archive.open(info) as member:
        array: npt.NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _joined(part: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Put a batch together of its arrays."""
    if part is None:
        return None
    if "dict" in part:
        return {key: _joined(value, arrays) for key, value in part["dict"].items()}
    if "list" in part:
        return [_joined(value, arrays) for value in part["list"]]
    if "tuple" in part:
        return tuple(_joined(value, arrays) for value in part["tuple"])
    if "ragged" in part:
        rows: Any = arrays[part["ragged"]]
        for name in reversed(part["splits"]):
            splits = arrays[name].tolist()
            rows = [rows[start:end] for start, end in pairwise(splits)]
        return rows
    if "sparse" in part:
        names = part["sparse"]
        values = arrays[names["values"]]
        dense = np.zeros(arrays[names["dense_shape"]], values.dtype)
        dense[tuple(arrays[names["indices"]].T)] = values
        return dense
    return arrays[part["array"]]


def _parts(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield names, shapes and dtypes of the arrays of a batch: `x`, `y` and `sample_weight`, or parts of these."""
    for name, shape in facts["shapes"].items():
        first, *others = name.split("/")[1:] or ["0"]
        words = PARTS[int(first)] if first.isdigit() and int(first) < len(PARTS) else first
        yield f"{'/'.join([words, *others])} {str(tuple(shape)).replace(' ', '')} {facts['dtypes'][name]}"


def _refusal(path: Path, why: str) -> NotACapsule:
    return NotACapsule(
        f"A capsule must be a folder that a session with `capsule=` wrote. Received: {str(path)!r}, which is none, or "
        f"damaged ({why}). Give another."
    )
