"""An Inspector on a recording, by its path, also while another process writes it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from nnviz_widgets.core.storage import follow, lock, schema
from nnviz_widgets.core.storage.follow import Follower
from nnviz_widgets.core.storage.listing import list_recordings
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError, NotARecording, RecordingNotWritable
from tests.core.storage.runs import open_writer, run
from tests.waiting import until
from tests.widgets.fakes import Page

ROOT = Path(__file__).parents[2]

was_written = Follower._is_written

WRITER = """
import sys
from pathlib import Path
from tests.core.storage.runs import begin, open_writer, take_step
recording = open_writer(Path(sys.argv[1]))
begin(recording)
for step, line in enumerate(sys.stdin, 1):
    take_step(recording, step)
recording.close()
"""


@pytest.fixture
def other_process(tmp_path):
    """A process that takes a step for each line that it is given, and its file."""
    path = tmp_path / "a.nnv"
    command = [sys.executable, "-c", WRITER, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True, bufsize=1)
    until(lambda: path.exists() and open_recording(path).layers)
    yield process, path
    process.kill()
    process.stdin.close()
    process.wait()


def take_steps(process, n):
    """Let the other process take steps."""
    process.stdin.write("\n" * n)
    process.stdin.flush()


def test_it_follows_what_another_process_trains_until_that_ends(make_inspector, other_process):
    process, path = other_process
    take_steps(process, 2)
    inspector = make_inspector(path, follow=True)
    page = Page(inspector)
    page.reply(page.ready())
    assert page.reply(page.watch("weights", layer="dense"))["ok"]
    until(lambda: inspector._status["step"] == 2)
    assert (inspector._status["source"], inspector._status["state"]) == ("recording", "running")
    assert inspector._status["total_steps"] is None, "where it ends is not known"
    take_steps(process, 6)
    until(lambda: inspector._status["step"] == 8 and any(frame["step"] == 8 for frame, _ in page.poll()))
    assert inspector.cursor.step == 8
    process.stdin.close()
    assert process.wait(20) == 0
    until(lambda: inspector._status["state"] == "finished")
    assert inspector._status["total_steps"] == 8
    inspector.close()
    assert not inspector.recording.following


def test_L02_a_writer_that_slept_for_half_an_hour_is_not_taken_for_dead_and_is_followed_on(
    make_inspector, other_process, monkeypatch
):
    """The other process stands still as on a laptop that sleeps, while the clock of this one goes on."""
    process, path = other_process
    inspector = make_inspector(path, follow=True)
    page = Page(inspector)
    page.reply(page.ready())
    assert page.reply(page.watch("weights", layer="dense"))["ok"]
    take_steps(process, 2)
    until(lambda: inspector._status["step"] == 2)
    process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(lock, "now", lambda: time.time() + 1800)
    monkeypatch.setattr(follow, "LOOK_S", 0.0)
    looks = []
    monkeypatch.setattr(Follower, "_is_written", lambda self: looks.append(was_written(self)) or looks[-1])
    until(lambda: len(looks) > 5)
    assert all(looks)
    assert list_recordings(path.parent)["state"].tolist() == ["recording"]
    with (
        closing(schema.connect_to_write(path)) as other,
        pytest.raises(RecordingNotWritable, match="written by process"),
    ):
        lock.take(other, path)
    assert inspector._status["state"] == "running"
    process.send_signal(signal.SIGCONT)
    take_steps(process, 3)
    until(lambda: inspector._status["step"] == 5 and any(frame["step"] == 4 for frame, _ in page.poll()))
    process.stdin.close()
    assert process.wait(20) == 0
    until(lambda: inspector._status["state"] == "finished")
    assert list_recordings(path.parent)["state"].tolist() == ["complete"]


def test_it_tells_that_the_process_was_killed(make_inspector, other_process):
    process, path = other_process
    inspector = make_inspector(path, follow=True)
    page = Page(inspector)
    page.reply(page.ready())
    until(lambda: inspector._status["state"] == "running")
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: inspector._status["state"] == "finished")
    assert inspector.recording.layers


def test_a_path_that_is_not_followed_is_shown_as_it_is(make_inspector, tmp_path):
    run(open_writer(tmp_path / "a.nnv")).close()
    inspector = make_inspector(str(tmp_path / "a.nnv"))
    assert inspector._status["state"] == "finished"
    assert inspector.recording.steps.size == 12
    page = Page(inspector)
    page.reply(page.ready())
    assert page.reply(page.watch("weights", "activations", layer="dense_1", step=4))["ok"]
    until(lambda: any(frame["step"] == 4 for frame, _ in page.poll()))


def test_only_a_path_is_followed_on_request(stub_front_end, make_inspector, session, tmp_path):
    with pytest.raises(InvalidArgumentError, match="follow"):
        make_inspector(session, follow=True)
    with pytest.raises(NotARecording):
        make_inspector(tmp_path / "none.nnv", follow=True)
