"""The front end alone: slider to picture in Chromium, and the size of the bundle."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "nnviz_widgets" / "static"


def measure() -> Iterator[Figure]:
    """Yield the figures that `npm run bench` prints, and the bundle's size."""
    command = ["npm", "run", "--silent", "bench"]
    answer = subprocess.run(command, cwd=ROOT / "js", capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"`{' '.join(command)}` printed no figure:\n{answer.stdout}{answer.stderr}")
    for line in lines:
        if line["name"] == "maps_replaced":
            name = f"three maps replaced, recorded data, {line['size']}"
            yield Figure(name, line["frames_per_second"], "/s", limit=line["least_frames_per_second"], at_least=True)
            continue
        name = f"slider to picture, recorded data, {line['size']}, median"
        yield Figure(name, line["median_ms"], "ms", limit=line["most_ms"])
    size = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in ("inspector.js", "inspector.css"))
    yield Figure("bundle, gzip", size / 1000, "kB", limit=60)
