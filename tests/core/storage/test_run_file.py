"""The file of a saved session: bit-equal, small steps, and nothing that was changed is taken for what was written."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

from nnviz_widgets.core.storage import run_file
from nnviz_widgets.core.storage.run_file import MAGIC, read_run, write_run
from nnviz_widgets.errors import NotResumable

if TYPE_CHECKING:
    from pathlib import Path

ARRAYS = {
    "scalar": np.array(3, np.int64),
    "empty": np.empty((0, 4), np.float32),
    "kernel": np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32),
    "special": np.array([np.nan, np.inf, -0.0, 1e-45], np.float32),
    "bfloat16": np.arange(6).reshape(2, 3).astype(ml_dtypes.bfloat16),
    "flags": np.array([True, False]),
    "turned": np.arange(12.0).reshape(3, 4).T,
}
FACTS = {"words": ["a", None, True], "loss": 0.1 + 0.2, "nan": float("inf"), "big": 1 << 120}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_run(tmp_path / "a", FACTS, ARRAYS)
    return tmp_path / "a"


def read_all(path: Path) -> dict[str, np.ndarray]:
    run = read_run(path)
    return {name: run.array(name) for name in run.shapes}


@pytest.mark.parametrize("part_bytes", [8, 1 << 20])
def test_what_is_read_is_what_was_written(tmp_path: Path, part_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_file, "PART_BYTES", part_bytes)
    write_run(tmp_path / "a", FACTS, ARRAYS)
    assert read_run(tmp_path / "a").facts == FACTS
    for name, array in read_all(tmp_path / "a").items():
        assert (array.dtype, array.shape) == (ARRAYS[name].dtype, ARRAYS[name].shape)
        assert array.tobytes() == ARRAYS[name].tobytes(), name


def test_every_flipped_bit_is_seen(path: Path) -> None:
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :])
        with pytest.raises(NotResumable):
            read_all(path)


def test_every_cut_is_seen(path: Path) -> None:
    good = path.read_bytes()
    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        with pytest.raises(NotResumable):
            read_all(path)


def with_index(index: Any) -> bytes:
    text = json.dumps(index).encode()
    return MAGIC + text + struct.pack("<QI16s", len(text), zlib.crc32(text), MAGIC)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "float32", "shape": [1 << 40], "parts": [[16, 0, 1 << 42, 0, 0, 0]]},
        {"dtype": "float32", "shape": [4], "parts": [[1 << 50, 16, 16, 0, 0, 0]]},
        {"dtype": "float32", "shape": [4], "parts": []},
        {"dtype": "object", "shape": [1], "parts": [[16, 0, 8, 0, 0, 0]]},
        {"dtype": "float32", "shape": [-4], "parts": [[16, 0, 16, 0, 0, 0]]},
        {"dtype": "float32", "shape": 4, "parts": 3},
        [],
    ],
)
def test_an_index_that_cannot_be_true_is_refused_before_anything_is_allocated(path: Path, entry: Any) -> None:
    path.write_bytes(with_index({"facts": {}, "arrays": {"a": entry}}))
    with pytest.raises(NotResumable, match="makes no sense"):
        read_run(path)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(NotResumable, match="no saved session"):
        read_run(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        read_run(tmp_path / "b")


def test_a_file_that_cannot_be_written_leaves_the_one_that_is_there(path: Path) -> None:
    good = path.read_bytes()
    with pytest.raises(TypeError):
        write_run(path, {"not of JSON": object()}, ARRAYS)
    assert path.read_bytes() == good
    assert [found.name for found in path.parent.iterdir()] == ["a"]
