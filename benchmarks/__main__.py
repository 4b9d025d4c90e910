"""Run all benchmarks, or those that are named, each in a process of its own, and print their figures."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

NAMES = (
    "startup",
    "front_end",
    "inspection",
    "large",
    "sharing",
    "training",
    "callback",
    "recordings",
    "rewinding",
    "conditions",
    "live",
)


def main() -> None:
    """Run what the command line names."""
    if len(sys.argv) == 3 and sys.argv[1] == "--here":
        for figure in importlib.import_module(f"benchmarks.{sys.argv[2]}").measure():
            print(figure, flush=True)
        return
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    for name in sys.argv[1:] or NAMES:
        print(f"--- {name}", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks", "--here", name], env=environment, check=True)


if __name__ == "__main__":
    main()
