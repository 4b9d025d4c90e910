"""Start JupyterLab with the quickstart notebook on this machine, and print its URL where nobody misses it."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir

NOTEBOOK = "01_quickstart.ipynb"
FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
START_TIMEOUT_S = 120


def start() -> subprocess.Popen[bytes]:
    """Start the server on a free port, for this machine only and for who has the token only."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *("--ServerApp.port=0", f"--ServerApp.root_dir={FOLDER}", "--ServerApp.log_level=WARN"),
            f"--IdentityProvider.token={secrets.token_hex(24)}",
        ],
        start_new_session=True,  # so that Ctrl-C reaches only us, and Jupyter is ended without its question
    )


def wait_until_up(server: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Return what the server says of itself once it listens: `url`, `token` and more.

    Raises:
        SystemExit: If the server ended, or was not up in time.
    """
    info = Path(jupyter_runtime_dir()) / f"jpserver-{server.pid}.json"
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (info.exists() and info.stat().st_size):  # it is there, empty, just before it is written
        if server.poll() is not None:
            sys.exit(f"JupyterLab ended with status {server.returncode} before it was up; its own words are above")
        if time.monotonic() > deadline:
            sys.exit(f"JupyterLab was not up within {START_TIMEOUT_S} s")
        time.sleep(0.1)
    answer: dict[str, Any] = json.loads(info.read_text(encoding="utf-8"))
    return answer


def main() -> None:
    """Serve the notebook until interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # `make` was ended: end the server too
    server = start()
    try:
        info = wait_until_up(server)
        rule = "=" * 100
        print(f"\n{rule}\n  Open this in a browser:\n\n  {info['url']}lab/tree/{NOTEBOOK}?token={info['token']}\n")
        print(f"  Ctrl-C here ends it.\n{rule}\n", flush=True)
        server.wait()
    except KeyboardInterrupt:
        print("\nJupyterLab is being stopped")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
