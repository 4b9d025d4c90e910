from __future__ import annotations

import os
import stat

import pytest

from nnviz_widgets.core.atomic import write_whole


def names(folder):
    """What is in a folder."""
    return [path.name for path in folder.iterdir()]


def test_what_is_written_is_all_of_it_and_nothing_beside(tmp_path):
    write_whole(tmp_path / "run.html", [b"one ", b"two"])
    assert (tmp_path / "run.html").read_bytes() == b"one two"
    assert names(tmp_path) == ["run.html"]


def test_a_file_that_is_there_is_replaced(tmp_path):
    path = tmp_path / "run.html"
    path.write_bytes(b"what was there before, and longer")
    write_whole(path, [b"new"])
    assert path.read_bytes() == b"new"


def test_when_it_fails_what_was_there_stays_and_nothing_is_left(tmp_path):
    path = tmp_path / "run.html"
    path.write_bytes(b"before")

    def parts():
        yield b"half"
        assert path.read_bytes() == b"before"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_whole(path, parts())
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["run.html"]


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "run.html", [b"half"])
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_rights_are_those_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "run.html", [b"x"])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "run.html").stat().st_mode) == 0o640


def test_the_longest_name_that_a_folder_takes_is_written(tmp_path):
    path = tmp_path / ("n" * 250 + ".html")
    write_whole(path, [b"x"])
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("where", ["missing/run.html", "folder"])
def test_an_error_names_the_file_that_was_asked_for(tmp_path, where):
    (tmp_path / "folder").mkdir()
    with pytest.raises((FileNotFoundError, IsADirectoryError)) as raised:
        write_whole(tmp_path / where, [b"new"])
    assert raised.value.filename == str(tmp_path / where)
    assert raised.value.filename2 is None
    assert names(tmp_path) == ["folder"]


def test_an_error_of_what_is_written_stays_what_it_was(tmp_path):
    def parts():
        yield b"half"
        raise FileNotFoundError(2, "No such file", "another file")

    with pytest.raises(FileNotFoundError, match="another file"):
        write_whole(tmp_path / "run.html", parts())
