"""Start JupyterLab with the quickstart notebook on this machine, and print its address where nobody misses it."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

NOTEBOOK = "01_quickstart.ipynb"
FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
START_TIMEOUT_S = 120


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(port: int, token: str) -> subprocess.Popen[bytes]:
    """Start the server on `port`, reachable from this machine only and with `token` only."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={FOLDER}"),
            *(f"--IdentityProvider.token={token}", "--ServerApp.log_level=WARN"),
        ],
        start_new_session=True,  # so that Ctrl-C reaches only us, and Jupyter is ended without its question
    )


def wait_until_up(server: subprocess.Popen[bytes], url: str) -> None:
    """Return once `url` answers.

    Raises:
        SystemExit: If the server ended, or did not answer in time.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"JupyterLab ended with status {server.returncode} before it was up; its own words are above")
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    server.terminate()
    sys.exit(f"JupyterLab did not answer within {START_TIMEOUT_S} s")


def main() -> None:
    """Serve the notebook until interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # `make` was ended: end the server too
    port, token = free_port(), secrets.token_hex(24)
    server = start(port, token)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(server, f"{base}/api?token={token}")
        rule = "=" * 100
        print(f"\n{rule}\n  Open this in a browser:\n\n  {base}/lab/tree/{NOTEBOOK}?token={token}\n", flush=True)
        print(f"  Ctrl-C here ends it.\n{rule}\n", flush=True)
        server.wait()
    except KeyboardInterrupt:
        print("\nJupyterLab is being stopped")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
