"""The front end alone: slider to picture in Chromium, and the size of the bundle."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    yield from (_figure(line) for line in lines)
    size = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in ("inspector.js", "inspector.css"))
    yield Figure("bundle, gzip", size / 1000, "kB", limit=60)


def _figure(line: dict[str, Any]) -> Figure:
    match line["name"]:
        case "slider_to_picture":
            name = f"slider to picture, recorded data, {line['size']}, median"
            return Figure(name, line["median_ms"], "ms", limit=line["most_ms"])
        case "slider_to_picture_in_a_file":
            name = f"slider to picture, shared file, {line['size']}, median"
            return Figure(name, line["median_ms"], "ms", limit=line["most_ms"])
        case "maps_replaced":
            name = f"three maps replaced, recorded data, {line['size']}"
            return Figure(name, line["frames_per_second"], "/s", limit=line["least_frames_per_second"], at_least=True)
        case "frames_of_a_run":
            return Figure(f"script of a frame, {line['maps']} maps of {line['size']}", line["script_median_ms"], "ms")
        case "layer_list_scrolled":
            name = "list of 1,000 layers scrolled, frame, median"
            return Figure(name, line["median_ms"], "ms", limit=line["most_ms"])
    raise ValueError(f"a figure of `npm run bench` must be one that is known here. Received: {line}")
