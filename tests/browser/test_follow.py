"""In JupyterLab: an Inspector on a file that another process writes, until that process ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.inspector import Shown
from tests.core.catalogues import arrays_of
from tests.core.storage.runs import CATALOGUE

ROOT = Path(__file__).parents[2]
WEIGHTS = next(spec.key for spec in CATALOGUE.specs if spec.key.kind == "weights")
FOLLOW = """
import nnviz_widgets as nnviz

inspector = nnviz.Inspector({path!r}, follow=True)
inspector
"""
WRITER = """
import sys
from pathlib import Path
from tests.core.storage.runs import begin, open_writer, take_step
recording = open_writer(Path(sys.argv[1]))
begin(recording)
print("begun", flush=True)
for step, _ in enumerate(sys.stdin, 1):
    take_step(recording, step)
recording.close()
"""
"""Takes a step for each line that it is given."""


@pytest.fixture
def writer(tmp_path):
    """A process that has begun to record `a.nnv`, without Keras."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "a.nnv")]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def take_steps(process, n):
    """Let the other process take steps."""
    process.stdin.write("\n" * n)
    process.stdin.flush()


def shows_weights_of(shown, step):
    """Whether the weight under the cursor is that of a step, as far as it is written out."""
    read = {name: float(text.replace("\u2212", "-")) for name, text in shown.readout().items()}
    kernel = arrays_of(CATALOGUE, seed=step)[WEIGHTS]
    return abs(read["weight"] - kernel[int(read["in"]), int(read["neuron"])]) < 0.005


def test_a_page_follows_what_another_process_writes_until_that_ends(lab, tmp_path, writer):
    take_steps(writer, 2)
    with lab.open([FOLLOW.format(path=str(tmp_path / "a.nnv"))]) as notebook:
        notebook.run_all()
        shown = Shown(notebook, notebook.cell(0))
        shown.wait_until(lambda: shown.drawn("weights") and shown.step() == 2, "the first steps are shown")
        shown.wait_for_chip("being recorded")
        seen = [shown.pixels("weights")]
        for step in (4, 40):
            take_steps(writer, step - shown.step())
            shown.wait_until(lambda step=step: shown.step() == step, f"step {step} is counted")
            shown.wait_until(lambda step=step: shows_weights_of(shown, step), f"step {step} is read")
            shown.wait_until(lambda: shown.pixels("weights") not in seen, f"step {step} is drawn")
            seen.append(shown.pixels("weights"))
        writer.stdin.close()
        assert writer.wait(20) == 0
        shown.wait_until(lambda: shown.chip() == "recorded up to step 40", "it says that the writing is over")
        assert shown.step() == 40
        assert shows_weights_of(shown, 40)
        assert shown.button("Run").count() == 0
        assert notebook.complaints == []
