from __future__ import annotations

import math
import sqlite3
from contextlib import closing

import pytest

from nnviz_widgets.core.storage.listing import list_recordings
from nnviz_widgets.errors import InvalidArgumentError
from tests.core.storage.runs import N_STEPS, open_writer, run
from tests.core.storage.test_faults import claimed
from tests.waiting import until


def test_a_folder_is_listed_with_the_state_of_each_recording(tmp_path):
    for name in ("complete", "interrupted", "damaged", "elsewhere", "newer"):
        run(open_writer(tmp_path / f"{name}.nnv")).close()
    claimed(tmp_path / "interrupted.nnv", pid=2**22 + 5).thing.execute(
        "UPDATE meta SET value = '' WHERE name = 'state'"
    )
    claimed(tmp_path / "elsewhere.nnv", host="elsewhere", beat=math.inf).thing.close()
    with closing(sqlite3.connect(tmp_path / "newer.nnv")) as database:
        database.execute("PRAGMA user_version=9")
    content = (tmp_path / "damaged.nnv").read_bytes()
    (tmp_path / "damaged.nnv").write_bytes(content[: len(content) // 10])
    live = run(open_writer(tmp_path / "live.nnv", name="mine"), 3)
    until(lambda: live._sink._committed == 3)
    (tmp_path / "notes.txt").write_text("x" * 500)
    (tmp_path / "folder").mkdir()
    table = list_recordings(tmp_path)
    assert table["state"].to_dict() == {
        "complete.nnv": "complete",
        "damaged.nnv": "damaged",
        "elsewhere.nnv": "recording",
        "interrupted.nnv": "interrupted",
        "live.nnv": "recording",
    }
    assert table.loc["complete.nnv", ["name", "steps", "last_loss"]].tolist() == ["run", N_STEPS, 2.0 / N_STEPS]
    assert table.loc["live.nnv", ["name", "steps"]].tolist() == ["mine", 3]
    assert table.loc["complete.nnv", "size"] == (tmp_path / "complete.nnv").stat().st_size
    live.close()


def test_an_empty_folder_is_an_empty_table_and_a_file_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list_recordings(".").columns.tolist() == ["name", "model", "steps", "last_loss", "size", "state"]
    assert len(list_recordings(".")) == 0
    (tmp_path / "a.nnv").touch()
    with pytest.raises(InvalidArgumentError, match="folder"):
        list_recordings("a.nnv")
