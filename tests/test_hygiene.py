"""Nothing in the repository names a machine or a package registry's host: it is the same anywhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# In pieces, so that this file does not find itself.
MACHINE_PATH = re.compile(
    r"(?<![\w./~-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "t" + "mp"]) + r")/\w"
)
HOSTS = re.compile(
    "|".join(map(re.escape, ["npm" + "js.org", "py" + "pi.org", "python" + "hosted.org", "deb" + "ian.org"]))
)
MAX_BYTES = 4 << 20


def tracked() -> list[Path]:
    """Return every tracked file that is in the tree."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Return `file:line: text` of each line of a tracked text file in which `pattern` is found."""
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        lines = content.decode("utf-8").splitlines()
        found += [
            f"{path.relative_to(ROOT)}:{n}: {line[:120]}" for n, line in enumerate(lines, 1) if pattern.search(line)
        ]
    return found


@pytest.mark.parametrize("pattern", [MACHINE_PATH, HOSTS], ids=["machine path", "registry host"])
def test_no_tracked_file_names_a(pattern):
    assert tracked()
    assert lines_with(pattern) == []


def test_patterns_find_what_they_are_for():
    assert MACHINE_PATH.search("open('/" + "tmp/x')")
    assert not MACHINE_PATH.search("notebooks/" + "work/x.ipynb")
    assert HOSTS.search("https://registry." + "npm" + "js.org/preact")


def test_every_version_is_pinned_and_no_host_is_named():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.!+]+", line)] == []


def test_no_tracked_file_is_large():
    assert [str(path) for path in tracked() if path.stat().st_size > MAX_BYTES] == []
