"""Start JupyterLab with a copy of the quickstart notebook, and print its URL where nobody misses it.

The copy is the person's own, to run and to change, and the notebook in the repository stays as it is.
"""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir

NOTEBOOK = "01_quickstart.ipynb"
ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "notebooks"
FOLDER = ROOT / "demo"
START_TIMEOUT_S = 120


def lay_out(source: Path, folder: Path) -> Path:
    """Have a copy of the notebook in `folder`, with the data that it reads beside it, and return it.

    The copy of an earlier run stays, with all that was changed in it, until the notebook in `source` is newer. Then it
    makes room, and keeps the time of its last change in its name. Data that is there stays as it is.
    """
    for file in (file for file in (source / "data").rglob("*") if file.is_file()):
        place = folder / file.relative_to(source)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, place)
    original, copy = source / NOTEBOOK, folder / NOTEBOOK
    newer = copy.exists() and original.stat().st_mtime > copy.stat().st_mtime
    if newer and original.read_bytes() != copy.read_bytes():
        changed = datetime.fromtimestamp(copy.stat().st_mtime)
        copy.rename(copy.with_stem(f"{copy.stem}_{changed:%Y-%m-%d_%H%M%S}"))
    if not copy.exists():
        shutil.copy2(original, copy)  # with its time, so that a change of either is the newer one
    return copy


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start the server on a free port, for this machine only and for who has the token only."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *("--ServerApp.port=0", f"--ServerApp.root_dir={folder}", "--ServerApp.log_level=WARN"),
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


def main(folder: Path) -> None:
    """Serve a copy of the notebook in `folder` until interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # `make` was ended: end the server too
    copy = lay_out(SOURCE, folder)
    server = start(folder)
    try:
        info = wait_until_up(server)
        rule = "=" * 100
        print(f"\n{rule}\n  Open this in a browser:\n\n  {info['url']}lab/tree/{NOTEBOOK}?token={info['token']}\n")
        print(f"  It is a copy for you to change, kept in {copy}\n  Ctrl-C here ends it.\n{rule}\n", flush=True)
        server.wait()
    except KeyboardInterrupt:
        print("\nJupyterLab is being stopped")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else FOLDER)
