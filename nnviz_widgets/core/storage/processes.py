"""Whether a process of this machine is there, and when it began; asking never touches it."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_MAX_PID = 2**31 - 1

_MAY_ASK = 0x1000
_ACCESS_DENIED = 5
_STILL_ACTIVE = 259
"""Words of Windows: the right to ask about a process, and two of its answers."""


def is_alive(pid: int) -> bool:
    """Whether there is a process of that number."""
    if not isinstance(pid, int) or not 0 < pid <= _MAX_PID:
        return False
    if sys.platform == "win32":  # where `os.kill(pid, 0)` is Ctrl-C
        return born_on_windows(pid, _kernel32()) is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so it is there
        pass
    return True


def born(pid: int) -> str:
    """Return when a process began, in the system's own ticks; empty where it does not tell."""
    if sys.platform == "win32":
        return born_on_windows(pid, _kernel32()) or ""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _kernel32() -> Any:
    library = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    library.OpenProcess.restype = ctypes.c_void_p
    return library


def born_on_windows(pid: int, kernel32: Any) -> str | None:
    """Return when a process began, empty where Windows does not tell, `None` if it is no more.

    Args:
        pid: Its number.
        kernel32: The library of Windows.
    """
    handle = kernel32.OpenProcess(_MAY_ASK, False, pid)
    if not handle:
        return "" if kernel32.GetLastError() == _ACCESS_DENIED else None
    process = ctypes.c_void_p(handle)
    try:
        code, times = ctypes.c_ulong(), [ctypes.c_ulonglong() for _ in range(4)]
        if kernel32.GetExitCodeProcess(process, ctypes.byref(code)) and code.value != _STILL_ACTIVE:
            return None
        known = kernel32.GetProcessTimes(process, *map(ctypes.byref, times))
        return str(times[0].value) if known else ""
    finally:
        kernel32.CloseHandle(process)
