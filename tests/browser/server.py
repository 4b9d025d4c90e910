"""A JupyterLab server of the tests' own: its own settings and its own folder, on a free loopback port."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    # It would ask in every picture whether one wants news.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 15


class LabServer:
    """One `jupyter lab` process; a context manager.

    Attributes:
        root: The folder that it serves.
        url: Its address once it runs, without a trailing slash.
        token: What a request must carry.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Prepare a server.

        Args:
            folder: An empty folder for the served files, the configuration and the log.
            settings: JupyterLab settings by plugin, such as
                `{"@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"}}`.
        """
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self._folder = folder
        self._settings = {**SETTINGS, **(settings or {})}
        self.url = ""
        self.token = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the process and wait until it answers."""
        self._write_settings()
        with self._log.open("wb") as log:
            # A process group of its own: kernels are its children, and all of them must end with it.
            self._process = subprocess.Popen(
                self._command(), stdout=log, stderr=log, env=self._environment(), start_new_session=True
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the process and its kernels."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def get(self, path: str) -> Any:
        """Return the JSON that the server's REST interface gives for `path`, such as `"api/kernels"`."""
        with urllib.request.urlopen(f"{self.url}/{path}?token={self.token}", timeout=10) as response:
            return json.load(response)

    def log_tail(self, n_lines: int = 40) -> str:
        """Return the last lines of what the server and its kernels printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-n_lines:])

    @property
    def _log(self) -> Path:
        return self._folder / "lab.log"

    def _write_settings(self) -> None:
        for plugin, values in self._settings.items():
            package, name = plugin.split(":")
            path = self._folder / "settings" / package / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(dict(values)), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        own = {
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        return os.environ | {name: str(self._folder / folder) for name, folder in own.items()}

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *("--ServerApp.port=0", f"--ServerApp.root_dir={self.root}", "--LabApp.expose_app_in_browser=True"),
        ]

    def _wait_until_up(self) -> None:
        """Wait for the file in which a running server says where it listens."""
        assert self._process is not None
        path = self._folder / "runtime" / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (path.exists() and path.stat().st_size):  # it is there, empty, just before it is written
            if self._process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended with {self._process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"JupyterLab was not up within {START_TIMEOUT_S} s:\n{self.log_tail()}")
            time.sleep(0.05)
        info = json.loads(path.read_text(encoding="utf-8"))
        self.url, self.token = info["url"].rstrip("/"), info["token"]
