"""Whether a process is there is asked without touching it, on Windows too, where `os.kill(pid, 0)` is Ctrl-C."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from nnviz_widgets.core.storage import processes
from nnviz_widgets.core.storage.processes import born, born_on_windows, is_alive


def test_this_process_is_there_and_one_that_ended_is_not():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_alive(os.getpid())
    assert born(os.getpid()) == born(os.getpid()) != ""
    assert not is_alive(ended.pid)
    assert not is_alive(-os.getpid())
    assert born(ended.pid) == ""


@pytest.mark.parametrize("pid", [0, -1, 2**31, 2**80, None, "1", 1.5])
def test_what_a_file_may_say_in_place_of_a_number_is_nobody(pid):
    assert not is_alive(pid)


class Windows:
    """What Windows answers: processes by number, each with when it began and its exit code."""

    ACCESS_DENIED, UNKNOWN = 5, 87

    def __init__(self, processes):
        self.processes, self.open, self.error = processes, set(), 0

    def OpenProcess(self, rights, inherit, pid):
        found = self.processes.get(pid)
        self.error = self.UNKNOWN if found is None else self.ACCESS_DENIED if found == "denied" else 0
        if self.error:
            return None
        self.open.add(pid)
        return pid

    def GetLastError(self):
        return self.error

    def GetExitCodeProcess(self, handle, code):
        code._obj.value = self.processes[handle.value][1]
        return 1

    def GetProcessTimes(self, handle, created, *others):
        created._obj.value = self.processes[handle.value][0]
        return 1

    def CloseHandle(self, handle):
        self.open.remove(handle.value)


@pytest.mark.parametrize(
    ("pid", "expected"),
    [(7, "1234567890123456789"), (8, None), (9, ""), (10, None)],
    ids=["runs", "ended", "denied", "none"],
)
def test_on_windows_its_library_is_asked(pid, expected):
    windows = Windows({7: (1234567890123456789, 259), 8: (5, 0), 9: "denied"})
    assert born_on_windows(pid, windows) == expected
    assert windows.open == set()


def test_on_windows_no_signal_is_sent(monkeypatch):
    def kill(pid, signal):
        raise AssertionError("a signal")

    monkeypatch.setattr(processes.os, "kill", kill)
    monkeypatch.setattr(processes.sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: Library({7: (1, 259)}), raising=False)
    assert is_alive(7)
    assert not is_alive(8)
    assert born(7) == "1"


class Library(Windows):
    """The same, with functions that can be told what they return."""

    def __init__(self, processes):
        super().__init__(processes)

        class Opener:
            restype = None

            def __call__(_, *values):
                return Windows.OpenProcess(self, *values)

        self.OpenProcess = Opener()
