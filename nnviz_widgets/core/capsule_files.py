"""Writing a capsule: a folder of plain files that is there whole or not at all.

```
capsule.json   where and how it went wrong, how the batch is put together, which state belongs to which variable
batch.npz      the arrays of the batch
state.npz      all variables before the step
model.json     the model's configuration, where plain Keras reads it
compile.json   that of its `compile`, where plain Keras reads it
reproduce.py   repeats the step
README.md      what is in it, and that these are training data
```
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.capsule_script import readme, script
from nnviz_widgets.core.capsule_words import why

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from nnviz_widgets.core.capsule_contents import Contents

FORMAT = 1
FACTS, BATCH, STATE = "capsule.json", "batch.npz", "state.npz"


def write_capsule(folder: Path, about: Mapping[str, Any], contents: Contents) -> Path:
    """Write a capsule for its owner alone; one that is there stays, and this one gets the next free number.

    Args:
        folder: Where; folders above that are missing are made.
        about: Facts of the session and the step, plain values of JSON.
        contents: The rest.

    Returns:
        Where it is.

    Raises:
        OSError: If it cannot be written; nothing is left then.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".nnviz.{secrets.token_hex(6)}.tmp")
    try:
        draft.mkdir(mode=0o700)
        _fill(draft, about, contents)
        return _named(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _fill(folder: Path, about: Mapping[str, Any], contents: Contents) -> None:
    facts = facts_of(about, contents)
    _write_arrays(folder / BATCH, contents.batch)
    _write_arrays(folder / STATE, contents.state)
    texts = {"model.json": contents.model.text, "compile.json": contents.compiled.text}
    texts |= {"reproduce.py": script(facts, contents), FACTS: json.dumps(facts, indent=1)}
    texts["README.md"] = readme(facts, contents)
    for name, text in texts.items():
        if text is not None:
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
                _keep(file)


def facts_of(about: Mapping[str, Any], contents: Contents) -> dict[str, Any]:
    """Return what `capsule.json` holds."""
    bad = contents.bad
    return {
        "format": FORMAT,
        **about,
        "layer": None if bad is None else bad.layer,
        "what": None if bad is None else bad.what,
        "variable": None if bad is None else bad.variable,
        "shape": None if bad is None else list(bad.shape),
        "n_nan": 0 if bad is None else bad.n_nan,
        "n_inf": 0 if bad is None else bad.n_inf,
        "why": why(about, contents),
        "batch": contents.structure,
        "shapes": {name: list(array.shape) for name, array in contents.batch.items()},
        "dtypes": {name: array.dtype.name for name, array in {**contents.batch, **contents.state}.items()},
        "model_variables": list(contents.model_variables),
        "optimizer_variables": list(contents.optimizer_variables),
        "versions": dict(contents.versions),
    }


def _write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    with path.open("xb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        _keep(file)


def _keep(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _named(draft: Path, folder: Path) -> Path:
    """Give a finished folder its name, or that name with the first number that is free."""
    number = 1
    while True:
        target = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if not target.exists():
            with suppress(FileExistsError, NotADirectoryError):  # somebody else was quicker
                draft.rename(target)
                return target
        number += 1
