"""An older ipykernel beside the environment's own, for the tests in JupyterLab.

ipykernel 7 answers widget messages on another thread; ipykernel 6 answers them between two cells. A widget must be
right under both. `make test` runs this file once; it installs a few small packages in a folder of their own and
registers a kernel that looks there first, so that everything else, TensorFlow above all, is the environment's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

OLDER_IPYKERNEL = "ipykernel-6.29"
"""Name of the kernel specification."""

KERNELS = ("python3", OLDER_IPYKERNEL)
"""The kernels under which a widget must be right; the first is the environment's own."""

# nest-asyncio is what ipykernel 6 needs and 7 does not; it lives in the same folder.
PACKAGES = ("ipykernel==6.29.5", "nest-asyncio==1.6.0")


def install(prefix: Path) -> None:
    """Install the older ipykernel under `prefix` and register it there."""
    packages = prefix / "kernels" / OLDER_IPYKERNEL
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--no-deps", "--target", str(packages))
    subprocess.run([*pip, *PACKAGES], check=True)
    specification = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": OLDER_IPYKERNEL,
        "language": "python",
        "env": {"PYTHONPATH": str(packages)},
    }
    folder = prefix / "share" / "jupyter" / "kernels" / OLDER_IPYKERNEL
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(specification), encoding="utf-8")


if __name__ == "__main__":
    install(Path(sys.prefix))
